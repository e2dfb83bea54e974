"""The service's side of the decoder processes: their fork server, and each worker with its limits."""

import os
import resource
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mien.errors import DecoderUnavailable
from mien.sandbox.channel import Broken, Channel, ChannelClosed, socket_pair
from mien.sandbox.messages import FromServer, FromWorker, Ready, Reap, Reaped, Spawn, Spawned, ToServer
from mien.sandbox.shared_memory import SharedMemory

_KIB = 1024
_SCRATCH_BYTES = 32 << 20  # a picture of 11 megapixels; pages count once they are used
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
# Nothing else of the service's environment: keys may be in it.
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "TMPDIR")
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    # Huge pages where the system has them: the buffers of a picture of 12 megapixels (128 MB) are so large that the C
    # library gets them anew from the system for each picture, which takes 33,000 page faults with pages of 4 KiB.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_STOPPED = "The decoder processes are not running; try again in a moment."


class Worker:
    """A decoder process: its ``channel``, how many tasks it has begun, and memory that its tasks may share with us.

    ``scratch`` is used again and again: new memory costs the system a page fault for every four kilobytes.
    """

    def __init__(self, pid: int, channel: Channel[FromWorker], scratch: SharedMemory) -> None:
        self.pid = pid
        self.channel = channel
        self.tasks = 0
        self.scratch = scratch
        self.first_size = self.size()

    def is_heard_of(self) -> bool:
        """Whether there is something to receive from it, or it is gone."""
        poll = select.poll()  # unlike ``select``, for descriptors of any number
        poll.register(self.channel, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close what belongs to it here. Closing twice is harmless."""
        self.channel.close()

    def size(self) -> int:
        """Bytes of private memory that it may write to, as ``RLIMIT_DATA`` counts them; 0 if it is gone."""
        with suppress(OSError, StopIteration):
            status = Path(f"/proc/{self.pid}/status").read_text()
            return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmData"))) * _KIB
        return 0

    def limit_memory(self, more: int) -> None:
        """Let it allocate ``more`` bytes than it has now."""
        self._limit(resource.RLIMIT_DATA, self.size() + more)

    def limit_cpu(self, more: float) -> None:
        """Let it compute ``more`` seconds than it has; at the limit the kernel ends it."""
        used = 0.0
        with suppress(OSError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / _TICKS
        self._limit(resource.RLIMIT_CPU, int(used + more) + 1)

    def _limit(self, kind: int, bound: int) -> None:
        # From outside: the worker itself may not change limits.
        with suppress(OSError):  # it is gone, which the channel reports
            resource.prlimit(self.pid, kind, (bound, resource.RLIM_INFINITY))


class ForkServer:
    """Starts with the object; ``modules`` have the handlers. Thread-safe.

    ``tell_lacking`` is called once, with the kinds of confinement that this machine does not have.
    """

    def __init__(self, modules: Sequence[str], tell_lacking: Callable[[Sequence[str]], None]) -> None:
        self._tell_lacking = tell_lacking
        ours, theirs = socket_pair()
        self._channel: Channel[FromServer] = Channel(ours, FromServer)
        self._lock = threading.Lock()
        self._is_ready = False
        # -P: not from the folder in which the service happens to run.
        command = [sys.executable, "-P", "-m", f"{__package__}.fork_server", str(theirs.fileno()), *modules]
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  this program's own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # an interrupt at the terminal is not for it
                env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **_SETTINGS},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def spawn(self) -> Worker:
        """A new worker.

        Raises:
            DecoderUnavailable: the server has ended.
        """
        ours, theirs = socket_pair()
        scratch = SharedMemory(_SCRATCH_BYTES)
        try:
            with theirs:
                answer = self._ask(Spawn(), (theirs.fileno(), scratch.descriptor))
            if not isinstance(answer, Spawned):
                raise DecoderUnavailable(_STOPPED)
        except BaseException:
            ours.close()
            raise
        finally:
            scratch.close()  # both sides have it mapped
        return Worker(answer.pid, Channel(ours, FromWorker), scratch)

    def reap(self, worker: Worker) -> int | None:
        """Kill ``worker``; its exit code (negative: the signal that ended it), or ``None`` if the server has ended."""
        worker.close()
        try:
            answer = self._ask(Reap(worker.pid))
        except DecoderUnavailable:
            return None
        return answer.exit_code if isinstance(answer, Reaped) else None

    def close(self) -> None:
        """End the server and, with it, every worker."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _wait_until_ready(self) -> None:
        if self._is_ready:
            return
        answer = self._receive()
        if not isinstance(answer, Ready):
            raise DecoderUnavailable(_STOPPED)
        self._is_ready = True
        self._tell_lacking(answer.lacking)

    def _ask(self, order: ToServer, descriptors: Sequence[int] = ()) -> FromServer:
        with self._lock:
            self._wait_until_ready()
            try:
                self._channel.send(order, descriptors)
            except ChannelClosed as error:
                raise DecoderUnavailable(_STOPPED) from error
            return self._receive()

    def _receive(self) -> FromServer:
        try:
            return self._channel.receive()
        except (ChannelClosed, Broken) as error:
            raise DecoderUnavailable(_STOPPED) from error

"""What the service opens and connects to while it reads hostile files, as the kernel sees it.

    python -m benchmarks.outside [--pictures 2000] [--clips 300]        # needs strace

Starts ``mien serve`` under strace, which follows every thread and process, and sends it playlists and other files that
name a secret file and a listening address, and broken pictures and clips as ``benchmarks.hostile`` does. From then on,
every path that a system call names must be the service's own (its spool and data, its code and libraries, ``/proc``,
devices), and no socket may be made. Exit code 1, with the calls, if one was not.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.hostile import Case, Outcome, Sender, cases
from benchmarks.hostile_files import clips, pictures
from tests.e2e.server import MIEN, Server
from tests.references import PLAYLISTS, Listener, with_reference

_CALLS = "%file,socket,connect,bind"
_LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +(\d+\.\d+) (\w+)\((.*)$")
_PATH = re.compile(r'(?:\d+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')  # behind the folder that it is relative to
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/lib/", "/lib64/", "/usr/lib/", "/usr/share/zoneinfo", "/etc/localtime")


def _naming(folder: Path, address: str) -> Iterator[bytes]:
    """Files that name the clip and the text in ``folder``, and ``address``."""
    host, port = address.split(":")
    for url in (f"http://{address}/clip.ts", f"tcp://{address}", f"file://{folder}/secret.txt", f"{folder}/clip.mp4"):
        for text in PLAYLISTS.values():
            yield text.format(url=url, host=host, port=port).encode()
    clip = (folder / "clip.mp4").read_bytes()
    for url in (f"http://{address}/x", f"file://{folder}/clip.mp4"):
        yield with_reference(clip, url.encode() + b"\0")


def _calls(trace: Path, since: float) -> Iterator[tuple[str, str]]:
    """Name and arguments of the calls that were made after ``since`` (seconds of the epoch)."""
    with trace.open(errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line)
            if found is not None and float(found[2]) >= since:
                yield found[3], found[4]


def _outside(calls: Iterable[tuple[str, str]], own: tuple[str, ...]) -> Counter[str]:
    """Calls that concern neither a path under ``own`` nor nothing at all, and how often they were made."""
    found: Counter[str] = Counter()
    for name, arguments in calls:
        if name in ("socket", "connect", "bind"):
            found[f"{name}({arguments[:100]}"] += 1
            continue
        for base, named in _PATH.findall(arguments.split(" = ")[0])[: 1 if name == "execve" else 2]:
            path = named if named.startswith("/") or not base else f"{base}/{named}"
            if named and not path.startswith(own) and not any(home.startswith(path.rstrip("/")) for home in own):
                found[f'{name}("{path}")'] += 1
    return found


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--clips", type=int, default=300)
    given = parser.parse_args()
    strace = shutil.which("strace")
    if strace is None:
        print("strace is not installed (Debian: strace).")
        return 1
    outcome, listener = Outcome(), Listener()
    with tempfile.TemporaryDirectory() as elsewhere, tempfile.TemporaryDirectory() as name:
        secret, folder = Path(elsewhere), Path(name)
        (secret / "secret.txt").write_text("what another file holds")
        broken = clips()
        (secret / "clip.mp4").write_bytes(broken["mp4, H.264"])
        spool, trace = folder / "spool", folder / "trace"
        spool.mkdir()
        command = (strace, "-f", "-qq", "-ttt", "-y", "-s", "300", "-e", f"trace={_CALLS}", "-o", str(trace), str(MIEN))
        with Server(folder, {"MIEN_SPOOL_DIR": str(spool)}, command) as server:
            sender = Sender(server.url, outcome)
            for number in (0, 1, 2):  # a picture, and clips to be analysed, annotated and made a job: all is loaded now
                sender.send(Case("picture", pictures()["PNG"], False, True, number))
                sender.send(Case("clip", broken["mp4, H.264"], True, True, number))
            since = time.time()
            named = list(_naming(secret, listener.address))
            sent = [Case("names another", data, is_clip, False, 3) for data in named for is_clip in (False, True)]
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(sender.send, sent))
                list(threads.map(sender.send, cases([(*one, False) for one in pictures().items()], given.pictures, 31)))
                list(threads.map(sender.send, cases([(*one, True) for one in broken.items()], given.clips, 31)))
            until = len(outcome.seconds)
            subprocess.run(["pkill", "-TERM", "-P", str(server.process.pid)], check=False)
            server.process.wait(30)
        code = Path(__file__).parents[1]
        own = (str(folder), sys.prefix, sys.base_prefix, f"{code}/service", f"{code}/model_store", *_SYSTEM)
        calls = list(_calls(trace, since))
    outside = _outside(calls, own)
    print(f"{until} files; {len(calls):,} calls that name a file or make a connection")
    for call, count in outside.most_common(30):
        print(f"OUTSIDE {count} x {call}")
    if listener.seen:
        print(f"CONNECTED from {listener.seen}")
    print("nothing outside" if not outside and not listener.seen else "NOT clean")
    return int(bool(outside or listener.seen))


if __name__ == "__main__":
    sys.exit(main())

"""A PostgreSQL cluster of its own, in a temporary folder on a free port."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_SEARCHED = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, if they are installed."""
    found = [path for pattern in _SEARCHED for path in Path("/").glob(pattern[1:]) if (path / "initdb").exists()]
    on_path = shutil.which("initdb")
    return max(found, default=None) or (Path(on_path).resolve().parent if on_path else None)


class Postgres:
    """Running in the context; ``stop`` and ``start`` are there for tests of what happens while it is away.

    ``enter`` is a command that runs another one on the host that has ``address``; ``network`` is whom it answers.
    """

    def __init__(
        self,
        binaries: Path,
        folder: Path,
        address: str = "127.0.0.1",
        enter: Sequence[str] = (),
        network: str = "127.0.0.1/32",
    ) -> None:
        self._address = address
        self._enter = enter
        self._network = network
        self._binaries = binaries
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._enter = (*enter, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://mien:mien@{address}:{self.port}/postgres"

    def __enter__(self) -> Self:
        self._run("initdb", "--auth=trust", "--username=mien", "--no-sync", "--pgdata", str(self._data))
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self._network} trust\n")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses={self._address} -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "--pgdata", str(self._data), "--log", str(self._log), "--wait", "-o", options, "start")

    def stop(self) -> None:
        """Stop at once; clients lose their connections."""
        self._run("pg_ctl", "--pgdata", str(self._data), "--mode", "immediate", "--wait", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._enter, str(self._binaries / program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def running(binaries: Path) -> Iterator[Postgres]:
    """A cluster in a folder of its own; not pytest's, which another user may not enter."""
    with tempfile.TemporaryDirectory(prefix="mien-postgres-") as folder, Postgres(binaries, Path(folder)) as server:
        yield server

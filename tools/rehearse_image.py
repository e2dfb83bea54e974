"""Follow the Dockerfile without Docker, as root, and serve from the result: python -m tools.rehearse_image BASE OUT

BASE is a folder that stands for the base image: a Debian root (`debootstrap --variant=minbase bookworm BASE`) with the
python of the FROM line in /usr/local/bin. OUT is made anew and holds one root folder a stage. The last one is then
started as the image would be: as its USER, in its WORKDIR, on a read-only root with a fresh /tmp, until its own
HEALTHCHECK passes. It is a rehearsal and no build: one network and one host name with this machine, no layers.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.checks.image import Ignore, parse
from tools.checks.tracked import tracked_files

ROOT = Path(__file__).resolve().parent.parent

# What a build on this machine may use to reach its package registry; none of it is written into a stage.
PASSED_ON = ("PIP_", "SSL_CERT_")


@dataclass
class Stage:
    root: Path
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
    )
    directory: str = "/"
    user: str = "0:0"
    settings: dict[str, str] = field(default_factory=dict)

    def inside(self, path: str) -> Path:
        return self.root / (Path(self.directory) / path).relative_to("/")

    def command(self, arguments: list[str], *, building: bool = False) -> list[str]:
        ours = {name: value for name, value in os.environ.items() if building and name.startswith(PASSED_ON)}
        pairs = [f"{name}={value}" for name, value in (ours | self.environment).items()]
        enter = f"cd {shlex.quote(self.directory)} && exec {shlex.join(['env', '-i', *pairs, *arguments])}"
        return ["chroot", f"--userspec={self.user}", "--groups=", str(self.root), "/bin/sh", "-c", enter]

    def apply(self, keyword: str, arguments: str, context: Path, stages: dict[str, Stage]) -> None:
        match keyword:
            case "ENV":
                for pair in shlex.split(arguments):
                    name, _, value = pair.partition("=")
                    self.environment[name] = value.replace("$PATH", self.environment["PATH"])
            case "WORKDIR":
                self.directory = arguments
                self.inside(".").mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = arguments
            case "RUN":
                print(f"RUN {arguments[:100]}", flush=True)
                subprocess.run(self.command(["/bin/sh", "-c", arguments], building=True), check=True)
            case "COPY":
                self._copy(shlex.split(arguments), context, stages)
            case _:
                self.settings[keyword] = arguments

    def _copy(self, words: list[str], context: Path, stages: dict[str, Stage]) -> None:
        origin = context
        if words[0].startswith("--from="):
            origin = stages[words.pop(0).removeprefix("--from=")].root
        *sources, destination = words
        for name in sources:
            source = origin / name.strip("/")
            target = self.inside(destination)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                if destination.endswith("/"):
                    target /= source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


def build(base: Path, out: Path) -> Stage:
    context = out / "context"
    ignore = Ignore((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for name in tracked_files(ROOT):
        if not ignore.matches(name) and (ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, context / name)
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for keyword, arguments in parse((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if keyword == "FROM":
            name = arguments.partition(" AS ")[2] or "final"
            stage = stages[name] = Stage(out / name)
            subprocess.run(["cp", "--archive", str(base), str(stage.root)], check=True)
        elif stage is not None:
            stage.apply(keyword, arguments, context, stages)
    assert stage is not None  # noqa: S101 - a Dockerfile has a FROM
    return stage


def serve(stage: Stage, port: int, seconds: float) -> int:
    """Start the image's command; 0 when its health check passed within ``seconds``."""
    stage.environment["MIEN_PORT"] = str(port)
    check = stage.settings["HEALTHCHECK"]
    healthy = stage.command(json.loads(check[check.index("[") :]))
    start = stage.command(json.loads(stage.settings["ENTRYPOINT"]) + json.loads(stage.settings["CMD"]))
    root = shlex.quote(str(stage.root))
    # In a mount namespace of its own: what is mounted here goes with the process.
    mounts = " && ".join(
        [
            f"mount --bind {root} {root}",
            f"mount -o remount,bind,ro {root}",
            f"mount -t tmpfs -o mode=1777 tmp {root}/tmp",  # noqa: S108 - the stage's own, not this machine's
            f"mount --bind /dev {root}/dev",
            f"mount -t proc proc {root}/proc",
        ]
    )
    begun = time.monotonic()
    service = subprocess.Popen(["unshare", "--mount", "/bin/sh", "-c", f"{mounts} && exec {shlex.join(start)}"])
    try:
        while time.monotonic() - begun < seconds and service.poll() is None:
            if subprocess.run(healthy, check=False).returncode == 0:
                print(f"healthy after {time.monotonic() - begun:.1f} s, on port {port}", flush=True)
                sys.stdin.read()  # until the terminal, or whoever drives this, closes it
                return 0
            time.sleep(0.2)
        return 1
    finally:
        service.terminate()
        print(f"stopped with {service.wait(60)}")


def free_port() -> int:
    """No fixed one: the health check would be as content with a stranger's service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    return serve(build(arguments.base.resolve(), arguments.out.resolve()), free_port(), 30)


if __name__ == "__main__":
    sys.exit(main())

"""The files of ours that one picture passes through, from the socket to the answer, in a live server of this process.

python -m tools.way photo.jpg    # prints each, in the order in which it is first entered, and how many there are
"""

import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import httpx

from mien.cli.main import main as mien

PACKAGE = Path(__file__).resolve().parents[1] / "service/mien"


class Way:
    """Files a function of which was called while ``watching``."""

    def __init__(self) -> None:
        self.watching = False
        self.files: dict[str, None] = {}

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if self.watching and event == "call" and path.startswith(str(PACKAGE)):
            self.files[str(Path(path).relative_to(PACKAGE))] = None


def ask(way: Way, picture: Path, port: int) -> None:
    """Send the picture once as a warm-up and once watched, then stop this process."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for _ in range(300):
            try:
                if client.get("/health/ready").is_success:
                    break
            except httpx.ConnectError:
                pass
            time.sleep(0.1)
        for way.watching in (False, True):
            client.post("/predict", files={"file": picture.read_bytes()}).raise_for_status()
        way.watching = False
    signal.raise_signal(signal.SIGTERM)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    way = Way()
    threading.Thread(target=ask, args=(way, Path(sys.argv[1]), port)).start()
    threading.setprofile(way.profile)
    sys.setprofile(way.profile)
    sys.argv = ["mien", "serve", "--port", str(port)]
    try:
        mien()
    finally:
        print("\n".join(way.files))
        print(len(way.files), "files")


if __name__ == "__main__":
    main()

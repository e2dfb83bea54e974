"""Clips analysed by the ``fer`` library and by Mien: frames per second, and rows with wrong or missing times.

    make .venv-peers/fer/.ready && python -m benchmarks.speed.peers.fer_video CLIP... [--fps 5]

Runs in Mien's environment and starts itself again in the peer's. Both analyse the same clip at the same sampling;
loading models is not counted. ``fer`` runs as its documentation shows, with its default detector and without writing
frames or clips, which Mien does not do either.

A row's time is right if a frame of the clip is presented within 1 ms of it. ``fer`` gives no times; callers have to
compute row number x sampling step / frame rate, and that is what is scored here.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.peers.contenders import ROOT, Contender

_SLACK = 0.001
FER = Contender("`fer`", "fer")


def peer(clip: str, fps: float) -> dict[str, Any]:
    """Analyse one clip with ``fer``; needs the peer's environment."""
    import cv2
    from fer.classes import Video
    from fer.fer import FER

    rate = cv2.VideoCapture(clip).get(cv2.CAP_PROP_FPS)
    step = max(1, int(rate // fps))
    detector = FER()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it writes data.csv into the working directory
        video = Video(clip, outdir=folder, first_face_only=False)
        started = time.perf_counter()
        table = video.analyze(
            detector,
            display=False,
            output="pandas",
            frequency=step,
            save_frames=False,
            save_video=False,
            annotate_frames=False,
            zip_images=False,
        )
        spent = time.perf_counter() - started
    return {
        "seconds": spent,
        "times": [row * step / rate for row in range(len(table))],
        "faces": int(sum(table[column].notna().sum() for column in table if column.startswith("box"))),
    }


def ours(clip: str, fps: float) -> dict[str, Any]:
    """Analyse one clip with Mien."""
    from contextlib import closing

    from mien.domain import AnalyzeOptions
    from mien.engine.local import EngineConfig, open_engine
    from mien.store import default_store
    from mien.usecases.analyze_video import VideoOptions, analyze_video
    from mien.video.model import Sampling

    with closing(open_engine(EngineConfig(default_store(), os.cpu_count() or 1))) as engine:
        started = time.perf_counter()
        rows = analyze_video(Path(clip), AnalyzeOptions(), VideoOptions(Sampling(fps)), engine=engine).timeline.rows
        spent = time.perf_counter() - started
    return {"seconds": spent, "times": [row.time for row in rows], "faces": sum(len(row.faces) for row in rows)}


def presentation_times(clip: str) -> list[float]:
    """The presentation time of each frame of the clip."""
    import av

    with av.open(clip) as container:
        return [frame.time for frame in container.decode(video=0)]


def score(found: dict[str, Any], own: Sequence[float], fps: float) -> dict[str, Any]:
    """Speed, and how many sampling instants have no row or a row with a wrong time."""
    right = sum(any(abs(time - t) <= _SLACK for t in own) for time in found["times"])
    instants = len({int((t + _SLACK / 2) * fps) for t in own})
    return {
        "frames_a_second": round(instants / found["seconds"], 1),
        "wall_s": round(found["seconds"], 2),
        "rows": len(found["times"]),
        "faces": found["faces"],
        "wrong_times": len(found["times"]) - right,
        "missing_rows": max(0, instants - len(found["times"])),
    }


def main() -> None:
    """Print one line per clip and library."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        print(json.dumps(peer(arguments.clips[0], arguments.fps)))
        return
    for clip in arguments.clips:
        own = presentation_times(clip)
        print(
            json.dumps(
                {"clip": Path(clip).name, "with": "mien", **score(ours(clip, arguments.fps), own, arguments.fps)}
            )
        )
        program = [str(FER.python), "-m", "benchmarks.speed.peers.fer_video", "--as-peer", str(Path(clip).resolve())]
        command = [*program, "--fps", str(arguments.fps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            print(json.dumps({"clip": Path(clip).name, "with": "fer", "failed": done.stderr.strip().splitlines()[-1:]}))
            continue
        found = json.loads(done.stdout.strip().splitlines()[-1])
        print(json.dumps({"clip": Path(clip).name, "with": "fer", **score(found, own, arguments.fps)}))


if __name__ == "__main__":
    main()

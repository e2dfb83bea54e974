"""Clips through the ``fer`` library and through Mien: frames a second, and rows with wrong or missing times.

    python benchmarks/peers/fer_video.py --peer-python PEER/bin/python CLIP... [--fps 5]

Runs in Mien's environment and starts itself again under the peer's interpreter (see README.md beside this file). Both
analyse the same clip at the same sampling; opening models is not counted. ``fer`` runs as its documentation has it,
with its default detector and without writing frames or clips, which Mien does not do either.

A row's time is right when a frame of the clip is shown within 1 ms of it. ``fer`` gives no times: a caller's only way
is row number x sampling step / frame rate, and that is what is judged here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SLACK = 0.001


def peer(clip: str, fps: float) -> dict[str, Any]:
    """One clip through ``fer``; needs the peer's environment."""
    import cv2
    from fer.classes import Video
    from fer.fer import FER

    rate = cv2.VideoCapture(clip).get(cv2.CAP_PROP_FPS)
    step = max(1, int(rate // fps))
    detector = FER()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it writes data.csv where it stands
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
    """One clip through Mien."""
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


def shown_at(clip: str) -> list[float]:
    """When each frame of the clip is shown, by its own time stamp."""
    import av

    with av.open(clip) as container:
        return [frame.time for frame in container.decode(video=0)]


def judged(found: dict[str, Any], own: Sequence[float], fps: float) -> dict[str, Any]:
    """Speed, and how many of the sampling instants have a row with a right time."""
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
    """Print a line a clip and library."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--peer-python", help="the interpreter of the environment with fer in it")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.as_peer:
        print(json.dumps(peer(os.path.abspath(chosen.clips[0]), chosen.fps)))  # noqa: PTH100
        return
    for clip in chosen.clips:
        own = shown_at(clip)
        print(json.dumps({"clip": Path(clip).name, "with": "mien", **judged(ours(clip, chosen.fps), own, chosen.fps)}))
        command = [chosen.peer_python or sys.executable, __file__, "--as-peer", clip, "--fps", str(chosen.fps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(json.dumps({"clip": Path(clip).name, "with": "fer", "failed": done.stderr.strip().splitlines()[-1:]}))
            continue
        found = json.loads(done.stdout.strip().splitlines()[-1])
        print(json.dumps({"clip": Path(clip).name, "with": "fer", **judged(found, own, chosen.fps)}))


if __name__ == "__main__":
    main()

"""Speed of clips relative to real time and to decoding alone, and peak memory of long clips.

    python -m benchmarks.video_speed [CLIP...] [--fps 5 --fps native] [--detector auto] [--runs 3] [--json OUT.json]
    python -m benchmarks.video_speed --memory CLIP [--minutes 1 --minutes 60]

Without CLIP, two of ../shared/media/clips are used. Every figure is the median of ``--runs`` runs in one process; the
load of the machine is printed as well. ``--memory`` loops CLIP (packets copied, timestamps shifted) to each length and
analyses it at 5 fps in a fresh process.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.local import EngineConfig, open_engine
from mien.store import default_store
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.video.model import Sampling


def bare_decode(path: Path, threads: int) -> float:
    """Seconds to decode every frame."""
    started = time.perf_counter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        for _ in container.decode(stream):
            pass
    return time.perf_counter() - started


def speed(paths: list[Path], rates: list[float | None], detector: DetectorMode, runs: int, workers: int) -> list[Any]:
    """One row per clip and rate."""
    rows = []
    options = AnalyzeOptions(detector=detector)
    with closing(open_engine(EngineConfig(default_store(), workers))) as engine:
        for path in paths:
            decode = statistics.median(bare_decode(path, workers) for _ in range(runs))
            for fps in rates:
                spent = []
                for _ in range(runs):
                    started = time.perf_counter()
                    result = analyze_video(path, options, VideoOptions(Sampling(fps)), engine=engine)
                    spent.append(time.perf_counter() - started)
                wall = statistics.median(spent)
                faces = [len(row.faces) for row in result.timeline.rows]
                rows.append(
                    {
                        "clip": path.name,
                        "fps": fps or "native",
                        "seconds": round(result.duration, 2),
                        "frames_analyzed": result.frames_analyzed,
                        "mean_faces": round(statistics.mean(faces), 2),
                        "people": len(result.timeline.people),
                        "wall_s": round(wall, 3),
                        "spread_s": [round(min(spent), 3), round(max(spent), 3)],
                        "times_real_time": round(result.duration / wall, 2),
                        "bare_decode_s": round(decode, 3),
                        "over_bare_decode": round(wall / decode, 2),
                        "load": round(os.getloadavg()[0], 1),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    return rows


def loop(source: Path, target: Path, seconds: float) -> None:
    """Repeat the frames of ``source`` until the clip has ``seconds``."""
    with av.open(str(target), "w", format="mp4") as out:
        stream, shift = None, Fraction(0)
        while shift < seconds:
            with av.open(str(source)) as container:
                pictures = container.streams.video[0]
                stream = stream or out.add_stream_from_template(pictures)
                base, length = pictures.time_base or Fraction(1), Fraction(0)
                begin = (pictures.start_time or 0) * base
                for packet in container.demux(pictures):
                    if packet.dts is None or packet.pts is None:
                        continue
                    length = max(length, (packet.pts + (packet.duration or 0)) * base - begin)
                    moved = round((shift - begin) / base)
                    packet.pts, packet.dts, packet.stream = packet.pts + moved, packet.dts + moved, stream
                    out.mux(packet)
            shift += length


def peak_memory(path: str, workers: int, answers: "multiprocessing.Queue[tuple[float, int, float]]") -> None:
    """Put the peak MiB of analysing ``path``, its rows and the seconds. Runs in a process of its own."""
    with closing(open_engine(EngineConfig(default_store(), workers))) as engine:
        started = time.perf_counter()
        result = analyze_video(Path(path), AnalyzeOptions(), VideoOptions(), engine=engine)
        spent = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    answers.put((peak, len(result.timeline.rows), spent))


def memory(source: Path, minutes: list[float], workers: int) -> None:
    """Print the peak of each length."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for length in minutes:
            path = Path(folder) / "long.mp4"
            loop(source, path, length * 60)
            answers = context.Queue()
            process = context.Process(target=peak_memory, args=(str(path), workers, answers))
            process.start()
            peak, rows, spent = answers.get()
            process.join()
            size = path.stat().st_size >> 20
            print(
                f"{length:g} min ({size} MiB file): peak {peak:.0f} MiB, {rows} rows in {spent:.1f} s "
                f"({length * 60 / spent:.1f} times real time)",
                flush=True,
            )


CLIPS = tuple(Path("../shared/media/clips") / name for name in ("fnp_video.mp4", "lp_d10.mp4"))


def _rate(text: str) -> float | None:
    return None if text == "native" else float(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, default=[clip for clip in CLIPS if clip.is_file()])
    parser.add_argument("--fps", type=_rate, action="append", help="a number or native; may be repeated")
    parser.add_argument("--detector", type=DetectorMode, default=DetectorMode.AUTO)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--minutes", type=float, action="append")
    arguments = parser.parse_args()
    if not arguments.clips:
        print(f"No clip to measure: name one, or provide {CLIPS[0].parent}.")
        return
    if arguments.memory:
        memory(arguments.clips[0], arguments.minutes or [1.0, 60.0], arguments.workers)
        return
    rows = speed(arguments.clips, arguments.fps or [5.0, None], arguments.detector, arguments.runs, arguments.workers)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

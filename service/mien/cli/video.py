"""``mien video``: people and emotions in a clip, without a server."""

import argparse
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from mien.cli.common import add_analysis_options, add_store, analysis_options, store_of, worker_count
from mien.cli.hints import hint_for_picture
from mien.cli.progress import Progress
from mien.cli.tables import table
from mien.cli.targets import check_writable, file_ending
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.errors import CorruptMedia, InputError, NoVideoStream, StorageFull, TooLarge, UnsupportedMedia
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.render.tables import csv_lines
from mien.usecases.analyze_video import Smoothing, VideoAnalysis, VideoOptions, VideoRun
from mien.usecases.annotate_video import annotate_video
from mien.usecases.video_document import analysis_chunks
from mien.video.model import Sampling

_HEAD = ("person", "first seen", "last seen", "screen time", "dominant", "mean score", "segments")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``video`` and its options."""
    parser = commands.add_parser(
        "video",
        help="follow the people in a clip",
        description="Follow every person through a clip, and say which emotions a crowd would see and when.",
    )
    parser.add_argument(
        "clip", type=Path, metavar="CLIP", help="a video file: MP4, MOV, MKV, WebM, AVI, GIF, TS or FLV"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    form.add_argument("--csv", action="store_true", help="print a table, one row a face")
    form.add_argument(
        "--plot", type=file_ending(".png"), metavar="OUT.png", help="draw the scores over time, as a PNG picture"
    )
    form.add_argument(
        "--annotate",
        type=file_ending(".mp4"),
        metavar="OUT.mp4",
        help="write the clip, as MP4, with its people boxed and numbered",
    )
    parser.add_argument("--fps", type=_rate, default=5.0, metavar="N", help="frames a second, or native (default: 5)")
    parser.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="seconds into the clip at which to begin (default: 0)"
    )
    parser.add_argument(
        "--end", type=float, metavar="S", help="seconds into the clip at which to stop (default: its end)"
    )
    parser.add_argument(
        "--smoothing",
        choices=[str(kind) for kind in Smoothing],
        default=str(Smoothing.EMA),
        help="average each person's scores over time, or not (default: %(default)s)",
    )
    add_analysis_options(parser)
    add_store(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Analyse the clip and answer in the form chosen."""
    clip: Path = chosen.clip
    _check_readable(clip)
    target: Path | None = chosen.plot or chosen.annotate
    if target is not None:
        check_writable(target)
        if target.exists() and target.samefile(clip):
            raise InputError(f"{target} is the clip itself; name another file to write")
    video = VideoOptions(Sampling(chosen.fps, chosen.start, chosen.end), Smoothing(chosen.smoothing))
    store = store_of(chosen)
    config = EngineConfig(store.root, worker_count(), versions=store.versions)
    with closing(open_engine(config)) as engine:
        analysis = _analyzed(chosen, video, engine)
    _warn(clip, analysis.warnings)
    if chosen.json:
        _print(analysis_chunks(analysis, {"clip": clip.name}, {}), "\n")
    elif chosen.csv:
        _print(csv_lines(analysis.timeline.rows, analysis.timeline.labels), "")
    elif target is not None and chosen.plot is not None:
        _plot(target, video.sampling, analysis)
    elif target is not None:
        _annotate(target, chosen, video, analysis)
    else:
        print(table(_HEAD, _rows(analysis)))
    return 0


def _check_readable(clip: Path) -> None:
    """Before the models are loaded. What is no plain file (a pipe) cannot be read twice, as pictures and sound are."""
    try:
        if clip.is_dir():
            raise InputError(f"{clip} is a folder; name a clip")
        if not clip.is_file():
            raise InputError(f"there is no file {clip}")
        with clip.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"{clip} cannot be read: {error.strerror}") from error


def _analyzed(chosen: argparse.Namespace, video: VideoOptions, engine: Engine) -> VideoAnalysis:
    try:
        with VideoRun(chosen.clip, analysis_options(chosen), video, engine=engine) as work:
            with Progress("analysing", video.sampling.start, _end(video.sampling, work.info.duration)) as progress:
                for row in work.rows():
                    progress.update(row.time)
            return work.result()
    except (UnsupportedMedia, CorruptMedia, NoVideoStream, TooLarge) as error:
        hint = "" if isinstance(error, TooLarge) else hint_for_picture(chosen.clip)
        raise InputError(f"{chosen.clip}: {error}{hint}") from error


def _plot(target: Path, sampling: Sampling, analysis: VideoAnalysis) -> None:
    end = _end(sampling, analysis.duration) or analysis.duration
    content = encode(plot(analysis.timeline, sampling.start, end), Encoding.PNG)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    print(f"wrote {target}", file=sys.stderr)


def _annotate(target: Path, chosen: argparse.Namespace, video: VideoOptions, analysis: VideoAnalysis) -> None:
    warnings: list[str] = []
    try:
        with Progress("drawing", video.sampling.start, _end(video.sampling, analysis.duration)) as progress:
            for time in annotate_video(chosen.clip, target, analysis, video, tell=warnings.append):
                progress.update(time)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    _warn(chosen.clip, warnings)
    print(f"wrote {target}", file=sys.stderr)


def _warn(clip: Path, warnings: Iterable[str]) -> None:
    for warning in warnings:
        print(f"mien: {clip}: {warning}", file=sys.stderr)


def _rows(analysis: VideoAnalysis) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for person in analysis.timeline.people:
        score = person.mean_scores[person.dominant]
        times = (f"{person.first_seen:.2f} s", f"{person.last_seen:.2f} s", f"{person.screen_time:.2f} s")
        rows.append((str(person.person), *times, person.dominant, f"{score:.2f}", str(len(person.segments))))
    return rows or [("-", "-", "-", "-", "nobody", "-", "-")]


def _print(pieces: Iterable[str], last: str) -> None:
    for piece in pieces:
        sys.stdout.write(piece)
    sys.stdout.write(last)


def _end(sampling: Sampling, duration: float | None) -> float | None:
    ends = [end for end in (sampling.end, duration) if end is not None]
    return min(ends, default=None)


def _rate(text: str) -> float | None:
    if text == "native":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor 'native'") from None

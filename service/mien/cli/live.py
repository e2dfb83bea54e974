"""``mien live``: people before a camera, without a server."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import click

from mien.cli.common import analysis_options, store_option
from mien.cli.files import check_readable, check_writable
from mien.cli.outputs import OutputFile
from mien.domain import AnalyzeOptions
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InvalidOption, StorageFull
from mien.images.decoder import DETECTOR_MARGIN
from mien.render.tables import csv_lines
from mien.settings import EngineSettings
from mien.timeline.model import FrameRow
from mien.usecases.analyze_video import Smoothing
from mien.usecases.live_session import LiveOptions, LiveSession
from mien.video.live_reader import LiveReader
from mien.video.live_source import Kind, LiveSource

_MAX_LONG_SIDE = 1920  # px of a picture that is analysed


@click.command("live")
@click.option("--camera", metavar="N", help="number of a camera of this machine  [default: 0]")
@click.option("--url", metavar="URL", help="a network stream: rtsp://..., http://...")
@click.option("--clip", type=click.Path(path_type=Path, readable=False), help="a clip, played at its own speed")
@click.option(
    "--csv",
    "table",
    type=OutputFile(".csv", stdout=False),
    metavar="OUT.csv",
    help="write one row per face as they come",
)
@click.option("--fps", default=15.0, type=click.FloatRange(0, 240, min_open=True), help="most pictures per second")
@click.option(
    "--smoothing",
    type=click.Choice([kind.value for kind in Smoothing]),
    default=Smoothing.EMA.value,
    help="average each person's scores over time, or not",
)
@analysis_options
@store_option
def command(
    *,
    camera: str | None,
    url: str | None,
    clip: Path | None,
    table: Path | None,
    fps: float,
    smoothing: str,
    options: AnalyzeOptions,
    store: Path | None,
) -> int:
    """Follow the people before a camera, and print a line whenever somebody comes, goes or shows another emotion.

    The newest picture is analysed; those that came meanwhile are skipped. A camera or stream that fails is connected
    to again. Ctrl+C ends it.
    """
    source = _source(camera, url, clip)
    source.check()
    if clip is not None:
        check_readable(clip)
    if table is not None:
        if table.exists():
            raise InvalidOption("csv", f"{table} already exists and is not overwritten; name a new file.")
        check_writable(table)
    settings = EngineSettings.load({"store": store})
    config = EngineConfig(settings.store, settings.workers, settings.provider)
    with ExitStack() as stack:
        engine = stack.enter_context(closing(open_engine(config)))
        session = LiveSession(LiveOptions(options, Smoothing(smoothing)), engine=engine)
        long_side = min(_MAX_LONG_SIDE, DETECTOR_MARGIN * engine.detector_side(options.detector))
        reader = stack.enter_context(LiveReader(source, long_side, _tell))
        watch = _Watch(session, reader, 1 / fps)
        try:
            watch.record(table)
        except KeyboardInterrupt:
            click.echo(err=True)
        click.echo(f"{watch.analyzed} pictures analysed, {reader.received - watch.analyzed} skipped", err=True)
    if table is not None:
        click.echo(f"wrote {table}", err=True)
    return 0


def _source(camera: str | None, url: str | None, clip: Path | None) -> LiveSource:
    given = [value for value in (camera, url, clip) if value is not None]
    if len(given) > 1:
        raise click.UsageError("--camera, --url and --clip exclude each other; give only one.")
    if url is not None:
        return LiveSource(Kind.STREAM, url)
    if clip is not None:
        return LiveSource(Kind.CLIP, str(clip))
    return LiveSource(Kind.CAMERA, camera or "0")


def _tell(message: str) -> None:
    click.echo(f"mien: {message}", err=True)


class _Watch:
    """Analyses pictures, at most one per ``interval`` seconds, and prints changes."""

    def __init__(self, session: LiveSession, reader: LiveReader, interval: float) -> None:
        self._session = session
        self._reader = reader
        self._interval = interval
        self._shown: tuple[tuple[int, str], ...] | None = None
        self.analyzed = 0

    def record(self, table: Path | None) -> None:
        """Go on until the source ends, and write the rows into ``table``, if there is one.

        Raises:
            StorageFull: it cannot be written.
        """
        if table is None:
            for _ in self._rows():
                pass
            return
        try:
            with table.open("w", newline="", encoding="utf-8", buffering=1) as file:
                for lines in csv_lines(self._rows(), self._session.labels):
                    file.write(lines)
        except OSError as error:
            raise StorageFull(f"cannot write {table}: {error.strerror}") from error

    def _rows(self) -> Iterator[FrameRow]:
        for frame in self._reader.frames():
            next_start = time.monotonic() + self._interval
            row = self._session.analyze(frame).row
            self.analyzed += 1
            self._print_change(row)
            yield row
            time.sleep(max(0.0, next_start - time.monotonic()))

    def _print_change(self, row: FrameRow) -> None:
        people = tuple((face.person, face.emotion) for face in row.faces)
        if people == self._shown:
            return
        self._shown = people
        seen = ", ".join(f"person {face.person} {face.emotion} {face.score:.2f}" for face in row.faces)
        click.echo(f"{row.time:9.2f} s  {seen or 'no person'}")
        sys.stdout.flush()

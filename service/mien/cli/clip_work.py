"""How ``mien video`` analyses a clip: with the models here, or on a server."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mien.cli.clip_outputs import Analysed, draw
from mien.cli.files import hint_for_picture
from mien.cli.progress import progress
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.errors import CorruptMedia, DecoderFailed, InputError, NoVideoStream, TooLarge, UnsupportedMedia
from mien.results.documents import Video, convert
from mien.results.methods import clip_methods
from mien.results.options import clip_keywords
from mien.results.run import ClipFile, ClipRun, Service, cards_of
from mien.usecases.analyze_video import VideoOptions, VideoRun
from mien.usecases.picture_document import to_json
from mien.usecases.video_document import analysis_chunks, video_document
from mien.version import VERSION
from mien.video.reader import ClipReader

if TYPE_CHECKING:
    from mien.client.sync import Client

_MEMBERS = ("video", "timeline", "people", "summary")


class ClipWork(Protocol):
    """Analyses clips, one after the other."""

    def analyze(self, file: ClipFile) -> Analysed:
        """Raises ``InputError`` for a clip that cannot be read."""
        ...

    def annotate(self, found: Analysed, target: Path, tell: Callable[[str], None]) -> None:
        """Write the annotated clip into ``target``; ``tell`` is called with what could not be kept."""
        ...


@dataclass(frozen=True, slots=True)
class LocalClips:
    """With the models here."""

    engine: Engine
    clips: ClipReader
    options: AnalyzeOptions
    video: VideoOptions
    redact: bool

    def analyze(self, file: ClipFile) -> Analysed:
        """See ``ClipWork``."""
        service = Service(lambda: VERSION, lambda: cards_of(self.engine.models()))
        run = ClipRun(file, self.options, self.video, service)
        try:
            with VideoRun(file.path, self.options, self.video, engine=self.engine, clips=self.clips) as work:
                with progress(file.name, self.video.sampling, work.info.duration) as advance:
                    for row in work.rows():
                        advance(row.time)
                analysis = work.result()
        except (UnsupportedMedia, CorruptMedia, DecoderFailed, NoVideoStream, TooLarge) as error:
            hint = "" if isinstance(error, TooLarge) else hint_for_picture(file.path)
            raise InputError(f"{error}{hint}") from error
        return Analysed(
            run,
            analysis.timeline,
            analysis.duration,
            analysis.warnings,
            json=lambda: analysis_chunks(analysis, {"clip": file.name}, {}),
            methods=lambda: clip_methods(run, convert(video_document(analysis), Video)),
        )

    def annotate(self, found: Analysed, target: Path, tell: Callable[[str], None]) -> None:
        """See ``ClipWork``."""
        draw(found, target, tell, self.clips, self.engine if self.redact else None)


@dataclass(frozen=True, slots=True)
class RemoteClips:
    """On a server."""

    client: "Client"
    clips: ClipReader
    options: AnalyzeOptions
    video: VideoOptions
    redact: bool

    def analyze(self, file: ClipFile) -> Analysed:
        """See ``ClipWork``."""
        from mien.cli.remote_work import about_one_file  # noqa: PLC0415  see there

        with about_one_file():
            result = self.client.analyze_video(file.path, **clip_keywords(self.options, self.video))
        assert result.run is not None  # noqa: S101  a client's results have one
        run = replace(result.run, clip=file)
        document = result.to_dict()
        return Analysed(
            run,
            result.to_timeline(),
            result.video.duration,
            result.video.warnings,
            json=lambda: [to_json({"clip": file.name, **{name: document[name] for name in _MEMBERS}})],
            methods=lambda: clip_methods(run, result.video),
        )

    def annotate(self, found: Analysed, target: Path, tell: Callable[[str], None]) -> None:
        """See ``ClipWork``. Only hiding faces needs the server."""
        if not self.redact:
            draw(found, target, tell, self.clips, None)
            return
        clip = found.run.clip.path
        self.client.annotate_video(clip, target, redact=True, **clip_keywords(self.options, self.video))

"""The models in this process: what ``mien.analyze``, ``mien.analyze_video`` and ``mien.Analyzer`` run."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack, overload

from mien.domain import AnalyzeOptions
from mien.images.encode import Encoding
from mien.local.models import OpenModels
from mien.results.clip import ClipResult
from mien.results.documents import TimelineFrame, convert
from mien.results.files import replacing
from mien.results.inputs import Colour, Picture, content_of, picture_input, readable_input
from mien.results.options import (
    CLIP_OPTIONS,
    ClipKeywords,
    Many,
    PictureKeywords,
    analyze_options,
    check_names,
    picture_choice,
    video_options,
)
from mien.results.picture import PictureResult
from mien.results.run import Clip, ClipRun, PictureRun, cards_of, clip_file
from mien.usecases.analyze_image import PictureInput, analyze_images
from mien.usecases.analyze_image import PictureResult as Analysed
from mien.usecases.analyze_video import VideoRun
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.picture_document import picture_document, timing_document
from mien.usecases.video_document import analysis_chunks, row_document

_CHUNK = 16  # pictures of a list in memory at a time; the next is decoded while the engine works on the last

Progress = Callable[[float, float | None], None]
"""Called with the time of each analysed frame and the clip's declared duration, in seconds."""


class Analyzer(OpenModels):
    """Both models, loaded once and used for any number of pictures and clips, from any number of threads.

    A context manager; ``close()`` ends its threads. The options given here hold for every call that does not give its
    own: those of ``docs/api.md`` for pictures, and of ``docs/video.md`` for clips.

    Opening one makes OpenCV in this process use one thread per call (``cv2.setNumThreads(1)``): its own threads would
    compete with the workers.

    Args:
        store: the model store; ``MIEN_STORE``, or the bundled models by default.
        workers: inference threads; ``MIEN_WORKERS``, or one per core by default.
        provider: what runs the models, see ``docs/operations.md``; ``MIEN_PROVIDER``, or ``"cpu"`` by default.

    Raises:
        InvalidOption: an option is out of range.
        ModelError: the models cannot be loaded.
    """

    @overload
    def analyze(
        self, picture: Picture, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> PictureResult: ...
    @overload
    def analyze(
        self, picture: Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> list[PictureResult]: ...
    def analyze(
        self,
        picture: Picture | Many,
        /,
        *,
        colour: Colour | None = None,
        **options: Unpack[PictureKeywords],
    ) -> PictureResult | list[PictureResult]:
        """Find the faces of a picture and the emotion that most raters would see in each.

        Args:
            picture: a path, a picture file's bytes, a binary file object, a NumPy array, a Pillow image, or a list of
                these, which gives a list.
            colour: ``"rgb"`` or ``"bgr"``, the order of an array's channels; must be said for arrays.
            options: see ``docs/api.md``.

        Raises:
            InputError: the picture cannot be read. In a list it has an ``error`` instead, and the others are answered.
            EngineError: the analyzer is closed, or a model run failed.
        """
        chosen = analyze_options(picture_choice(self._defaults, options))
        if isinstance(picture, list | tuple):
            parts = (picture[start : start + _CHUNK] for start in range(0, len(picture), _CHUNK))
            results: list[PictureResult] = []
            for part in parts:
                results += self._analyze(part, colour, chosen, len(results))
            return results
        given = picture_input(picture, colour)  # raises where a list would have an error
        analysed = analyze_images([given], chosen, engine=self._engine, decoder=self._decoder).pictures[0]
        if analysed.error is not None:
            raise analysed.error
        return self._result(picture, given, analysed, chosen)

    def annotate(
        self,
        picture: Picture,
        *,
        colour: Colour | None = None,
        explain: bool = False,
        redact: bool = False,
        encoding: Encoding = Encoding.PNG,
        **options: Unpack[PictureKeywords],
    ) -> bytes:
        """The picture file with its faces drawn in; see ``docs/api.md`` for ``explain`` and ``redact``.

        Raises:
            InputError, EngineError: as ``analyze``.
        """
        chosen = replace(analyze_options(picture_choice(self._defaults, options)), explain=explain)
        rendering = RenderOptions(encoding, redact=redact)
        given = picture_input(picture, colour)
        return annotate_image(given, chosen, rendering, engine=self._engine, decoder=self._decoder).content

    @overload
    def analyze_video(
        self, clip: Clip, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
    ) -> ClipResult: ...
    @overload
    def analyze_video(
        self, clip: Many, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
    ) -> list[ClipResult]: ...
    def analyze_video(
        self, clip: Clip | Many, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
    ) -> ClipResult | list[ClipResult]:
        """Follow every person through a clip.

        Args:
            clip: a path, a clip's bytes, a binary file object, or a list of these, which gives a list.
            progress: see ``Progress``.
            options: see ``docs/video.md``.

        Raises:
            InputError: the clip cannot be read.
            EngineError: the analyzer is closed, or a model run failed.
        """
        if isinstance(clip, list | tuple):
            return [self.analyze_video(one, progress=progress, **options) for one in clip]
        run = self._clip_run(clip, options)
        with self._open(run) as video_run:
            for row in video_run.rows():
                if progress is not None:
                    progress(row.time, video_run.info.duration)
            analysis = video_run.result()
        models = {card.name: card.version for card in cards_of(self._engine.models())}
        after = {"models": models, "timing_ms": timing_document(analysis.times, 0.0)}
        return ClipResult.from_dict(json.loads("".join(analysis_chunks(analysis, {}, after))), run)

    def annotate_video(
        self, clip: Clip, path: str | os.PathLike[str], /, *, redact: bool = False, **options: Unpack[ClipKeywords]
    ) -> Path:
        """Write the clip as an .mp4 with its people boxed and numbered, sound kept.

        Args:
            clip: as for ``analyze_video``.
            path: the file to write.
            redact: every frame is searched for faces, and these are made unrecognisable; takes several times as long.
            options: see ``docs/video.md``.

        Raises:
            InputError, EngineError: as ``analyze_video``; also if ``path`` is the clip itself.
            InvalidOption: ``path`` has another suffix.
            StorageFull: it cannot be written.
        """
        run = self._clip_run(clip, options)
        with replacing(path, run.clip.path) as drawn:
            self.analyze_video(run.clip.path, **options).draw(run, drawn, self._engine if redact else None)
        return Path(path)

    def frames(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> Iterator[TimelineFrame]:
        """The frames of a clip as they are analysed. Raises as ``analyze_video`` does."""
        run = self._clip_run(clip, options)
        with self._open(run) as video_run:
            for row in video_run.rows():
                yield convert(row_document(row, video_run.labels), TimelineFrame)

    def _analyze(
        self, pictures: Many, colour: Colour | None, options: AnalyzeOptions, first: int
    ) -> list[PictureResult]:
        given = [readable_input(picture, colour) for picture in pictures]
        analysis = analyze_images(given, options, engine=self._engine, decoder=self._decoder)
        return [
            self._result(picture, one, replace(analysed, index=first + analysed.index), options)
            for picture, one, analysed in zip(pictures, given, analysis.pictures, strict=True)
        ]

    def _result(
        self, picture: Picture, given: PictureInput, analysed: Analysed, options: AnalyzeOptions
    ) -> PictureResult:
        error = None if analysed.error is None else {"code": analysed.error.code, "detail": str(analysed.error)}
        content = partial(content_of, picture if isinstance(picture, str | os.PathLike) else given)
        return PictureResult.from_dict(picture_document(analysed, error), PictureRun(content, options, self._service))

    def _clip_run(self, clip: Clip, options: ClipKeywords) -> ClipRun:
        check_names(options, CLIP_OPTIONS)
        chosen: ClipKeywords = {**self._defaults, **options}
        return ClipRun(clip_file(clip), analyze_options(chosen), video_options(chosen), self._service)

    def _open(self, run: ClipRun) -> VideoRun:
        return VideoRun(run.clip.path, run.options, run.video, engine=self._engine)

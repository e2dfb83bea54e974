"""``mien.analyze`` and ``mien.analyze_video``: one analyzer per process, made when it is first needed."""

import atexit
import os
from functools import cache
from typing import Unpack, overload

from mien.local.analyzer import Analyzer, Progress
from mien.results.clip import ClipResult
from mien.results.inputs import Colour, Picture
from mien.results.options import ClipKeywords, Many, PictureKeywords
from mien.results.picture import PictureResult
from mien.results.run import Clip


@cache
def _shared(process: int) -> Analyzer:
    """The analyzer of the module's functions in this process: threads do not survive a fork."""
    del process
    analyzer = Analyzer()
    atexit.register(analyzer.close)
    return analyzer


@overload
def analyze(
    picture: Picture, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
) -> PictureResult: ...
@overload
def analyze(
    picture: Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
) -> list[PictureResult]: ...
def analyze(
    picture: Picture | Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
) -> PictureResult | list[PictureResult]:
    """``Analyzer.analyze`` with the models of this process, which the first call loads and its end closes."""
    return _shared(os.getpid()).analyze(picture, colour=colour, **options)


@overload
def analyze_video(
    clip: Clip, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
) -> ClipResult: ...
@overload
def analyze_video(
    clip: Many, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
) -> list[ClipResult]: ...
def analyze_video(
    clip: Clip | Many, /, *, progress: Progress | None = None, **options: Unpack[ClipKeywords]
) -> ClipResult | list[ClipResult]:
    """``Analyzer.analyze_video`` with the models of this process, which the first call loads and its end closes."""
    return _shared(os.getpid()).analyze_video(clip, progress=progress, **options)

"""The options of an analysis as keyword arguments, with the names and values of the HTTP API."""

from collections.abc import Collection, Iterable
from typing import Any, Literal, TypedDict, TypeVar, cast

from mien.domain import AnalyzeOptions, DetectorMode, LabelSet
from mien.errors import InvalidOption
from mien.usecases.analyze_video import Smoothing, VideoOptions
from mien.video.model import Sampling

E = TypeVar("E", DetectorMode, LabelSet, Smoothing)

Many = list[Any] | tuple[Any, ...]
"""Several pictures or clips."""

_MAX_FACES = 1000
_MAX_MIN_FACE = 100_000


class PictureKeywords(TypedDict, total=False):
    """The options of pictures; ``docs/api.md`` describes them."""

    detector: Literal["auto", "fast", "accurate"] | DetectorMode
    labels: Literal["ferplus8", "basic7", "basic5", "fer2013"] | LabelSet
    min_face: float
    min_confidence: float | None
    max_faces: int


class ClipKeywords(PictureKeywords, total=False):
    """The options of clips; ``docs/video.md`` describes them."""

    fps: float | Literal["native"]
    start: float
    end: float | None
    smoothing: Literal["ema", "none"] | Smoothing


PICTURE_OPTIONS = PictureKeywords.__optional_keys__
CLIP_OPTIONS = ClipKeywords.__optional_keys__


def analyze_options(keywords: PictureKeywords) -> AnalyzeOptions:
    """The options for the engine.

    Raises:
        InvalidOption: a value is out of range.
    """
    usual = AnalyzeOptions()
    options = AnalyzeOptions(
        detector=_member(DetectorMode, "detector", keywords.get("detector", usual.detector)),
        labels=_member(LabelSet, "labels", keywords.get("labels", usual.labels)),
        min_face=keywords.get("min_face", usual.min_face),
        min_confidence=keywords.get("min_confidence"),
        max_faces=keywords.get("max_faces", usual.max_faces),
    )
    confidence = 0.0 if options.min_confidence is None else options.min_confidence
    if not 1 <= options.min_face <= _MAX_MIN_FACE:
        raise InvalidOption("min_face", f"min_face must be from 1 to {_MAX_MIN_FACE:,} px.")
    if not 0 <= confidence <= 1:
        raise InvalidOption("min_confidence", "min_confidence must be from 0 to 1.")
    if not 1 <= options.max_faces <= _MAX_FACES:
        raise InvalidOption("max_faces", f"max_faces must be from 1 to {_MAX_FACES:,}.")
    return options


def video_options(keywords: ClipKeywords) -> VideoOptions:
    """Which frames are analysed.

    Raises:
        InvalidOption: a value is out of range.
    """
    fps = keywords.get("fps", 5.0)
    if isinstance(fps, str) and fps != "native":
        raise InvalidOption("fps", "fps must be a number, or 'native' for every frame.")
    sampling = Sampling(None if isinstance(fps, str) else fps, keywords.get("start", 0.0), keywords.get("end"))
    return VideoOptions(sampling, _member(Smoothing, "smoothing", keywords.get("smoothing", "ema")))


def picture_keywords(options: AnalyzeOptions) -> PictureKeywords:
    """The keyword arguments that mean ``options``."""
    return {
        "detector": options.detector,
        "labels": options.labels,
        "min_face": options.min_face,
        "min_confidence": options.min_confidence,
        "max_faces": options.max_faces,
    }


def clip_keywords(options: AnalyzeOptions, video: VideoOptions) -> ClipKeywords:
    """The keyword arguments that mean ``options`` and ``video``."""
    sampling = video.sampling
    return {
        **picture_keywords(options),
        "fps": "native" if sampling.fps is None else sampling.fps,
        "start": sampling.start,
        "end": sampling.end,
        "smoothing": video.smoothing,
    }


def picture_choice(defaults: ClipKeywords, given: PictureKeywords) -> PictureKeywords:
    """The options of ``given``, and those of ``defaults`` that concern pictures.

    Raises:
        TypeError: a name of ``given`` is no option.
    """
    check_names(given, PICTURE_OPTIONS)
    chosen = {name: value for name, value in defaults.items() if name in PICTURE_OPTIONS} | dict(given)
    return cast("PictureKeywords", chosen)


def check_names(given: Iterable[str], known: Collection[str]) -> None:
    """Raises ``TypeError``, as Python does, for a keyword that is no option."""
    for name in given:
        if name not in known:
            raise TypeError(f"there is no option {name!r}; the options are {', '.join(sorted(known))}")


def _member(kind: type[E], name: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise InvalidOption(name, f"{name} must be one of {', '.join(kind)}, not {value!r}.") from None

"""A caller's options checked before anything is sent, and as the query of a request."""

from collections.abc import Mapping
from typing import Any

from mien.domain import AnalyzeOptions
from mien.results.options import (
    CLIP_OPTIONS,
    ClipKeywords,
    PictureKeywords,
    analyze_options,
    check_names,
    picture_choice,
    video_options,
)
from mien.results.run import Clip, ClipRun, Service, clip_file


def picture_query(defaults: ClipKeywords, options: PictureKeywords) -> tuple[dict[str, Any], AnalyzeOptions]:
    """The query, and what it means.

    Raises:
        InvalidOption, TypeError: a value or a name is wrong.
    """
    chosen = picture_choice(defaults, options)
    return _query(chosen), analyze_options(chosen)


def clip_query(
    defaults: ClipKeywords, options: ClipKeywords, clip: Clip, service: Service
) -> tuple[dict[str, Any], ClipRun]:
    """The query, and what it means for ``clip``.

    Raises:
        InvalidOption, TypeError: a value or a name is wrong.
        InputError: there is no such file.
    """
    check_names(options, CLIP_OPTIONS)
    chosen: ClipKeywords = {**defaults, **options}
    run = ClipRun(clip_file(clip), analyze_options(chosen), video_options(chosen), service)
    return _query(chosen), run


def _query(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in options.items() if value is not None}

"""An analysed clip in, the same clip with its people boxed and named out."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import av
from av.container import InputContainer

from mien.domain import AnalyzeOptions
from mien.errors import InvalidOption
from mien.render.annotate import ClipAnnotator
from mien.timeline.interpolation import TrackInterpolator
from mien.usecases.analyze_video import VideoAnalysis, VideoOptions
from mien.video.audio import Window, as_stamped
from mien.video.containers import open_container
from mien.video.reader import ALONE, ClipReader
from mien.video.timestamps import Continuation
from mien.video.writer import ClipWriter

# Full HD plays everywhere; more would be written for long and seen by few.
_LONG_SIDE = 1920
_END_SLACK = 0.5  # s; as loosely as containers tell the end of pictures
_LOG = logging.getLogger(__name__)


def annotate_video(
    path: Path,
    target: Path,
    analysis: VideoAnalysis,
    options: AnalyzeOptions,
    video: VideoOptions,
    *,
    clips: ClipReader = ALONE,
    tell: Callable[[str], None] = _LOG.warning,
) -> Iterator[float]:
    """Write ``target``, an MP4 of the part of ``path`` that was analysed, at most 1,920 pixels on the long side.

    Every frame of the clip is there at its own time (less ``start``, where one was asked for) with the boxes of the
    samples around it, and the sound is kept; ``tell`` gets a sentence about what of it could not be. Yields the time of
    each frame written; the file is whole when exhausted.

    Raises:
        InputError: the clip cannot be read (any more).
        InvalidOption: no frame begins in that part.
        CapacityError: the deadline of ``options`` passed, or its caller hung up.
    """
    start, end = video.sampling.start, video.sampling.end
    everything = replace(video.sampling, fps=None)
    moments = TrackInterpolator(analysis.timeline.rows)
    annotator = ClipAnnotator()
    with ExitStack() as stack:
        clip = stack.enter_context(clips.open(path, everything, _LONG_SIDE, options))
        sound = stack.enter_context(open_container(path, clips.limits.max_pixels)) if clip.info.has_audio else None
        times = as_stamped if sound is None else Continuation(sound).of
        origin = clip.info.origin
        window = Window(start + origin, _sound_end(sound, analysis, end) + origin, -start - origin)
        writer: ClipWriter | None = None
        for frame in clip.frames():
            if writer is None:
                size = (frame.pixels.shape[1], frame.pixels.shape[0])
                writer = stack.enter_context(ClipWriter(target, size, clip.info.rate, sound, window, sound_time=times))
            annotator.draw(frame.pixels, moments.at(frame.time), frame.width, frame.height, frame.time)
            writer.write(frame.pixels, frame.time + origin)
            yield frame.time
        if writer is None:
            raise InvalidOption("start", "No frame begins in the part asked for; choose another start or end.")
    for warning in writer.warnings:
        tell(warning)


def _sound_end(sound: InputContainer | None, analysis: VideoAnalysis, end: float | None) -> float:
    """When the sound ends, in seconds of the clip: past the pictures where the file says so, and else with them.

    Not when the sound's own times say, for damage dates pieces of it years ahead.
    """
    if end is not None:
        return end
    declared = 0.0
    if sound is not None and sound.duration is not None:
        declared = ((sound.start_time or 0) + sound.duration) / av.time_base - analysis.info.origin
    return max(analysis.duration, declared) + _END_SLACK

"""A clip analysed in segments, each on its own, possibly by different processes; then joined.

A segment's detections are packed into bytes. Tracking, smoothing and the summary run over the joined detections, so
that the analysis is the same however many segments there were, and equal to that of ``analyze_video``.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import msgspec

from mien.domain import (
    LABELS,
    NEVER_CANCELLED,
    AnalyzeOptions,
    Box,
    Cancellation,
    Face,
    Frame,
    FrameResult,
    Landmarks,
    Quality,
    StageTimes,
)
from mien.engine.base import Engine
from mien.usecases.analyze_video import Smoothing, VideoAnalysis, VideoOptions, long_side
from mien.usecases.timeline_builder import TimelineBuilder, track_thresholds
from mien.video.fractions import fraction_of_text, fraction_to_text
from mien.video.model import ClipLimits
from mien.video.parts import PartBounds, PartFacts, can_join, join
from mien.video.reader import ALONE, ClipReader

# What the tracker does not look at.
_NO_LANDMARKS = Landmarks(*[(0.0, 0.0)] * 5)
_NO_QUALITY = Quality(0.0, 0.0, 0.0, 0.0, True, ())


class _PackedFace(msgspec.Struct, array_like=True):
    box: tuple[float, float, float, float]
    confidence: float
    emotion: int
    score: float
    scores: list[float]


class _PackedFrame(msgspec.Struct, array_like=True):
    width: int
    height: int
    time: float
    index: int
    scene: int
    faces: list[_PackedFace]


class _Segment(msgspec.Struct, array_like=True):
    facts: PartFacts
    times: StageTimes
    frames: list[_PackedFrame]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JoinedAnalysis:
    """``shown_until`` is when the last frame stops being shown, in seconds."""

    analysis: VideoAnalysis
    shown_until: float


def analyze_segment(
    path: Path,
    bounds: PartBounds,
    options: AnalyzeOptions,
    video: VideoOptions,
    cancellation: Cancellation = NEVER_CANCELLED,
    *,
    engine: Engine,
    clips: ClipReader = ALONE,
) -> bytes:
    """The detections of one segment, packed.

    Raises:
        As ``analyze_video``.
    """
    started = time.monotonic()
    labels = LABELS[options.labels]
    engine_options, _ = track_thresholds(options, engine)
    sampling = replace(video.sampling, start=bounds.start, end=bounds.end)
    decode_seconds, times, rows = 0.0, StageTimes(), 0
    warnings: tuple[str, ...] = ()
    frames: list[_PackedFrame] = []
    with clips.open(path, sampling, long_side(options, engine), cancellation, bounds.key_frame) as clip:

        def timed() -> Iterator[Frame]:
            nonlocal decode_seconds
            drawn = clip.frames()
            while True:
                before = time.monotonic()
                frame = next(drawn, None)
                decode_seconds += time.monotonic() - before
                if frame is None:
                    return
                yield frame

        for result in engine.analyze(timed(), engine_options, cancellation):
            times += result.times
            warnings = result.warnings
            rows += max(1, len(result.faces))
            clips.limits.check_rows(rows)
            frames.append(_packed(result, labels))
        total = (time.monotonic() - started) * 1000
        times = replace(times, decode=decode_seconds * 1000, total=total)
        return _ENCODER.encode(_Segment(clip.facts, times, frames, warnings))


def facts_of(segment: bytes) -> PartFacts:
    """What reading the segment found out."""
    return _DECODER.decode(segment).facts


def join_segments(
    segments: Iterable[bytes], options: AnalyzeOptions, video: VideoOptions, *, engine: Engine, limits: ClipLimits
) -> JoinedAnalysis | None:
    """The analysis of the whole clip, from all of its segments in order; ``None``: it has to be read at once.

    Each of ``segments`` is unpacked when the one before it has been tracked.

    Raises:
        TooLarge: there are too many rows.
    """
    started = time.monotonic()
    _, thresholds = track_thresholds(options, engine)
    builder = TimelineBuilder(options, thresholds, video.smoothing is Smoothing.EMA, limits)
    facts: list[PartFacts] = []
    times: list[StageTimes] = []
    for _ in builder.rows(_results(segments, builder.labels, facts, times)):
        pass
    if not can_join(facts):
        return None
    clip = join(facts)
    analysis = VideoAnalysis(
        info=clip.info,
        duration=clip.duration,
        frames_decoded=clip.frames_decoded,
        frames_analyzed=len(builder),
        timeline=builder.finish(clip.shown_until),
        warnings=(*clip.warnings, *builder.warnings),
        times=sum(times, StageTimes(total=(time.monotonic() - started) * 1000)),
    )
    return JoinedAnalysis(analysis, clip.shown_until)


def _results(
    segments: Iterable[bytes], labels: Sequence[str], facts: list[PartFacts], times: list[StageTimes]
) -> Iterator[FrameResult]:
    """The frames of all segments, with their shot boundaries counted from the beginning of the clip."""
    scene = 0
    for packed in segments:
        segment = _DECODER.decode(packed)
        before = segment.facts.before.scene if facts else 0
        facts.append(segment.facts)
        times.append(segment.times)
        for frame in segment.frames:
            yield replace(_unpacked(frame, labels, scene - before), warnings=segment.warnings)
        scene += segment.facts.after.scene - before


def _packed(result: FrameResult, labels: Sequence[str]) -> _PackedFrame:
    faces = [
        _PackedFace(
            (float(face.box.x), float(face.box.y), float(face.box.width), float(face.box.height)),
            float(face.confidence),
            labels.index(face.emotion),
            float(face.score),
            [float(score) for score in face.scores.values()],
        )
        for face in result.faces
    ]
    return _PackedFrame(result.width, result.height, float(result.time), result.index, result.scene, faces)


def _unpacked(frame: _PackedFrame, labels: Sequence[str], scenes: int) -> FrameResult:
    faces = tuple(
        Face(
            box=Box(*face.box),
            confidence=face.confidence,
            landmarks=_NO_LANDMARKS,
            emotion=labels[face.emotion],
            score=face.score,
            uncertain=False,
            scores=MappingProxyType(dict(zip(labels, face.scores, strict=True))),
            valence=0.0,
            quality=_NO_QUALITY,
        )
        for face in frame.faces
    )
    return FrameResult(frame.width, frame.height, faces, time=frame.time, index=frame.index, scene=frame.scene + scenes)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=fraction_to_text)
_DECODER = msgspec.msgpack.Decoder(_Segment, dec_hook=fraction_of_text)

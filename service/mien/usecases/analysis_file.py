"""A clip's analysis in a file: a head, then rows in batches. Reading gives back exactly what was written."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import BinaryIO

import msgspec

from mien.domain import AnalyzeOptions, Box, LabelSet, StageTimes
from mien.timeline.model import FaceRow, FrameRow
from mien.timeline.tracker import TrackThresholds
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.clip_segments import JoinedAnalysis
from mien.usecases.timeline_builder import TimelineBuilder
from mien.video.model import ClipInfo, ClipLimits

_BATCH = 500  # rows


class _Head(msgspec.Struct, array_like=True):
    labels: LabelSet
    info: ClipInfo
    duration: float
    shown_until: float
    frames_decoded: int
    warnings: tuple[str, ...]
    times: StageTimes
    models: dict[str, str]


class _PackedFace(msgspec.Struct, array_like=True):
    person: int
    box: tuple[float, float, float, float]
    confidence: float
    emotion: int
    score: float
    scores: list[float]


class _PackedRow(msgspec.Struct, array_like=True):
    time: float
    frame: int
    scene: int
    faces: list[_PackedFace]


def analysis_pieces(joined: JoinedAnalysis, labels: LabelSet, models: Mapping[str, str]) -> Iterator[bytes]:
    """The file's content; ``models`` has the version of every model that was used, by name."""
    analysis = joined.analysis
    names = analysis.timeline.labels
    head = _Head(
        labels,
        analysis.info,
        analysis.duration,
        joined.shown_until,
        analysis.frames_decoded,
        analysis.warnings,
        analysis.times,
        dict(models),
    )
    yield from _block(msgspec.msgpack.encode(head))
    rows = (_packed(row, names) for row in analysis.timeline.rows)
    while batch := list(islice(rows, _BATCH)):
        yield from _block(msgspec.msgpack.encode(batch))


def read_analysis(file: BinaryIO) -> tuple[VideoAnalysis, dict[str, str]]:
    """The analysis, and the versions of the models that made it.

    Memory holds packed rows, as in ``TimelineBuilder``.
    """
    head = msgspec.msgpack.decode(next(_blocks(file)), type=_Head)
    builder = TimelineBuilder(AnalyzeOptions(labels=head.labels), TrackThresholds(), False, ClipLimits())
    for block in _blocks(file):
        for row in msgspec.msgpack.decode(block, type=list[_PackedRow]):
            builder.add(_unpacked(row, builder.labels))
    analysis = VideoAnalysis(
        info=head.info,
        duration=head.duration,
        frames_decoded=head.frames_decoded,
        frames_analyzed=len(builder),
        timeline=builder.finish(head.shown_until),
        warnings=head.warnings,
        times=head.times,
    )
    return analysis, head.models


def _block(content: bytes) -> Iterator[bytes]:
    yield len(content).to_bytes(4, "big")
    yield content


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while length := file.read(4):
        yield file.read(int.from_bytes(length, "big"))


def _packed(row: FrameRow, labels: tuple[str, ...]) -> _PackedRow:
    faces = [
        _PackedFace(
            face.person,
            (face.box.x, face.box.y, face.box.width, face.box.height),
            face.confidence,
            labels.index(face.emotion),
            face.score,
            list(face.scores),
        )
        for face in row.faces
    ]
    return _PackedRow(row.time, row.frame, row.scene, faces)


def _unpacked(row: _PackedRow, labels: tuple[str, ...]) -> FrameRow:
    faces = tuple(
        FaceRow(face.person, Box(*face.box), face.confidence, labels[face.emotion], face.score, tuple(face.scores))
        for face in row.faces
    )
    return FrameRow(row.time, row.frame, row.scene, faces)

"""A picture's result as JSON values: rounded, and as described in the OpenAPI schema."""

import json

from mien.api.schemas import FaceOut, PictureOut, TimingOut
from mien.domain import Box, StageTimes
from mien.usecases.analyze_image import PictureResult
from mien.usecases.picture_document import face_document, picture_document, timing_document, to_json
from tests.fakes import make_face

FACE = make_face(Box(1 / 3, 2 / 3, 40.126, 50.004), score=2 / 3)


def test_a_face_is_rounded_and_matches_its_schema() -> None:
    document = face_document(FACE)
    assert document["box"] == {"x": 0.33, "y": 0.67, "width": 40.13, "height": 50.0}
    assert document["score"] == document["scores"]["happy"] == 0.6667
    assert abs(sum(document["scores"].values()) - 1) <= 0.0005
    assert document["landmarks"]["nose"] == [20.4, 30.67]
    assert FaceOut.model_validate(document).model_dump_json() == to_json(document)


def test_a_picture_matches_its_schema() -> None:
    error = {"code": "too_large", "status": 413, "title": "Too large", "detail": "…", "limit": "max_pixels"}
    for picture, described in (
        (PictureResult(0, 'a\u2028\x7f\u00e9"\n.jpg', 640, 480, (FACE, FACE), warnings=("cut",)), None),
        (PictureResult(1, None), error),
    ):
        document = picture_document(picture, described)
        assert PictureOut.model_validate(document).model_dump_json() == to_json(document)
        assert json.loads(to_json(document)) == document


def test_time_in_the_queue_counts_for_the_queue_and_the_total() -> None:
    document = timing_document(StageTimes(1.0, 2.0, 3.0, 4.0, 9.0), waited_ms=0.5)
    assert document == {"queue": 1.5, "decode": 2.0, "detect": 3.0, "classify": 4.0, "total": 9.5}
    assert TimingOut.model_validate(document).model_dump_json() == to_json(document)

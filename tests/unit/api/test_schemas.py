"""The enums of the wire shapes are those of the layers below."""

import numpy as np

from mien.api.schemas import QualityOut
from mien.domain import Box
from tests.unit.vision.one_face import assess


def test_the_reasons_are_those_of_the_quality_check() -> None:
    promised = set(QualityOut.model_json_schema()["properties"]["reasons"]["items"]["enum"])
    said: set[str] = set()
    for grey in (0, 255):
        tile = np.full((48, 48), grey, np.uint8)
        box, landmarks = np.array([-9, 0, 9, 9], np.float32), np.zeros((5, 2), np.float32)
        said |= set(assess(tile, box, landmarks, Box(0, 0, 100, 100)).reasons)
    assert said == promised

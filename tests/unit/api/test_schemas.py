"""The schemas list the values that the layers below produce."""

import numpy as np

from mien.api.schemas import QualityOut
from mien.domain import Box
from mien.vision.quality import assess


def test_the_reasons_are_those_of_the_quality_check() -> None:
    documented = set(QualityOut.model_json_schema()["properties"]["reasons"]["items"]["enum"])
    produced: set[str] = set()
    for grey in (0, 255):
        crop = np.full((48, 48), grey, np.uint8)
        box, landmarks = np.array([-9, 0, 9, 9], np.float32), np.zeros((5, 2), np.float32)
        produced |= set(assess(crop, box, landmarks, Box(0, 0, 100, 100)).reasons)
    assert produced == documented

"""Truncated photographs: faces of the part received are reported as usual, and none in the rest."""

import cv2
import numpy as np
import pytest
import skimage.data

from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.local import LocalEngine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images


@pytest.fixture(scope="module")
def two_faces() -> np.ndarray:
    """The astronaut's face twice, one above the other."""
    face = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)[:256, 96:352]
    return np.concatenate([face, face])


def analyze(engine: LocalEngine, data: bytes, mode: DetectorMode) -> PictureResult:
    decoder = PictureDecoder(DecodeLimits(), concurrency=2)
    options = AnalyzeOptions(detector=mode)
    return analyze_images([PictureInput("a", data)], options, engine=engine, decoder=decoder).pictures[0]


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_only_faces_of_the_received_part_are_reported(
    engine: LocalEngine, two_faces: np.ndarray, suffix: str, mode: DetectorMode
) -> None:
    data = cv2.imencode(suffix, two_faces)[1].tobytes()
    whole = analyze(engine, data, mode)
    assert len(whole.faces) == 2
    half = analyze(engine, data[: round(len(data) * 0.52)], mode)
    (face,) = half.faces
    assert half.warnings
    assert face.emotion == "happy"
    top = min(whole.faces, key=lambda found: found.box.y)
    assert abs(face.box.y - top.box.y) < 4


def test_a_partly_received_face_is_not_ok(engine: LocalEngine, two_faces: np.ndarray) -> None:
    data = cv2.imencode(".jpg", two_faces[:256])[1].tobytes()
    for share in np.linspace(0.3, 0.75, 10):
        result = analyze(engine, data[: round(len(data) * share)], DetectorMode.ACCURATE)
        for face in result.faces:
            mouth = max(face.landmarks.left_mouth[1], face.landmarks.right_mouth[1])
            assert "cut" in face.quality.reasons or mouth < 256 * share

"""A picture that is not upright: faces get the upright answer or none."""

import cv2
import numpy as np
import pytest
import skimage.data

from mien.domain import AnalyzeOptions, DetectorMode, Frame
from mien.engine.local import LocalEngine


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_turned_astronaut_has_the_upright_emotion(engine: LocalEngine, quarters: int) -> None:
    upright = np.asarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)
    held = np.ascontiguousarray(np.rot90(upright, quarters))
    options = AnalyzeOptions(detector=DetectorMode.ACCURATE)
    (expected,), (answer,) = (
        next(engine.analyze([Frame(pixels, 512, 512)], options)).faces for pixels in (upright, held)
    )
    assert answer.emotion == expected.emotion == "happy"
    assert answer.score == pytest.approx(expected.score, abs=0.05)
    eyes, mouth = np.asarray(answer.landmarks.right_eye), np.asarray(answer.landmarks.right_mouth)
    down = mouth - eyes
    direction = np.asarray([(1, 0), (0, -1), (-1, 0)][quarters - 1])  # in which the chin lies
    assert down @ direction > 0.8 * np.linalg.norm(down)


@pytest.mark.parametrize("detector", [DetectorMode.AUTO, DetectorMode.FAST])
def test_what_was_not_looked_for_is_said(engine: LocalEngine, detector: DetectorMode) -> None:
    pixels = np.zeros((1500, 2000, 3), np.uint8)
    size = {DetectorMode.AUTO: 13, DetectorMode.FAST: 50}[detector]
    said = (f"Faces under about {size} px were not looked for; ask for detector=accurate to find smaller ones.",)
    (result,) = engine.analyze([Frame(pixels, 2000, 1500)], AnalyzeOptions(detector=detector))
    assert result.warnings == said
    (result,) = engine.analyze([Frame(pixels, 2000, 1500)], AnalyzeOptions(detector=detector, min_face=size))
    assert result.warnings == ()

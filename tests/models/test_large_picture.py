"""A group photograph of 24 megapixels: faces of 40 px must be found at their positions."""

import numpy as np
import pytest

from mien.domain import AnalyzeOptions, DetectorMode, Frame, FrameResult
from mien.engine.local import LocalEngine
from tests.group import Group, astronaut_head, group

ACCURATE = AnalyzeOptions(detector=DetectorMode.ACCURATE)


@pytest.fixture(scope="module")
def scene() -> Group:
    return group([astronaut_head()])


@pytest.fixture(scope="module")
def result(engine: LocalEngine, scene: Group) -> FrameResult:
    height, width = scene.picture.shape[:2]
    (found,) = engine.analyze([Frame(scene.picture, width, height)], ACCURATE)
    return found


def overlaps(result: FrameResult, scene: Group) -> np.ndarray:
    """IoU of the scene's faces [n] with the boxes found [m]: [n, m]."""
    boxes = np.array([(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in result.faces])
    low = np.maximum(scene.faces[:, None, :2], boxes[None, :, :2])
    high = np.minimum(scene.faces[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    sizes = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (scene.faces, boxes)]
    union = sizes[0][:, None] + sizes[1][None, :] - shared
    return np.asarray(shared / union)


def test_every_face_of_the_group_is_found(result: FrameResult, scene: Group) -> None:
    found = overlaps(result, scene).max(axis=1) >= 0.4
    assert found.all(), scene.faces[~found]


def test_nothing_else_is_detected_as_a_face(result: FrameResult, scene: Group) -> None:
    assert (overlaps(result, scene).max(axis=0) >= 0.4).all()

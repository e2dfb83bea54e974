import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from mien.domain import Box, U8Array
from mien.render.redact import BLOCKS, redact

FACE = Box(170, 65, 110, 150)


def portrait(scale: float) -> tuple[U8Array, Box]:
    picture = np.ascontiguousarray(astronaut()[..., ::-1])
    resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8), Box(*(value * scale for value in (FACE.x, FACE.y, FACE.width, FACE.height)))


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_a_redacted_face_has_few_colours_whatever_its_size(scale: float) -> None:
    picture, box = portrait(scale)
    hidden = redact(picture, [box])
    left, top = int(box.x), int(box.y)
    region = hidden[top : top + int(box.height), left : left + int(box.width)]
    assert len(np.unique(region.reshape(-1, 3), axis=0)) <= BLOCKS * BLOCKS


def test_detail_within_blocks_is_not_recoverable() -> None:
    picture, box = portrait(1.0)
    once = redact(picture, [box])
    noise = np.random.default_rng(0).integers(-40, 40, picture.shape)
    other = redact(np.clip(picture + noise, 0, 255).astype(np.uint8), [box])
    region = np.s_[70:210, 175:275]
    assert np.abs(once[region].astype(int) - other[region]).max() <= 12


def test_more_than_the_box_is_hidden_and_the_rest_is_untouched() -> None:
    picture, box = portrait(1.0)
    hidden = redact(picture, [box])
    changed = (hidden != picture).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert columns.min() < box.x - 20
    assert rows.min() < box.y - 30
    assert not changed[:, 320:].any()
    assert not changed[260:].any()


def test_boxes_at_the_border_and_empty_ones() -> None:
    picture, _ = portrait(1.0)
    redact(picture, [Box(-40, -40, 60, 60), Box(500, 500, 90, 90), Box(700, 700, 10, 10), Box(5, 5, 0, 0)])
    assert np.array_equal(redact(picture, []), picture)


def test_overlapping_faces_are_both_hidden() -> None:
    picture, box = portrait(1.0)
    near = Box(box.x + 60, box.y, box.width, box.height)
    hidden = redact(picture, [box, near])
    assert len(np.unique(hidden[70:210, 175:330].reshape(-1, 3), axis=0)) <= 2 * BLOCKS * BLOCKS

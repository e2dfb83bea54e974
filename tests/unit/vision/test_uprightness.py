"""Faces looked at again in four ways."""

import numpy as np
import pytest

from mien.vision.boxes import Detections
from mien.vision.detector import FaceDetector
from mien.vision.uprightness import CERTAIN_SCORE, SIDE, look_again
from tests.unit.vision.stubs import SPEC, StubSession, cells_of

WIDTH, HEIGHT = 400, 300
FACE = 96.0  # px, twice as large as in a look
# Eyes, nose and mouth around the centre of an upright face, in its side.
UPRIGHT = np.asarray([[-0.2, -0.15], [0.2, -0.15], [0, 0.05], [-0.15, 0.25], [0.15, 0.25]], np.float32)


def picture(x: int, y: int, up: tuple[int, int]) -> np.ndarray:
    """Grey, with a white forehead in the direction ``up`` of the face at (x, y)."""
    pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    left, top = x + 32 * up[0] - 8, y + 32 * up[1] - 8
    pixels[max(0, top) : top + 16, max(0, left) : left + 16] = 255
    return pixels


def forehead_above(best: float, others: float) -> StubSession:
    """A network that gives the face in the middle of a look ``best`` if the forehead is above it, else ``others``."""

    def answer(images: np.ndarray) -> list[np.ndarray]:
        count, columns = cells_of(*images.shape[1:3]), images.shape[2] // 8
        scores = np.zeros((1, count), np.float32)
        is_upright = images[0, SIDE // 2 - 16, SIDE // 2].mean() > 150
        scores[0, columns // 2 * columns + columns // 2] = best if is_upright else others
        boxes = np.broadcast_to(np.asarray([28, 28, 20, 20], np.float32), (1, count, 4))  # 4 px off a cell's centre
        landmarks = np.tile((UPRIGHT * 48 - 4).reshape(10).astype(np.float32), (1, count, 1))
        return [scores, boxes, landmarks]

    return StubSession(answer)


def find(x: float, y: float, score: float) -> Detections:
    """A face, thought to be upright."""
    middle, half = np.asarray([x, y], np.float32), np.float32(FACE / 2)
    box = np.concatenate([middle - half, middle + half])[None]
    return Detections(box, np.asarray([score], np.float32), middle + UPRIGHT[None] * np.float32(FACE))


def looked(pixels: np.ndarray, found: Detections, session: StubSession) -> tuple[Detections, list[bool]]:
    faces, doubtful = look_again(FaceDetector(session, SPEC), pixels, found, 24.0)  # type: ignore[arg-type]
    return faces, doubtful.tolist()


UPS = [(0, -1), (-1, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize("x", [200, 60])
@pytest.mark.parametrize("up", UPS)
def test_landmarks_follow_the_way_that_the_detector_prefers(up: tuple[int, int], x: int) -> None:
    faces, doubtful = looked(picture(x, 150, up), find(x, 150, 0.7), forehead_above(0.9, 0.4))
    assert doubtful == [False]
    assert faces.scores == pytest.approx([0.7])
    eyes, mouth = faces.landmarks[0, :2].mean(axis=0), faces.landmarks[0, 3:].mean(axis=0)
    assert (eyes - mouth) / FACE == pytest.approx(np.asarray(up) * 0.4, abs=0.02)
    assert (faces.boxes[0, :2] + faces.boxes[0, 2:]) / 2 == pytest.approx([x, 150], abs=1.5)
    assert faces.boxes[0, 2:] - faces.boxes[0, :2] == pytest.approx([FACE, FACE])


def test_a_face_that_is_already_turned_is_turned_upright_by_its_landmarks() -> None:
    found = find(200, 150, 0.7)
    turned = (found.landmarks - [200, 150]) @ np.asarray([[0, 1], [-1, 0]]) + [200, 150]  # the forehead to the right
    found = Detections(found.boxes, found.scores, turned.astype(np.float32))
    faces, doubtful = looked(picture(200, 150, (1, 0)), found, forehead_above(0.9, 0.4))
    assert doubtful == [False]
    assert faces.landmarks.tolist() == found.landmarks.tolist()


@pytest.mark.parametrize(("best", "others"), [(0.9, 0.85), (0.45, 0.1), (0.0, 0.0)])
def test_without_a_clear_preference_the_face_is_doubtful(best: float, others: float) -> None:
    _, doubtful = looked(picture(200, 150, (0, -1)), find(200, 150, 0.7), forehead_above(best, others))
    assert doubtful == [True]


def test_a_tie_changes_nothing() -> None:
    found = find(200, 150, 0.7)
    faces, _ = looked(picture(200, 150, (0, 1)), found, forehead_above(0.9, 0.85))
    assert faces.landmarks.tolist() == found.landmarks.tolist()


def test_certain_and_small_faces_are_not_asked_for() -> None:
    session = forehead_above(0.9, 0.4)
    _, doubtful = looked(picture(200, 150, (0, 1)), find(200, 150, CERTAIN_SCORE), session)
    small = find(200, 150, 0.7)
    small = Detections(small.boxes / 8, small.scores, small.landmarks / 8)
    assert doubtful == looked(picture(200, 150, (0, 1)), small, session)[1] == [False]
    assert not session.seen


def test_no_faces() -> None:
    nothing = find(0, 0, 0.5).select(slice(0))
    assert looked(picture(200, 150, (0, 1)), nothing, forehead_above(0.9, 0.4))[1] == []

import cv2
import numpy as np
import pytest

from service.vision.quality import assess

FRONTAL = np.asarray([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], dtype=np.float32)
BOX = np.asarray([10, 10, 90, 110], dtype=np.float32)


def textured(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(40, 215, (12, 12)).astype(np.uint8)
    return cv2.resize(noise, (48, 48), interpolation=cv2.INTER_CUBIC)


def test_a_good_face_is_ok_and_has_no_reasons() -> None:
    quality = assess(textured(), BOX, FRONTAL, 200, 200)
    assert quality.ok
    assert quality.reasons == ()
    assert quality.size == 80
    assert quality.pose == pytest.approx(0)


def test_blur_lowers_sharpness() -> None:
    sharp = textured()
    soft = cv2.GaussianBlur(sharp, (0, 0), 4)
    assert assess(soft, BOX, FRONTAL, 200, 200).sharpness < 0.5 * assess(sharp, BOX, FRONTAL, 200, 200).sharpness
    assert "blurred" in assess(soft, BOX, FRONTAL, 200, 200).reasons


@pytest.mark.parametrize(("level", "reason"), [(0.05, "dark"), (0.97, "bright")])
def test_light(level: float, reason: str) -> None:
    tile = np.full((48, 48), round(level * 255), np.uint8)
    quality = assess(tile, BOX, FRONTAL, 200, 200)
    assert reason in quality.reasons
    assert quality.brightness == pytest.approx(level, abs=0.01)
    assert not quality.ok


def test_a_nose_beside_the_eyes_is_a_turned_head_whatever_the_roll() -> None:
    turned = FRONTAL.copy()
    turned[2] = [74, 60]
    assert assess(textured(), BOX, turned, 200, 200).pose == pytest.approx(0.6)
    angle = np.deg2rad(35)
    rotation = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float32)
    quality = assess(textured(), BOX, turned @ rotation.T, 200, 200)
    assert quality.pose == pytest.approx(0.6, abs=1e-3)
    assert "turned" in quality.reasons


def test_eyes_in_one_place_do_not_divide_by_zero() -> None:
    assert assess(textured(), BOX, np.full((5, 2), 50, np.float32), 200, 200).pose == 1.0


def test_small_and_cut_faces_are_named() -> None:
    small = assess(textured(), np.asarray([10, 10, 30, 40], np.float32), FRONTAL, 200, 200)
    assert small.reasons == ("small",)
    cut = assess(textured(), np.asarray([-40, 10, 60, 110], np.float32), FRONTAL, 200, 200)
    assert cut.reasons == ("cut",)

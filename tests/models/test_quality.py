"""Quality of the faces in whole pictures, as detected by the shipped models."""

import io
from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from mien.domain import AnalyzeOptions, DetectorMode
from tests.models import astronauts
from tests.models.conftest import ROOT, Predict

CASES = ROOT.parent / "shared" / "cases"


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def reasons(predict: Predict, data: bytes, mode: DetectorMode = DetectorMode.FAST) -> Counter[tuple[str, ...]]:
    return Counter(face.quality.reasons for face in predict(data, AnalyzeOptions(detector=mode)).faces)


@pytest.mark.parametrize("along", ["across", "down"])
def test_a_face_that_moved_is_blurred(predict: Predict, along: str) -> None:
    kernel = np.full((1, 21) if along == "across" else (21, 1), 1 / 21, np.float32)
    assert reasons(predict, png(cv2.filter2D(astronaut(), -1, kernel))) == {("blurred",): 1}


# The astronaut, whose face is at 178 to 272 across and 58 to 172 down, with a third of it cut off.
CUT = {"left": np.s_[:, 210:], "right": np.s_[:, :240], "top": np.s_[98:], "bottom": np.s_[:145]}


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize("side", CUT)
def test_a_face_at_the_border_is_cut(predict: Predict, side: str, mode: DetectorMode) -> None:
    assert reasons(predict, png(np.ascontiguousarray(astronaut()[CUT[side]])), mode) == {("cut",): 1}


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_a_tight_portrait_is_ok(predict: Predict, mode: DetectorMode) -> None:
    assert reasons(predict, png(np.ascontiguousarray(astronaut()[58:172, 178:272])), mode) == {(): 1}


# Among the photographs: a profile, and three of seven faces at the border.
PHOTOS: dict[str, dict[tuple[str, ...], int]] = {
    "six-astronauts": {(): 6},
    "BWPictureHuman.jpg": {("turned",): 1},
    "selfie-many-people.jpg": {(): 4, ("cut",): 3},
    "couple.jpg": {(): 2},
    "justin.jpg": {(): 1},
    "img1.jpg": {(): 1},
    "img29.jpg": {(): 1},
    "Image_with_alpha.png": {(): 1},
}


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize("name", PHOTOS)
def test_photographs(predict: Predict, photo: Callable[[str], bytes], name: str, mode: DetectorMode) -> None:
    missed = (name, mode) == ("BWPictureHuman.jpg", DetectorMode.FAST)  # 24 px at 320
    assert reasons(predict, photo(name), mode) == ({} if missed else PHOTOS[name])


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize("case", ["motion_blur_21px.jpg", "six-astronauts"])
def test_six_motion_blurred_faces(predict: Predict, case: str, mode: DetectorMode) -> None:
    path = CASES / case
    if case == "six-astronauts":
        data = astronauts.png(astronauts.motion_blurred(astronauts.group_of_six()))
    elif path.exists():
        data = path.read_bytes()
    else:
        pytest.skip("../shared/cases is not here")
    assert reasons(predict, data, mode) == {("blurred",): 6}

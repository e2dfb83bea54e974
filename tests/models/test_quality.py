"""What quality says of whole pictures, as found by the shipped models."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from mien.domain import AnalyzeOptions, DetectorMode
from tests.models.conftest import ROOT, Look

CASES = ROOT.parent / "shared" / "cases"


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def reasons(look: Look, data: bytes, mode: DetectorMode = DetectorMode.FAST) -> Counter[tuple[str, ...]]:
    return Counter(face.quality.reasons for face in look(data, AnalyzeOptions(detector=mode)).faces)


@pytest.mark.parametrize("along", ["across", "down"])
def test_a_face_that_moved_is_blurred(look: Look, along: str) -> None:
    kernel = np.full((1, 21) if along == "across" else (21, 1), 1 / 21, np.float32)
    assert reasons(look, png(cv2.filter2D(astronaut(), -1, kernel))) == {("blurred",): 1}


# What is left of the astronaut, whose face lies at 178 to 272 across and 58 to 172 down, when a third is cut off.
CUT = {"left": np.s_[:, 210:], "right": np.s_[:, :240], "top": np.s_[98:], "bottom": np.s_[:145]}


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize("side", CUT)
def test_a_face_that_the_border_cuts_is_cut(look: Look, side: str, mode: DetectorMode) -> None:
    assert reasons(look, png(np.ascontiguousarray(astronaut()[CUT[side]])), mode) == {("cut",): 1}


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_a_tight_portrait_is_whole(look: Look, mode: DetectorMode) -> None:
    assert reasons(look, png(np.ascontiguousarray(astronaut()[58:172, 178:272])), mode) == {(): 1}


# Of the photographs: a profile, three of seven at the border, and the faces that nothing is wrong with.
PHOTOS: dict[str, dict[tuple[str, ...], int]] = {
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
def test_real_photographs(look: Look, photo: Callable[[str], bytes], name: str, mode: DetectorMode) -> None:
    assert reasons(look, photo(name), mode) == PHOTOS[name]


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_six_smiles_that_moved(look: Look, mode: DetectorMode) -> None:
    path = Path(CASES / "motion_blur_21px.jpg")
    if not path.exists():
        pytest.skip("../shared/cases is not here")
    assert reasons(look, path.read_bytes(), mode) == {("blurred",): 6}

"""Pictures of several people, composed from scikit-image's astronaut (public domain): no other file is needed."""

import cv2
import numpy as np
import numpy.typing as npt

from tests.group import astronaut_head, paste

Image = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 960, 640


def background() -> Image:
    """A soft gradient, uint8 [640, 960, 3] BGR."""
    across = np.linspace(70, 150, WIDTH, dtype=np.float32)[None, :, None]
    down = np.linspace(-20, 40, HEIGHT, dtype=np.float32)[:, None, None]
    return np.asarray(across + down + np.array([0, 6, 14], np.float32), np.uint8)


def group_of_six() -> Image:
    """Six people, half of them mirrored, with faces of 70 to 105 px and in different light."""
    picture, head = background(), astronaut_head().picture
    for x, y, scale, mirrored, light in (
        (20, 40, 1.0, False, 1.0),
        (330, 20, 0.8, True, 0.9),
        (600, 60, 1.1, False, 0.75),
        (60, 340, 0.9, True, 1.0),
        (380, 330, 1.1, False, 0.8),
        (690, 370, 0.85, True, 1.0),
    ):
        person = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        person = cv2.flip(person, 1) if mirrored else person
        paste(picture, np.asarray(person * light, np.uint8), x, y)
    return picture


def large_and_small() -> Image:
    """A large, leaning face on the left and a smaller, upright one, which the detector scores higher."""
    picture, head = background(), astronaut_head().picture
    large = cv2.resize(head, None, fx=2.1, fy=2.1)
    rotation = cv2.getRotationMatrix2D((large.shape[1] / 2, large.shape[0] / 2), 30, 1)
    leaning = cv2.warpAffine(large, rotation, (large.shape[1], large.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(head, None, fx=1.2, fy=1.2)
    paste(picture, np.asarray(small, np.uint8), 580, 150)
    paste(picture, np.asarray(leaning, np.uint8), 10, 40)
    return picture


def motion_blurred(picture: Image, length: int = 21) -> Image:
    """As by a camera that moved sideways by ``length`` pixels."""
    return np.asarray(cv2.filter2D(picture, -1, np.full((1, length), 1 / length, np.float32)), np.uint8)


COMPOSED = {"six-astronauts": group_of_six, "large-and-small": large_and_small}


def png(picture: Image) -> bytes:
    """The file of ``picture``, uint8 [h, w, 3] BGR."""
    return cv2.imencode(".png", picture)[1].tobytes()

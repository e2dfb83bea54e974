"""The quality of a single face."""

import numpy as np

from mien.domain import Box, F32Array, Quality, U8Array
from mien.vision import quality


def assess(crop: U8Array, box: F32Array, landmarks: F32Array, picture: Box, doubtful: bool = False) -> Quality:
    """``quality.assess`` of one face: ``crop`` ``[48, 48]``, ``box`` ``[4]``, ``landmarks`` ``[5, 2]``."""
    (found,) = quality.assess([crop], box[None], landmarks[None], picture, np.asarray([doubtful]))
    return found

"""What Pillow's readers raise over broken files."""

import struct
import zlib

import cv2
from PIL import Image

# As fuzzing and the readers' sources show. UserWarning is Pillow's remark on broken
# metadata, which is an error only where the process runs with ``-W error``.
READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
    UserWarning,
    Image.DecompressionBombWarning,
    Image.DecompressionBombError,
)

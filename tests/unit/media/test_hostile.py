"""Broken on purpose: whatever the bytes, the decoder answers with a frame or with one of Mien's own errors."""

import contextlib
import random

import pytest

from service.errors import InputError
from service.media.limits import DecodeLimits
from tests.unit.media.files import FORMATS, decoder, portrait, save

ROUNDS = 60


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat or splice a few bytes, mostly in the first kilobyte, where the structure is."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        reach = len(broken) if chance.random() < 0.3 else min(len(broken), 1024)
        at = chance.randrange(4, reach)
        kind = chance.randrange(5)
        if kind == 0:
            broken[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            broken[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
        elif kind == 2:
            del broken[at : at + chance.randint(1, 40)]
        elif kind == 3:
            broken[at:at] = broken[at : at + chance.randint(1, 40)]
        else:
            broken[at] = chance.randrange(256)
    return bytes(broken)


@pytest.mark.parametrize("name", [*FORMATS, "16-bit TIFF"])
def test_only_mien_errors_leave_the_decoder(name: str) -> None:
    # A small bound on pixels: a mutated header may ask for many, and the test is not about waiting for them.
    shared = decoder(DecodeLimits(max_pixels=1_000_000))
    if name == "16-bit TIFF":
        import io

        import numpy as np
        import tifffile

        file = io.BytesIO()
        tifffile.imwrite(file, np.asarray(portrait(48)).astype(np.uint16) * 257, photometric="rgb", compression="zlib")
        data = file.getvalue()
    else:
        data = save(portrait(48), name, orientation=6 if name in {"JPEG", "PNG", "WEBP", "TIFF", "HEIF"} else None)
    chance = random.Random(name)
    for _ in range(ROUNDS):
        with contextlib.suppress(InputError):
            frame = shared.decode(mutated(data, chance), detector_side=chance.choice((None, 4, 16)))
            assert frame.pixels.shape[2] == 3
            assert frame.width * frame.height <= 1_000_000
    assert shared.decode(data).width == 48

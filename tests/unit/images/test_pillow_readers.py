import random
import zlib

import numpy as np
import pytest
from PIL import Image

from mien.errors import CorruptMedia
from tests.unit.images.files import decoder, png_chunk, portrait, save

MEBIBYTE = 1024 * 1024
# Over the bound at which Pillow gives up when unpacked; noise, so that the packed chunk is large too.
LARGE = random.Random(10).randbytes(2 * MEBIBYTE).hex().encode()
BOMB = zlib.compress(bytes(20 * MEBIBYTE))

CHUNKS = {
    "zTXt": png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LARGE)),
    "iTXt": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LARGE)),
    "iCCP": png_chunk(b"iCCP", b"Display\0\0" + zlib.compress(LARGE)),
    "tEXt": png_chunk(b"tEXt", b"Comment\0" + LARGE),
    "many": png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(MEBIBYTE))) * 70,
    "bomb": png_chunk(b"zTXt", b"Comment\0\0" + BOMB),
    "method": png_chunk(b"iCCP", b"Display\0\7" + zlib.compress(LARGE)),
    "damaged": png_chunk(b"tEXt", b"Comment\0words")[:-1] + b"!",
    "empty": png_chunk(b"tEXt", b""),
}


def split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Up to and with the header, the pixels, and the end."""
    return data[:33], data[33:-12], data[-12:]


@pytest.mark.parametrize("name", CHUNKS)
@pytest.mark.parametrize("place", ["before the pixels", "after the pixels"])
def test_a_picture_is_read_whatever_its_metadata(name: str, place: str) -> None:
    header, pixels, end = split(save(portrait(64), "PNG"))
    chunk = CHUNKS[name]
    data = header + chunk + pixels + end if place == "before the pixels" else header + pixels + chunk + end
    assert np.array_equal(decoder().decode(data).pixels[..., ::-1], np.asarray(portrait(64)))


def test_metadata_between_the_chunks_that_are_read() -> None:
    red_by_palette = Image.new("P", (64, 48), 1)
    red_by_palette.putpalette([0, 0, 0, 255, 0, 0])
    header, rest, end = split(save(red_by_palette, "PNG"))
    length = 12 + int.from_bytes(rest[:4])
    palette, pixels = rest[:length], rest[length:]
    between = CHUNKS["iCCP"] + CHUNKS["tEXt"] + CHUNKS["zTXt"]
    frame = decoder().decode(header + between + palette + between + pixels + between + end)
    assert frame.pixels[20, 20].tolist() == [0, 0, 255]


@pytest.mark.parametrize("name", ["zTXt", "iTXt", "iCCP"])
def test_the_first_frame_of_an_animation_with_large_metadata(name: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    header, rest, end = split(save(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    frame = decoder().decode(header + CHUNKS[name] + rest + CHUNKS[name] + end)
    assert frame.pixels[20, 20].tolist() == [0, 0, 255]


def test_a_file_of_countless_empty_chunks_is_refused() -> None:
    header, pixels, end = split(save(portrait(64), "PNG"))
    with pytest.raises(CorruptMedia, match="too many parts"):
        decoder().decode(header + png_chunk(b"tEXt", b"") * 100_000 + pixels + end)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_file_cut_short_in_its_metadata_is_corrupt(kept: float) -> None:
    header, _, _ = split(save(portrait(64), "PNG"))
    with pytest.raises(CorruptMedia, match="cut short"):
        decoder().decode(header + CHUNKS["zTXt"][: int(len(CHUNKS["zTXt"]) * kept)])

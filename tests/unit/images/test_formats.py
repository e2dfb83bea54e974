import pytest

from mien.errors import InvalidRequest, UnsupportedMedia
from mien.images.formats import PictureFormat, sniff
from tests.unit.images.files import FORMATS, portrait, save


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_recognised_by_its_first_bytes(name: str) -> None:
    expected = {"WEBP": "WebP", "HEIF": "HEIC"}.get(name, name)
    assert sniff(save(portrait(64), name)) is PictureFormat(expected)


def test_a_compatible_brand_distinguishes_avif_from_heic() -> None:
    assert sniff(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf") is PictureFormat.AVIF
    assert sniff(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heicmiaf") is PictureFormat.HEIC


def test_a_brand_after_the_first_box_does_not_count() -> None:
    with pytest.raises(UnsupportedMedia, match="clip"):
        sniff(b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isomavifheic")


def test_an_empty_file_is_a_bad_request() -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        sniff(b"")


@pytest.mark.parametrize("data", [b"hello, I am called portrait.jpg", b"%PDF-1.7", b"\xff\xd8", b"<svg/>", b"\0" * 64])
def test_anything_else_is_unsupported_and_the_message_lists_the_formats(data: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match=r"JPEG, PNG, .*HEIC"):
        sniff(data)

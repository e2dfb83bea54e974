"""Pictures in a JSON body: ``{"images": ["<base64 or data URI>", ...]}``."""

import re
from typing import Any

import msgspec
import pybase64

from mien.api.errors import InvalidField
from mien.errors import InputError, InvalidRequest, TooLarge
from mien.usecases.analyze_image import PictureInput

_EXPECTED = 'expected {"images": ["<base64 or data URI>", ...]}'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors and shells begin UTF-8 with it
# Base64 is ASCII, and a single other character would make Python keep a text at up to four bytes per character.
_AS_ASCII = bytes(range(128)) + b"?" * 128
_NO_WHITESPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))
_MAX_HEAD = 256  # bytes of a data URI before its comma
_UNKNOWN_MEMBER = re.compile(r"unknown field `(.*)`", re.DOTALL)


class JsonPictures:
    """Reads JSON bodies of at most ``max_pictures`` pictures. Thread-safe."""

    def __init__(self, max_pictures: int) -> None:
        self._max_pictures = max_pictures
        # An array with as many slots as there may be pictures, and one to tell that there are more: whatever a body
        # holds, nothing but views of it is made. A list would first take all of its elements, and more memory than
        # the body if they are small.
        slots = [(f"picture{index}", msgspec.Raw, msgspec.Raw()) for index in range(max_pictures + 1)]
        images = msgspec.defstruct("Images", slots, array_like=True)
        self._decoder = msgspec.json.Decoder(
            msgspec.defstruct("Body", [("images", images)], forbid_unknown_fields=True)
        )

    def read(self, body: bytes) -> list[PictureInput]:
        """The pictures of ``body``; one with bad base64 does not fail the others.

        Raises:
            InvalidRequest: not JSON, or of another shape.
            TooLarge: more than ``max_pictures``.
        """
        return [
            PictureInput(None, _decode_base64(f"images[{index}]", image))
            for index, image in enumerate(self._images(body))
        ]

    def _images(self, body: bytes) -> list[memoryview]:
        body = body.removeprefix(_BYTE_ORDER_MARK)
        if not body.isascii():
            body = body.translate(_AS_ASCII)
        try:
            found: Any = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _wrong_shape(str(error)) from None
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"The body cannot be read as JSON ({error}); {_EXPECTED}.") from None
        except RecursionError:
            raise InvalidRequest(f"The JSON body is nested too deeply; {_EXPECTED}.") from None
        images = [memoryview(image) for image in msgspec.structs.astuple(found.images) if image != msgspec.Raw()]
        if not images:
            raise _no_pictures()
        if len(images) > self._max_pictures:
            bound = self._max_pictures
            raise TooLarge("max_pictures", bound, f"The body holds more than {bound} pictures; send fewer at once.")
        return images


def _wrong_shape(reason: str) -> InvalidField:
    if unknown := _UNKNOWN_MEMBER.search(reason):
        name = ascii(unknown[1][:40])[1:-1]
        return InvalidField(name, f"The JSON body has an unknown member '{name}'; {_EXPECTED}.")
    return _no_pictures()


def _no_pictures() -> InvalidField:
    return InvalidField("images", f"The JSON body has no list of pictures in 'images'; {_EXPECTED}.")


def _decode_base64(name: str, quoted: memoryview) -> bytes | InputError:
    """The bytes that a JSON string holds, or what is wrong with it."""
    if quoted[0] != ord('"'):
        return InvalidField(name, f"{name} is not a string; put base64 or a data URI there.")
    head = b""
    if bytes(quoted[1:6]) == b"data:":
        head, comma, _ = bytes(quoted[1:_MAX_HEAD]).partition(b",")
        if not comma or not head.endswith(b";base64"):
            return InvalidField(name, f"{name} is not a base64 data URI; write data:image/jpeg;base64,<base64>.")
        head += comma
    try:
        return pybase64.b64decode(quoted[1 + len(head) : -1], validate=True)  # without a copy of the text
    except ValueError:
        pass
    try:
        # Some clients escape slashes, and some tools wrap base64 at 76 columns.
        text = msgspec.json.decode(quoted, type=str)
        if head:
            text = text[text.index(",") + 1 :]
        text = text.translate(_NO_WHITESPACE)
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        return InvalidField(name, f"{name} is not base64; encode the file's bytes again.")

"""Pictures in a JSON body: ``{"images": ["<base64 or data URI>", ...]}``."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator

from anyio import Semaphore, from_thread

from mien.api.errors import InvalidField
from mien.errors import InputError, InvalidRequest, TooLarge
from mien.usecases.analyze_image import PictureInput

_EXPECTED = 'expected {"images": ["<base64 or data URI>", ...]}'
_SPARE_VALUES = 64  # in a body that is wrong, for which there are better words than that it holds too much
_MARK = b"\xef\xbb\xbf"  # some editors and shells begin UTF-8 with it
_SPACE = b" \t\r\n\f\v"
# Base64 is ASCII, and a single other character would make Python keep the whole body at four bytes each.
_AS_ASCII = bytes(range(128)) + b"?" * 128


class JsonTurn:
    """The right of one request to have its JSON read; see ``JsonPictures.turn``. Used on the event loop, but for
    ``pass_on``."""

    def __init__(self, free: Semaphore) -> None:
        self.free = free
        self._taken = False

    def taken(self) -> None:
        """``free`` was acquired for it."""
        self._taken = True

    def release(self) -> None:
        """Let the next one read. More than once is harmless."""
        if self._taken:
            self._taken = False
            self.free.release()

    def pass_on(self) -> None:
        """``release`` from the worker thread."""
        from_thread.run_sync(self.release)


class JsonPictures:
    """Reads one body at a time, whatever the number of callers: JSON takes several times its length while it is read,
    and holds up every other thread, so that two at once would be no faster. A request waits for its turn on the event
    loop, before it takes a thread from those that bring their pictures in another form."""

    def __init__(self, max_pictures: int) -> None:
        self._max_pictures = max_pictures
        self._free = Semaphore(1)

    def turn(self) -> JsonTurn:
        """For one request, to be handed to ``AdmissionGate.run``."""
        return JsonTurn(self._free)

    def read(self, load: Callable[[], bytes]) -> list[PictureInput]:
        """The pictures of the body that ``load`` brings into memory; one with bad base64 does not fail the others.

        Raises:
            InvalidRequest: not JSON, or of another shape.
            TooLarge: more than ``max_pictures``.
        """
        return list(self._pictures(self._parse(load())))

    def _parse(self, body: bytes) -> object:
        # Before anything is parsed: a list of millions of tiny values takes thirty times its length in memory.
        bound = 2 * self._max_pictures + _SPARE_VALUES
        if body.count(b"[") + body.count(b"{") > bound:
            raise InvalidRequest(f"The body has lists in lists, or too many of them; {_EXPECTED}.")
        if max(body.count(b'"') // 2, body.count(b",")) > bound:
            raise self._too_many()
        text = body.removeprefix(_MARK).translate(_AS_ASCII).decode("ascii")
        del body
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise InvalidRequest(f"The body is not JSON (see {place}); {_EXPECTED}.") from None
        except (ValueError, RecursionError):  # a number of thousands of digits, or lists in lists
            raise InvalidRequest(f"The body is no JSON that is read; {_EXPECTED}.") from None

    def _pictures(self, document: object) -> Iterator[PictureInput]:
        images = document.get("images") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(images, list) or not images:
            raise InvalidField("images", f"The JSON body has no list of pictures in 'images'; {_EXPECTED}.")
        if unknown := sorted(set(document) - {"images"}):
            name = ascii(unknown[0][:40])[1:-1]  # a member may be called anything, half characters included
            raise InvalidField(name, f"The JSON body has an unknown member '{name}'; {_EXPECTED}.")
        if len(images) > self._max_pictures:
            raise self._too_many()
        for index, image in enumerate(images):
            yield PictureInput(None, _decode_base64(f"images[{index}]", image))

    def _too_many(self) -> TooLarge:
        bound = self._max_pictures
        return TooLarge("max_pictures", bound, f"At most {bound} pictures are read at once; send fewer.")


def _decode_base64(name: str, value: object) -> bytes | InputError:
    if not isinstance(value, str):
        return InvalidField(name, f"{name} is not a string; put base64 or a data URI there.")
    if value.startswith("data:"):
        head, comma, value = value.partition(",")
        if not comma or not head.endswith(";base64"):
            return InvalidField(name, f"{name} is not a base64 data URI; write data:image/jpeg;base64,<base64>.")
    try:
        # Tools wrap base64 at 76 columns; the line ends are not part of it.
        return base64.b64decode(value.encode("ascii").translate(None, _SPACE), validate=True)
    except (binascii.Error, ValueError):
        return InvalidField(name, f"{name} is not base64; encode the file's bytes again.")

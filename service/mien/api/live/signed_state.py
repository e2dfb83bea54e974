"""The ``person_state`` of ``/live``: opaque to the client, signed, and valid for a minute."""

import secrets
from hashlib import sha256

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData

from mien.errors import InvalidOption
from mien.usecases.person_state import NEW_SESSION, PersonState, pack, unpack

MAX_AGE = 60
"""Seconds. After that it is not known who is in the picture, and the numbers begin anew."""


class StateSigner:
    """Signs states with HMAC-SHA256. Replicas need the same ``secret``; without one, only this process reads its own.

    The state is signed and not encrypted: it describes the client's own frames to the client.
    """

    def __init__(self, secret: str | None) -> None:
        self._signer = TimestampSigner(secret or secrets.token_urlsafe(32), salt="mien.live", digest_method=sha256)

    def sign(self, state: PersonState) -> str:
        """``state`` as URL-safe text."""
        return self._signer.sign(base64_encode(pack(state))).decode("ascii")

    def read(self, text: str) -> PersonState:
        """The state in ``text``; ``NEW_SESSION`` if it has expired.

        Raises:
            InvalidOption: it was not signed with this secret, or was altered.
        """
        try:
            return unpack(base64_decode(self._signer.unsign(text, max_age=MAX_AGE)))
        except SignatureExpired:
            return NEW_SESSION
        except (BadSignature, BadData, ValueError) as error:
            raise InvalidOption(
                "person_state",
                "person_state was not issued by this service (replicas need the same MIEN_SECRET), or was altered; "
                "send it as it was received, or leave it out.",
            ) from error

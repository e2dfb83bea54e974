"""What is answered to a request that its key, or the lack of one, does not let in."""

from mien.errors import InputError


class Unauthorized(InputError):
    """No API key was sent, or an unknown one."""

    code = "unauthorized"


class KeyExpired(InputError):
    """The key is known, and its time is over."""

    code = "key_expired"


class KeyRevoked(InputError):
    """The key is known, and was revoked."""

    code = "key_revoked"


class KeyNotAllowed(InputError):
    """The key is for something else: for the metrics, or for analyses."""

    code = "key_not_allowed"


class RateLimited(InputError):
    """The key's caller is over one of its limits. ``retry_after`` is in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyWrongKeys(RateLimited):
    """Too many unknown keys came from the caller's address."""

    code = "too_many_wrong_keys"

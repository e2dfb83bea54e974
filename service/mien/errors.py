"""The exceptions that Mien raises deliberately.

    MienError
    ├── InputError                 the caller can fix it
    │   ├── InvalidRequest         the form of the request: wrong field, bad base64, empty body
    │   ├── InvalidOption          the name or value of an option
    │   ├── UnsupportedMedia       not a supported picture or clip format
    │   ├── CorruptMedia           a supported format, but broken
    │   ├── TooLarge               over a limit: bytes, pixels, pictures, seconds
    │   ├── NoVideoStream          a clip without pictures
    │   └── NotAcceptable          no format that the caller accepts
    ├── CapacityError              try again later
    │   ├── Overloaded             the queue is full
    │   ├── DeadlineExceeded       the deadline passed first
    │   ├── Cancelled              the caller disconnected
    │   └── StorageFull            no disk space for an upload or a result
    ├── EngineError                the engine failed
    │   ├── EngineClosed           the service is starting or stopping
    │   └── InferenceFailed        a model run failed
    └── ModelError                 the model store is unusable; the service does not start
        ├── ModelMissing
        ├── ModelChanged           the file does not match its manifest
        └── ModelUnreadable

Each class has a stable ``code``; the message says what happened and what to do about it. Only ``mien.api.errors`` maps
classes to HTTP statuses.
"""

from typing import ClassVar


class MienError(Exception):
    """Base class; ``str(error)`` is a sentence for people."""

    code: ClassVar[str] = "internal_error"


class InputError(MienError):
    """The caller sent something that cannot be processed."""

    code = "bad_input"


class InvalidRequest(InputError):
    """The request does not have the form that the endpoint expects."""

    code = "invalid_request"


class InvalidOption(InputError):
    """An option is unknown or out of range. ``name`` is the option's name."""

    code = "invalid_option"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UnsupportedMedia(InputError):
    """The bytes are not in a supported format."""

    code = "unsupported_media"


class CorruptMedia(InputError):
    """The format was recognised but the content cannot be decoded."""

    code = "corrupt_media"


class TooLarge(InputError):
    """Over a limit. ``limit`` names it (``max_pixels``, for example), ``bound`` is its value."""

    code = "too_large"

    def __init__(self, limit: str, bound: float, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.bound = bound


class NoVideoStream(InputError):
    """The file is a readable container without a picture track."""

    code = "no_video_stream"


class NotAcceptable(InputError):
    """None of the formats that the caller accepts is available."""

    code = "not_acceptable"


class CapacityError(MienError):
    """The service cannot process the request now; it may succeed later."""

    code = "unavailable"


class Overloaded(CapacityError):
    """The queue is full. ``retry_after`` is in seconds."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(CapacityError):
    """The deadline passed before the answer was ready."""

    code = "deadline_exceeded"


class Cancelled(CapacityError):
    """The caller disconnected, and the work was abandoned."""

    code = "caller_gone"


class StorageFull(CapacityError):
    """There is no disk space for an upload or a result."""

    code = "storage_full"


class EngineError(MienError):
    """The engine failed."""

    code = "engine_error"


class EngineClosed(EngineError):
    """The engine is not running (the service is starting or stopping)."""

    code = "engine_closed"


class InferenceFailed(EngineError):
    """A model run failed on this input; other requests are not affected."""

    code = "inference_failed"


class ModelError(MienError):
    """The model store is unusable."""

    code = "model_error"


class ModelMissing(ModelError):
    """A model, version or file does not exist."""

    code = "model_missing"


class ModelChanged(ModelError):
    """The file's SHA-256 differs from the manifest's."""

    code = "model_changed"


class ModelUnreadable(ModelError):
    """The manifest or the graph cannot be read."""

    code = "model_unreadable"

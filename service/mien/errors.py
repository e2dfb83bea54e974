"""Everything that Mien raises on purpose.

    MienError
    ├── InputError                 the caller can mend it
    │   ├── InvalidRequest         the request's shape: wrong field, bad base64, nothing sent
    │   ├── InvalidOption          an option's name or value
    │   ├── UnsupportedMedia       not a picture or clip that Mien reads
    │   ├── CorruptMedia           the right kind of file, but broken
    │   ├── TooLarge               over a bound: bytes, pixels, pictures, seconds
    │   ├── NoVideoStream          a clip with sound only
    │   └── NotAcceptable          no answer form that the caller accepts
    ├── CapacityError              try again later
    │   ├── Overloaded             the queue is full
    │   ├── DeadlineExceeded       the caller's own deadline passed first
    │   ├── Cancelled             nobody waits for the answer any more
    │   └── StorageFull            no room for an upload or a result
    ├── EngineError                inside the engine
    │   ├── EngineClosed           the service is starting or stopping
    │   └── InferenceFailed        a model run failed
    └── ModelError                 the model store cannot be used; the service does not start
        ├── ModelMissing
        ├── ModelChanged           the file is not the one that the manifest describes
        └── ModelUnreadable

Each class carries a stable ``code``; the message says what happened and what to do about it. What HTTP status
a class becomes is written in ``mien.api.errors``, and nowhere else.
"""

from typing import ClassVar


class MienError(Exception):
    """Base of the tree; ``str(error)`` is a sentence for a person."""

    code: ClassVar[str] = "internal_error"


class InputError(MienError):
    """The caller sent something that Mien cannot work with."""

    code = "bad_input"


class InvalidRequest(InputError):
    """The request is not shaped as the endpoint expects."""

    code = "invalid_request"


class InvalidOption(InputError):
    """An option is unknown or out of range. ``name`` is the option's name."""

    code = "invalid_option"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UnsupportedMedia(InputError):
    """The bytes are not in a format that Mien reads."""

    code = "unsupported_media"


class CorruptMedia(InputError):
    """The format was recognised but the content cannot be decoded."""

    code = "corrupt_media"


class TooLarge(InputError):
    """A bound was passed. ``limit`` names it (e.g. ``max_pixels``), ``bound`` is its value."""

    code = "too_large"

    def __init__(self, limit: str, bound: float, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.bound = bound


class NoVideoStream(InputError):
    """The file is a readable container without a picture track."""

    code = "no_video_stream"


class NotAcceptable(InputError):
    """None of the answer forms that the caller accepts is available."""

    code = "not_acceptable"


class CapacityError(MienError):
    """The service cannot do the work now; the same request may succeed later."""

    code = "unavailable"


class Overloaded(CapacityError):
    """The queue is full. ``retry_after`` is in seconds."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(CapacityError):
    """The deadline that the caller set passed before the answer was ready."""

    code = "deadline_exceeded"


class Cancelled(CapacityError):
    """Whoever asked has hung up, and the work was left."""

    code = "caller_gone"


class StorageFull(CapacityError):
    """An upload or a result could not be written for lack of room."""

    code = "storage_full"


class EngineError(MienError):
    """The engine could not answer."""

    code = "engine_error"


class EngineClosed(EngineError):
    """The engine is not running (the service starts or stops)."""

    code = "engine_closed"


class InferenceFailed(EngineError):
    """A model run failed on this input; other requests are not touched."""

    code = "inference_failed"


class ModelError(MienError):
    """The model store cannot be used as it is."""

    code = "model_error"


class ModelMissing(ModelError):
    """No such model, version or file."""

    code = "model_missing"


class ModelChanged(ModelError):
    """The file's SHA-256 differs from the manifest's."""

    code = "model_changed"


class ModelUnreadable(ModelError):
    """The manifest or the graph cannot be read."""

    code = "model_unreadable"

"""The exceptions that Mien raises deliberately.

    MienError
    ├── InputError                 the caller can fix it
    │   ├── InvalidRequest         the form of the request: wrong field, bad base64, empty body
    │   ├── InvalidOption          the name or value of an option
    │   ├── UnsupportedMedia       not a supported picture or clip format
    │   ├── CorruptMedia           a supported format, but broken
    │   ├── DecoderFailed          the decoder crashed over the file, hung, or took too much memory
    │   ├── TooLarge               over a limit: bytes, pixels, pictures, seconds
    │   ├── NoVideoStream          a clip without pictures
    │   ├── NotAcceptable          no format that the caller accepts
    │   ├── JobNotFound            no such job, or not any more
    │   ├── JobHasNoResult         not finished, cancelled, or not in the form asked for
    │   └── KeyReused              an idempotency key with another clip or other options
    ├── CapacityError              try again later
    │   ├── Overloaded             the queue is full
    │   ├── DeadlineExceeded       the deadline passed first
    │   ├── Cancelled              the caller disconnected
    │   ├── DecoderUnavailable     no process to decode the file, or no memory for it
    │   ├── StorageFull            no disk space for an upload or a result
    │   ├── JobsUnavailable        the database or the object store of jobs is away
    │   │   └── JobsImpossible     they cannot be used before the operator has changed something
    │   └── ModelsReplaced         while a job was under way
    ├── EngineError                the engine failed
    │   ├── EngineClosed           the service is starting or stopping
    │   ├── InferenceFailed        a model run failed
    │   └── WorkerLost             a worker was stuck or died, and is replaced
    └── ModelError                 the model store is unusable; the service does not start
        ├── ModelMissing
        ├── ModelChanged           the file does not match its manifest
        └── ModelUnreadable

Each class has a stable ``code`` for programs; the message says what happened and what to do about it. Only
``mien.api.errors`` maps classes to HTTP statuses.
"""

from typing import ClassVar


class MienError(Exception):
    """Base class; ``str(error)`` is a sentence for people."""

    code: ClassVar[str] = "internal_error"


class InputError(MienError):
    code = "bad_input"


class InvalidRequest(InputError):
    code = "invalid_request"


class InvalidOption(InputError):
    """An option is unknown or out of range. ``name`` is the option's name."""

    code = "invalid_option"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UnsupportedMedia(InputError):
    code = "unsupported_media"


class CorruptMedia(InputError):
    code = "corrupt_media"


class DecoderFailed(InputError):
    """The process that decoded the file had to be given up; nothing else is affected."""

    code = "decoder_failed"

    CRASHED: ClassVar[str] = "The file crashed its decoder; it is damaged or malicious. Re-encode it, or send another."
    HUNG: ClassVar[str] = "The file's decoder stopped advancing and was ended; re-encode the file, or send another."
    NO_MEMORY: ClassVar[str] = "The file takes far more memory to decode than its size suggests; re-encode it."


class TooLarge(InputError):
    """Over a limit. ``limit`` names it (``max_pixels``, for example), ``bound`` is its value."""

    code = "too_large"

    def __init__(self, limit: str, bound: float, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.bound = bound


class NoVideoStream(InputError):
    code = "no_video_stream"


class NotAcceptable(InputError):
    code = "not_acceptable"


class JobNotFound(InputError):
    code = "job_not_found"


class JobHasNoResult(InputError):
    code = "job_has_no_result"


class KeyReused(InputError):
    code = "idempotency_key_reused"


class CapacityError(MienError):
    code = "unavailable"


class Overloaded(CapacityError):
    """The queue is full. ``retry_after`` is in seconds."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(CapacityError):
    code = "deadline_exceeded"


class Cancelled(CapacityError):
    code = "caller_gone"


class DecoderUnavailable(CapacityError):
    code = "decoder_unavailable"


class StorageFull(CapacityError):
    code = "storage_full"


class JobsUnavailable(CapacityError):
    """``retry_after`` is in seconds."""

    code = "jobs_unavailable"
    retry_after: ClassVar[float] = 5.0


class JobsImpossible(JobsUnavailable):
    """Waiting does not help: a clip that is too long for an answer has to be sent in parts."""


class ModelsReplaced(CapacityError):
    code = "models_replaced"


class EngineError(MienError):
    code = "engine_error"


class EngineClosed(EngineError):
    code = "engine_closed"


class InferenceFailed(EngineError):
    code = "inference_failed"


class WorkerLost(EngineError):
    code = "worker_lost"


class ModelError(MienError):
    code = "model_error"


class ModelMissing(ModelError):
    code = "model_missing"


class ModelChanged(ModelError):
    code = "model_changed"


class ModelUnreadable(ModelError):
    code = "model_unreadable"

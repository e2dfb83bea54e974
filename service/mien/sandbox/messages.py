"""What the service and its decoder processes tell each other: msgpack, checked against these types, never pickle.

A decoder that a hostile file has taken over can send whatever it likes; it must not be able to make the service run it.
"""

import msgspec

from mien import errors


class Start(msgspec.Struct, tag=True, frozen=True):
    """To a worker: run the handler ``task``; ``body`` is for the handler, as are the descriptors that come with it."""

    task: str
    body: bytes


class Note(msgspec.Struct, tag=True, frozen=True):
    """Either way, while a task runs: ``body`` is for the handler, or from it."""

    body: bytes


class Alive(msgspec.Struct, tag=True, frozen=True):
    """From a worker: the decoder still advances."""


class Done(msgspec.Struct, tag=True, frozen=True):
    """From a worker: the task is finished, and the worker ready for another."""

    body: bytes


class Failed(msgspec.Struct, tag=True, frozen=True):
    """From a worker: the task raised an error, and the worker is ready for another.

    ``code`` is that of one of Mien's errors, ``name`` and ``bound`` their further members; ``errno`` that of an
    ``OSError``. ``unexpected`` names any other exception, for the log.
    """

    message: str
    code: str = errors.DecoderFailed.code
    name: str = ""
    bound: float = 0.0
    errno: int = 0
    unexpected: str = ""


class Spawn(msgspec.Struct, tag=True, frozen=True):
    """To the fork server: start a worker on the socket that comes with it."""


class Reap(msgspec.Struct, tag=True, frozen=True):
    """To the fork server: kill the worker ``pid``, unless it is dead already."""

    pid: int


class Ready(msgspec.Struct, tag=True, frozen=True):
    """From the fork server: everything is imported. ``lacking`` names the kinds of confinement that are missing."""

    lacking: tuple[str, ...]


class Spawned(msgspec.Struct, tag=True, frozen=True):
    """From the fork server: the new worker's process id."""

    pid: int


class Reaped(msgspec.Struct, tag=True, frozen=True):
    """From the fork server: how the worker ended, as ``os.waitstatus_to_exitcode`` has it."""

    exit_code: int


FromWorker = Note | Alive | Done | Failed
ToWorker = Start | Note
FromServer = Ready | Spawned | Reaped
ToServer = Spawn | Reap
AnyMessage = FromWorker | ToWorker | FromServer | ToServer

_PLAIN = {
    error.code: error
    for error in (
        *(errors.InvalidRequest, errors.UnsupportedMedia, errors.CorruptMedia, errors.NoVideoStream),
        *(errors.DecoderFailed, errors.StorageFull),
    )
}
_LONGEST = 2000  # characters of a message


def failure_of(error: BaseException) -> Failed:
    """The message that reports ``error``."""
    text = str(error)[:_LONGEST]
    if isinstance(error, errors.TooLarge):
        return Failed(text, error.code, error.limit, error.bound)
    if isinstance(error, errors.InvalidOption):
        return Failed(text, error.code, error.name)
    if isinstance(error, errors.MienError) and error.code in _PLAIN:
        return Failed(text, error.code)
    if isinstance(error, MemoryError):
        return Failed(errors.DecoderFailed.NO_MEMORY)
    if isinstance(error, OSError) and error.errno:
        return Failed(text, errno=error.errno)
    return Failed(errors.DecoderFailed.CRASHED, unexpected=f"{type(error).__name__}: {text}")


def error_of(failed: Failed) -> Exception:
    """The exception that ``failed`` reports."""
    if failed.errno:
        return OSError(failed.errno, failed.message)
    if failed.code == errors.TooLarge.code:
        return errors.TooLarge(failed.name, failed.bound, failed.message)
    if failed.code == errors.InvalidOption.code:
        return errors.InvalidOption(failed.name, failed.message)
    return _PLAIN.get(failed.code, errors.DecoderFailed)(failed.message)

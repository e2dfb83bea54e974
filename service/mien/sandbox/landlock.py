"""Landlock (Linux 5.13 and later): a process gives up every right to open files and sockets of its own.

Straight system calls: the C library has no functions for them. Structures and numbers are those of linux/landlock.h.
"""

import ctypes
import os

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on every architecture
_VERSION_FLAG = 1
# Access rights by the version of the interface that introduced them.
_FILE_RIGHTS = ((1, 13), (2, 1), (3, 1), (5, 1))
_TCP, _TCP_SINCE = 0b11, 4  # bind and connect
_SCOPES, _SCOPES_SINCE = 0b11, 6  # abstract sockets and signals to processes outside


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def version() -> int:
    """The version of the interface; 0 where the kernel has none."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def deny_everything() -> bool:
    """Whether this thread, and those that it starts, have from now on no right to a file or a TCP port.

    Open descriptors stay usable. To be called after ``PR_SET_NO_NEW_PRIVS``.
    """
    known = version()
    if not known:
        return False
    rights = sum(count for since, count in _FILE_RIGHTS if since <= known)
    rules = _Ruleset((1 << rights) - 1, _TCP if known >= _TCP_SINCE else 0, _SCOPES if known >= _SCOPES_SINCE else 0)
    size = 8 if known < _TCP_SINCE else 16 if known < _SCOPES_SINCE else 24
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        return _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _syscall(number: int, *arguments: object) -> int:
    values = [ctypes.c_size_t(value) if isinstance(value, int) else value for value in arguments]
    return int(ctypes.CDLL(None).syscall(ctypes.c_long(number), *values))

"""What a decoder process gives up before it reads a byte from outside."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

from mien.sandbox import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_GET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 21, 38
_DESCRIPTORS = 64
_OOM_FIRST = "1000"  # the kernel's highest score: under memory pressure a decoder dies before the service


def lacking() -> tuple[str, ...]:
    """The kinds of confinement that this machine does not have."""
    kernel_has_seccomp = _prctl(_PR_GET_SECCOMP) >= 0
    return (
        *(() if landlock.version() else ("landlock",)),
        *(() if kernel_has_seccomp and seccomp.library() is not None else ("seccomp",)),
    )


def die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent``, which forked it, ends; if it has ended already, end now."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine() -> None:
    """No core dumps, few descriptors, no new privileges, no file, no network, no program, no other process.

    What the kernel lacks is left out: ``lacking`` names it.
    """
    with suppress(OSError):  # no /proc
        Path("/proc/self/oom_score_adj").write_text(_OOM_FIRST)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    landlock.deny_everything()
    seccomp.allow_decoding_only()


def _prctl(option: int, value: int = 0) -> int:
    zero = ctypes.c_ulong(0)
    return int(ctypes.CDLL(None).prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))

"""Seccomp: the system calls that a decoder needs, by libseccomp, which knows their numbers on every architecture."""

import ctypes
import errno
import os

# What decoding takes: memory, threads, the descriptors that are open, clocks. No call that opens, connects, starts a
# program, changes limits or touches another process.
_ALLOWED = (
    *("read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "lseek", "fstat", "ftruncate", "fsync"),
    *("close", "dup", "fcntl", "poll", "ppoll", "recvmsg", "recvfrom", "sendmsg", "sendto"),
    *("mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "membarrier"),
    *("futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "sched_yield", "sched_getaffinity"),
    *("sched_getparam", "sched_getscheduler", "set_tid_address", "exit", "exit_group", "restart_syscall"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "getpid", "gettid", "getrusage"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom"),
    *("uname", "sysinfo"),
)
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7
_CLONE_THREAD = 0x10000
_PR_SET_NAME = 15
_AT_EMPTY_PATH = 0x1000


class _Comparison(ctypes.Structure):
    _fields_ = (("argument", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def library() -> ctypes.CDLL | None:
    """libseccomp; ``None`` where it is not installed."""
    try:
        found = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    found.seccomp_init.restype = ctypes.c_void_p
    found.seccomp_init.argtypes = (ctypes.c_uint32,)
    found.seccomp_release.argtypes = found.seccomp_load.argtypes = (ctypes.c_void_p,)
    found.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Comparison),
    )
    return found


def allow_decoding_only() -> bool:
    """Whether every system call but those of a decoder fails from now on, with ``EPERM``.

    To be called after ``PR_SET_NO_NEW_PRIVS``, with one thread.
    """
    lib = library()
    if lib is None:
        return False
    rules = lib.seccomp_init(_ERRNO | errno.EPERM)
    if not rules:
        return False

    def add(action: int, name: str, *comparisons: _Comparison) -> int:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return 0  # this architecture has no such call
        array = (_Comparison * max(1, len(comparisons)))(*comparisons)
        return int(lib.seccomp_rule_add_array(rules, action, number, len(comparisons), array))

    try:
        results = [add(_ALLOW, name) for name in _ALLOWED]
        # The C library starts threads with clone3, whose flags no filter can see, and without it with clone.
        results.append(add(_ERRNO | errno.ENOSYS, "clone3"))
        results.append(add(_ALLOW, "clone", _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, _CLONE_THREAD)))
        # What newer C libraries make of fstat(). It tells at most a file's size and times.
        results.append(add(_ALLOW, "newfstatat", _Comparison(3, _MASKED_EQUAL, _AT_EMPTY_PATH, _AT_EMPTY_PATH)))
        results.append(add(_ALLOW, "prctl", _Comparison(0, _EQUAL, _PR_SET_NAME, 0)))
        results.append(add(_ALLOW, "tgkill", _Comparison(0, _EQUAL, os.getpid(), 0)))  # abort()
        return not any(results) and lib.seccomp_load(rules) == 0
    finally:
        lib.seccomp_release(rules)

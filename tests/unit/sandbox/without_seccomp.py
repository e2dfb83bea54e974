"""As ``misbehaviour``, on a system without libseccomp."""

from collections.abc import Mapping

from mien.sandbox import seccomp
from mien.sandbox.worker import Handler
from tests.unit.sandbox import misbehaviour


def handlers() -> Mapping[str, Handler]:
    seccomp.library = lambda: None
    return misbehaviour.handlers()

"""Which threads the system runs first when there are more than cores."""

import os
import sys
import threading

_NICENESS = 5  # a third of the usual share of a core while others want it, all of it otherwise
_MOST = 19


def yield_to_event_loop() -> None:
    """Let the event loop go before this thread, which computes, whenever both want a core.

    Without it the loop gets one thread's share among many: it falls behind under load, and with it health probes,
    refusals and the requests that the workers wait for. Only Linux has a niceness per thread.
    """
    if sys.platform == "linux":
        # Relative to the process's own; the system allows nothing less than a thread has already.
        niceness = min(_MOST, os.getpriority(os.PRIO_PROCESS, os.getpid()) + _NICENESS)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)

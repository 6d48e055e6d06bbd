"""A small program that outlives ``toyhub up`` by seconds: it ends what a killed supervisor left behind.

It reads ``+<pid>`` and ``-<pid>`` lines. When its input closes, whatever is still on the list gets SIGTERM, and after
a while SIGKILL with its process group. A pipe closes however its writer dies, on every Unix, and asks nothing of the
programs; Linux's parent-death signal is cleared by programs that change their user, as Mosquitto does.

Run as a file with ``python -I -S``: it imports nothing of this project.
"""

import contextlib
import os
import signal
import sys
import time

_DRAIN_S = 8.0


def main() -> None:
    """Read until the input closes, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left: set[int] = set()
    for line in sys.stdin:
        (left.add if line.startswith("+") else left.discard)(int(line[1:]))
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DRAIN_S
    while any(map(_alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # each is the leader of its own group


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()

"""A small program that outlives ``toyhub up`` by seconds: it ends what a killed supervisor left behind.

It reads ``+<rank> <pid>`` and ``-<rank> <pid>`` lines. When its input closes, whatever is still on the list gets
SIGTERM, the highest rank first, and SIGKILL with its process group if it does not go. A pipe closes however its writer
dies, on every Unix, and asks nothing of the programs; Linux's parent-death signal is cleared by programs that change
their user, as Mosquitto does.

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
    left: set[tuple[int, int]] = set()
    for line in sys.stdin:
        rank, pid = map(int, line[1:].split())
        (left.add if line.startswith("+") else left.discard)((rank, pid))
    for rank in sorted({rank for rank, _ in left}, reverse=True):
        _end([pid for its_rank, pid in left if its_rank == rank])


def _end(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DRAIN_S
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # each is the leader of its own group


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs more than all of this file
            return file.read().rpartition(")")[2].split()[0] != "Z"  # dead, and process 1 has not noticed yet
    except OSError:
        return True  # no /proc here


if __name__ == "__main__":
    main()

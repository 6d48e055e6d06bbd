"""Which replica takes a job of an ``affine`` stage: rendezvous hashing over the replicas that are present.

Every replica computes the same answer from the same retained presence, nobody has to be asked, and a join or a leave
moves only the devices it must.
"""

import hashlib
from collections.abc import Iterable


def owner(device: str, replicas: Iterable[str]) -> str | None:
    """The replica that serves ``device``; None when there is none."""
    return max(replicas, key=lambda replica: _weight(device, replica), default=None)


def _weight(device: str, replica: str) -> bytes:
    return hashlib.blake2b(f"{device}\0{replica}".encode(), digest_size=8).digest()

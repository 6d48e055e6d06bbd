"""The registry of toys: who is known, what each can do, how often each may speak up. In memory; the store keeps it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from hub.messages import Config, Hello
from hub.session.turn import Profile
from hub.settings import LimitSettings

_TURN_EPOCH_S = 1_514_764_800  # 2018: ten digits until 2052, so that turn ids sort as text too
_TURNS_PER_S = 4
_DEFAULT_VOLUME = 60

Way = Literal["toy", "person"]


@dataclass
class Bucket:
    """A token bucket: ``rate`` a second, ``burst`` at once."""

    rate: float
    burst: float
    tokens: float
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more is allowed at ``now`` (seconds)."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Device:
    """One toy as the hub knows it."""

    id: str
    buckets: dict[Way, Bucket]
    profile: Profile = field(default_factory=Profile)
    online: bool = False
    introduced: bool = False
    """Whether it has said hello since the hub started."""
    volume: int = _DEFAULT_VOLUME
    volume_cap: int = 100
    last_turn: int = 0

    def new_turn(self, unix_s: float) -> int:
        """A turn id: later ones are larger, 32 bits."""
        by_clock = int((unix_s - _TURN_EPOCH_S) * _TURNS_PER_S)
        self.last_turn = max(self.last_turn + 1, by_clock) % 2**32
        return self.last_turn

    def introduce(self, hello: Hello) -> None:
        """Take over what the toy says of itself."""
        self.introduced = True
        self.profile.output = hello.output()
        self.profile.buffer_ms, self.profile.max_packet = hello.buffer_ms, hello.max_packet

    def config(self, language: str) -> Config:
        """What the toy should know, with the present time."""
        now = time.time()
        offset = time.localtime(now).tm_gmtoff // 60
        return Config(
            device=self.id, volume=min(self.volume, self.volume_cap), volume_cap=self.volume_cap, locale=language,
            time_ms=int(now * 1000), utc_offset_min=offset,
        )  # fmt: skip


class Registry:
    """All toys.

    Args:
        limits: how many, how often, and whether strangers may come.
        clock: seconds, for the rate limits.
    """

    def __init__(self, limits: LimitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._devices: dict[str, Device] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def known(self) -> list[Device]:
        """Every toy."""
        return list(self._devices.values())

    def get(self, device: str) -> Device | None:
        """A toy that is known."""
        return self._devices.get(device)

    def add(self, device: str) -> Device:
        """Know a toy from now on."""
        if (known := self._devices.get(device)) is not None:
            return known
        limits, now = self._limits, self._clock()
        buckets: dict[Way, Bucket] = {
            way: Bucket(limits.events_per_s, limits.burst, limits.burst, now) for way in ("toy", "person")
        }
        added = self._devices[device] = Device(device, buckets)
        return added

    def refusal(self, device: str, way: Way | None) -> str | None:
        """Why a message about this device is not taken, as one word to count by; None: it is.

        Args:
            device: whose topic it is on.
            way: who said it, each with a limit of their own; None: not limited.
        """
        known = self._devices.get(device)
        if known is None:
            if not self._limits.open:
                return "unknown-device"
            if len(self._devices) >= self._limits.devices or device.startswith("_"):
                return "too-many-devices" if not device.startswith("_") else "reserved-device"
            return None
        return None if way is None or known.buckets[way].take(self._clock()) else "too-fast"

"""The registry: turn ids, rate limits, who is let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.messages import AudioFormat, Hello
from hub.session.devices import Bucket, Device, Registry
from hub.settings import LimitSettings

NOW_UNIX = 1_790_000_000.0  # 2026


def device() -> Device:
    return Device("bear", {"toy": Bucket(1, 1, 1), "person": Bucket(1, 1, 1)})


class TestTurnIds:
    @given(st.lists(st.floats(-5, 5), min_size=1, max_size=50))
    def test_grow_whatever_the_clock_does_and_fit_into_32_bits(self, steps: list[float]) -> None:
        bear, now, ids = device(), NOW_UNIX, list[int]()
        for step in steps:
            now += step
            ids.append(bear.new_turn(now))
        assert ids == sorted(set(ids))
        assert ids[-1] < 2**32

    def test_sort_as_text_too(self) -> None:
        bear = device()
        years = [bear.new_turn(NOW_UNIX + year * 365 * 86_400) for year in range(25)]
        assert sorted(map(str, years)) == [str(turn) for turn in years]

    def test_a_hub_that_was_started_again_goes_on_above_the_old_ones(self) -> None:
        before = device()
        old = [before.new_turn(NOW_UNIX + n) for n in range(10)]
        assert device().new_turn(NOW_UNIX + 10) > old[-1]

    def test_a_clock_that_was_never_set_gives_ids_too(self) -> None:
        bear = device()
        ids = [bear.new_turn(seconds) for seconds in (0.0, 1.0, NOW_UNIX)]
        assert ids == sorted(set(ids))
        assert ids[0] > 0


class TestBucket:
    def test_lets_a_burst_through_and_then_so_many_a_second(self) -> None:
        bucket = Bucket(rate=2, burst=5, tokens=5, at=100.0)
        assert [bucket.take(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
        assert [bucket.take(101.0) for _ in range(3)] == [True, True, False]
        assert bucket.take(101.5)

    def test_saves_no_more_than_a_burst(self) -> None:
        bucket = Bucket(rate=2, burst=5, tokens=5, at=100.0)
        assert sum(bucket.take(9999.0) for _ in range(50)) == 5

    @given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.1, 20), st.integers(1, 30))
    def test_never_lets_more_through_than_its_rate(self, gaps: list[float], rate: float, burst: int) -> None:
        bucket = Bucket(rate, burst, burst, 0.0)
        now = 0.0
        taken = 0
        for gap in gaps:
            now += gap
            taken += bucket.take(now)
            assert taken <= burst + now * rate + 1e-6


class TestRefusals:
    def registry(self, **limits: object) -> tuple[Registry, list[float]]:
        now = [50.0]
        return Registry(LimitSettings.model_validate(limits), clock=lambda: now[0]), now

    def test_a_stranger_may_come_when_the_house_is_open(self) -> None:
        assert self.registry()[0].refusal("bear", "toy") is None
        assert self.registry(open=False)[0].refusal("bear", "toy") == "unknown-device"

    def test_nobody_may_be_one_of_our_own(self) -> None:
        assert self.registry()[0].refusal("_sounds", "toy") == "reserved-device"

    def test_the_house_is_full_at_some_time(self) -> None:
        registry, _ = self.registry(devices=2)
        registry.add("bear")
        registry.add("duck")
        assert registry.refusal("fox", "toy") == "too-many-devices"
        assert registry.refusal("bear", "toy") is None

    def test_who_is_too_fast_is_heard_again_later(self) -> None:
        registry, now = self.registry(events_per_s=2, burst=3)
        registry.add("bear")
        assert [registry.refusal("bear", "toy") for _ in range(4)] == [None, None, None, "too-fast"]
        now[0] += 1.0
        assert [registry.refusal("bear", "toy") for _ in range(3)] == [None, None, "too-fast"]

    def test_one_toy_does_not_use_up_what_another_may(self) -> None:
        registry, _ = self.registry(burst=1)
        registry.add("bear")
        registry.add("duck")
        assert [registry.refusal(name, "toy") for name in ("bear", "bear", "duck")] == [None, "too-fast", None]


class TestRegistry:
    def test_a_toy_is_known_once(self) -> None:
        registry = Registry(LimitSettings())
        bear = registry.add("bear")
        assert registry.add("bear") is bear
        assert registry.get("bear") is bear
        assert registry.get("duck") is None
        assert (len(registry), registry.known()) == (1, [bear])

    def test_a_hello_is_taken_over(self) -> None:
        bear = device()
        assert not bear.introduced
        bear.introduce(Hello(device="bear", codecs=["pcm16"], rate=24000, frame_ms=20, buffer_ms=300, max_packet=512))
        assert bear.introduced
        assert bear.profile.output == AudioFormat(codec="pcm16", rate=24000, frame_ms=20)
        assert (bear.profile.buffer_ms, bear.profile.max_packet) == (300, 512)

    @pytest.mark.parametrize(("volume", "cap", "told"), [(60, 100, 60), (90, 50, 50)])
    def test_a_toy_is_never_told_more_than_its_cap(self, volume: int, cap: int, told: int) -> None:
        bear = device()
        bear.volume, bear.volume_cap = volume, cap
        config = bear.config("en")
        assert (config.volume, config.volume_cap, config.locale) == (told, cap, "en")
        assert config.time_ms > 0

from concurrent.futures import ThreadPoolExecutor

from workers.tts.cache import Cache


def test_keeps_and_gives() -> None:
    cache = Cache(10_000)
    assert cache.get("a") is None
    cache.put("a", [b"1", b"2"])
    assert cache.get("a") == [b"1", b"2"]


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    cache = Cache(3 * 1200)
    for key in "abc":
        cache.put(key, [b"x" * 1000])
    cache.get("a")
    cache.put("d", [b"x" * 1000])
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]


def test_bytes_are_counted_right() -> None:
    cache = Cache(5000)
    for _ in range(100):
        cache.put("a", [b"x" * 1000])  # the same again takes no more room
    cache.put("b", [b"x" * 1000])
    assert cache.get("a")
    cache.put("huge", [b"x" * 6000])
    assert cache.get("huge") is None
    assert cache.get("b")


def test_a_caller_cannot_change_what_is_kept() -> None:
    cache = Cache(5000)
    frames = [b"1"]
    cache.put("a", frames)
    frames.append(b"2")
    (cache.get("a") or []).append(b"3")
    assert cache.get("a") == [b"1"]


def test_from_several_threads() -> None:
    cache = Cache(50_000)

    def work(seed: int) -> None:
        for n in range(2000):
            cache.put((seed * n) % 97, [b"x" * (n % 900)])
            cache.get(n % 97)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(1, 5)))
    assert 0 <= cache._bytes <= 50_000
    assert cache._bytes == sum(200 + sum(map(len, entry)) for entry in cache._entries.values())

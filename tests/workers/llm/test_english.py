from datetime import datetime

import pytest

from workers.llm.english import day_of_year, in_words, number, time_of_day, turned_round


@pytest.mark.parametrize(
    ("said", "turned"),
    [
        ("my dog is called Max", "your dog is called Max"),
        ("I am five", "you are five"),
        ("i'm scared of the dark", "you're scared of the dark"),
        ("I’ve got a cat", "you've got a cat"),
        ("we have a cat and it is mine", "you have a cat and it is yours"),
        ("you are my best friend", "I am your best friend"),
        ("i love you", "you love me"),
        ("mum gave me your ball", "mum gave you my ball"),
        ("I was sad and you were nice", "you were sad and I was nice"),
        ("my brother was ill", "your brother was ill"),
        ("you told me a joke", "I told you a joke"),
        ("are you my bear", "am I your bear"),
        ("the mine is deep under Miami", "the yours is deep under Miami"),
        ("apples", "apples"),
        ("", ""),
    ],
)
def test_turned_round(said: str, turned: str) -> None:
    assert turned_round(said) == turned


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("00:00", "midnight"),
        ("00:05", "five past twelve at night"),
        ("01:01", "one minute past one at night"),
        ("07:30", "half past seven in the morning"),
        ("11:45", "a quarter to twelve in the morning"),
        ("12:00", "twelve o'clock, the middle of the day"),
        ("12:15", "a quarter past twelve in the afternoon"),
        ("15:40", "twenty to four in the afternoon"),
        ("16:00", "four o'clock in the afternoon"),
        ("18:59", "one minute to seven in the evening"),
        ("23:37", "twenty-three minutes to twelve at night"),
    ],
)
def test_time_of_day(clock: str, words: str) -> None:
    assert time_of_day(datetime.fromisoformat(f"2026-03-02T{clock}:00+01:00")) == words


def test_every_minute_has_words_of_its_own() -> None:
    day = [datetime.fromisoformat(f"2026-03-02T{m // 60:02}:{m % 60:02}:00+00:00") for m in range(24 * 60)]
    assert len({time_of_day(minute) for minute in day}) == len(day)


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2026-03-03", "Tuesday, the third of March"),
        ("2026-12-31", "Thursday, the thirty-first of December"),
        ("2024-02-29", "Thursday, the twenty-ninth of February"),
    ],
)
def test_day_of_year(date: str, words: str) -> None:
    assert day_of_year(datetime.fromisoformat(f"{date}T10:00:00+00:00")) == words


def test_numbers() -> None:
    assert [number(n) for n in (0, 12, 20, 21, 99, 100, 101, -1)] == [
        "zero", "twelve", "twenty", "twenty-one", "ninety-nine", "one hundred", "101", "-1",
    ]  # fmt: skip


def test_words_to_compare_by() -> None:
    assert in_words("It's a Towel, and 21 eggs!") == ["it's", "towel", "and", "twenty", "one", "eggs"]

"""What code must know about English: numbers and times as words, and a child's sentence from the toy's side.

A second language is a second file like this one.
"""

import re
from datetime import datetime

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "- first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
    "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = (
    "- January February March April May June July August September October November December"
).split()  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_OTHER_SIDE = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are",
    "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll",
    "we": "you", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
    "we're": "you're", "we've": "you've", "we'd": "you'd", "we'll": "you'll",
    "your": "my", "yours": "mine", "yourself": "myself",
    "you're": "I'm", "you've": "I've", "you'd": "I'd", "you'll": "I'll",
}  # fmt: skip
_AFTER_SUBJECT = frozenset(
    "are were have had can could will would do did don't didn't can't like love know live want sing tell play".split()
)


def number(value: int) -> str:
    """0 to 100 as words; anything else as digits."""
    if 0 <= value < 20:
        return _ONES[value]
    if 20 <= value < 100:
        tens, ones = divmod(value, 10)
        return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]
    return "one hundred" if value == 100 else str(value)


def time_of_day(now: datetime) -> str:
    """Such as ``twenty to four in the afternoon``."""
    hour, minute = now.hour, now.minute
    if (hour, minute) in ((0, 0), (12, 0)):
        return "midnight" if hour == 0 else "twelve o'clock, the middle of the day"
    part = _part_of_day(hour)
    if minute == 0:
        return f"{_hour(hour)} o'clock {part}"
    if minute == 30:
        return f"half past {_hour(hour)} {part}"
    if minute < 30:
        return f"{_minutes(minute)} past {_hour(hour)} {part}"
    return f"{_minutes(60 - minute)} to {_hour(hour + 1)} {part}"


def day_of_year(now: datetime) -> str:
    """Such as ``Monday, the third of March``."""
    return f"{_DAYS[now.weekday()]}, the {_ORDINALS[now.day]} of {_MONTHS[now.month]}"


def _hour(hour: int) -> str:
    return number((hour - 1) % 12 + 1)


def _minutes(count: int) -> str:
    if count == 15:
        return "a quarter"
    if count % 5 == 0:
        return number(count)
    return f"{number(count)} minute{'' if count == 1 else 's'}"


def _part_of_day(hour: int) -> str:
    if 5 <= hour < 12:
        return "in the morning"
    if 12 <= hour < 18:
        return "in the afternoon"
    return "in the evening" if 18 <= hour < 22 else "at night"


def turned_round(text: str) -> str:
    """A child's words from the toy's side: ``my dog is called Max`` becomes ``your dog is called Max``."""
    words = list(_WORD.finditer(text.replace("’", "'")))
    plain = [word[0].lower() for word in words]
    out, end = "", 0
    for at, word in enumerate(words):
        before, after = plain[at - 1] if at else "", plain[at + 1] if at + 1 < len(plain) else ""
        out += text[end : word.start()] + _turned(word[0], before, after)
        end = word.end()
    return out + text[end:]


def _turned(word: str, before: str, after: str) -> str:
    plain = word.lower().replace("’", "'")
    if plain == "you":
        return "I" if not before or after in _AFTER_SUBJECT or before in ("are", "were") else "me"
    if plain == "are" and "you" in (before, after):
        return "am"
    if plain in ("was", "were"):
        return {"i": "were", "you": "was"}.get(before) or {"i": "were", "you": "was"}.get(after) or word
    return _OTHER_SIDE.get(plain, word)


def in_words(text: str) -> list[str]:
    """Lower-case words without articles and marks, numbers as words: what two answers are compared by."""
    words = [number(int(w)) if w.isdigit() else w for w in _WORD.findall(text.lower().replace("’", "'"))]
    parts = [part for word in words for part in word.split("-")]
    return [part for part in parts if part not in ("a", "an", "the")]

import pytest

from workers.tts.spoken import spoken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello there.", "Hello there."),
        ("**Once** upon a *time*, there was `code`.", "Once upon a time, there was code."),
        ("# Title\n- one\n* two\n> three", "Title one two three"),
        ("See [my page](https://example.org/x?y=1) now", "See my page now"),
        ("Go to https://example.org/a_b.html or www.example.org!", "Go to or"),
        ("Hi 😀🎉 you 👩‍👩‍👧!", "Hi you!"),
        ("❤️ love", "love"),
        ("a\x00b\x1b[0mc\u200bd", "a b 0mc d"),
        ("<speak>hi <break time='3s'/>there</speak>", "hi there"),
        ("1 < 2 > 0", "1 2 0"),
        ("[[h@'loU]] --help -f /etc/passwd", "h@'loU --help -f /etc/passwd"),
        ("bread & butter", "bread and butter"),
        ("sooooooo big!!!!!", "sooo big!"),
        ("snake_case and 2*3", "snake case and 23"),
        ("It’s “fine” — really", 'It\'s "fine", really'),
        ("…", ""),
        ("😀", ""),
        ("", ""),
        ("Grüße, 你好", "Grüße, 你好"),
    ],
)
def test_spoken(text: str, words: str) -> None:
    assert spoken(text) == words


def test_cleaning_twice_changes_nothing_more() -> None:
    for text in ("**a** _b_", "x — y", "a & b", "[l](m)"):
        assert spoken(spoken(text)) == spoken(text)

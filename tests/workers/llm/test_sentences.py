import pytest

from workers.llm.sentences import LONGEST, Sentences, split

CASES = {
    "two": ("Hello. How are you?", ["Hello.", "How are you?"]),
    "abbreviation": ("Dr. Bear met Mrs. Fox, e.g. at tea. No.", ["Dr. Bear met Mrs. Fox, e.g. at tea.", "No."]),
    "initial": ("J. Bear is here. So am I. You too.", ["J. Bear is here.", "So am I.", "You too."]),
    "decimal": ("It weighs 3.5 kilos. Wow!", ["It weighs 3.5 kilos.", "Wow!"]),
    "number at the end": ("You are 5. I am 7.", ["You are 5.", "I am 7."]),
    "list": ("1. Apples\n2. Pears", ["1. Apples", "2. Pears"]),
    "ellipsis goes on": ("Well... perhaps. Yes… Maybe.", ["Well... perhaps.", "Yes…", "Maybe."]),
    "speech": ('"Stop!" said the bear. "Why?" The fox ran.', ['"Stop!" said the bear.', '"Why?"', "The fox ran."]),
    "missing space": ("Hello.My name is Bear!And yours?", ["Hello.", "My name is Bear!", "And yours?"]),
    "no missing space": ("The U.S. flag. See bear.com now.", ["The U.S. flag.", "See bear.com now."]),
    "marks in a row": ("What?! Really!!! Yes.", ["What?!", "Really!!!", "Yes."]),
    "lines": ("One line\n\nanother line", ["One line", "another line"]),
    "small letters": ("hello. i am bear. bye", ["hello.", "i am bear.", "bye"]),
    "nothing to say": (" ... \n — !", []),
    "empty": ("", []),
    "wide marks": ("你好。再见！", ["你好。", "再见！"]),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_the_same_sentences_however_the_text_is_cut_into_pieces(text: str, expected: list[str], size: int) -> None:
    assert list(split(text[at : at + size] for at in range(0, len(text), size))) == expected


def test_a_sentence_is_out_with_the_first_letter_of_the_next() -> None:
    sentences = Sentences()
    assert [list(sentences.feed(piece)) for piece in ("Hel", "lo.", " I", " am", " here.")] == [
        [],
        [],
        ["Hello."],
        [],
        [],
    ]
    assert list(sentences.flush()) == ["I am here."]
    assert list(sentences.flush()) == []


@pytest.mark.parametrize("text", ["a" * 1000, "word " * 200, "some words, " * 100, "one two " * 40 + ". Three"])
def test_a_long_run_is_cut(text: str) -> None:
    sentences = list(split([text]))
    assert all(0 < len(sentence) <= LONGEST for sentence in sentences)
    assert "".join(sentences).replace(" ", "") == text.replace(" ", "")


def test_a_long_run_is_cut_at_a_clause() -> None:
    first, *_ = split(["once there was a bear, " * 20])
    assert first.endswith("a bear,")
    assert len(first) > LONGEST / 2


def test_a_long_run_does_not_wait_for_its_end() -> None:
    assert list(Sentences().feed("some words, " * 40))

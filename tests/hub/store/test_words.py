import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.store import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("do you know what my dog is called", ["dog"]),
        ("What's my dog's name?", ["dog"]),
        ("what is my name", ["name"]),
        ("DOG dog Dog", ["dog"]),
        ("do you know me", []),
        ("", []),
        ('"*" 🐶 NEAR( ) -', ["near"]),
        ("Bär_Ölè", ["bär", "ölè"]),
        (" ".join(f"word{n}" for n in range(99)), [f"word{n}" for n in range(16)]),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert words.terms(text) == expected


@given(st.text())
def test_a_query_is_made_of_quoted_words_only(text: str) -> None:
    for word in words.terms(text):
        assert word.isalnum()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("my favourite colour is blue", "My favorite color is RED!"),
        ("my favourite food is pizza", "my favourite food is now noodles"),
        ("my dog is called max", "my dog is called bella"),
        ("my dog's name is max", "my dog is called bella"),
        ("my dogs name is max", "my dogs name is bella"),
        ("my best friend is tom", "my best friend is ben"),
        ("i am five", "I'm 6 years old"),
        ("my birthday is in may", "my birthday is on the third of june"),
        ("i live in a house", "i live in a flat"),
        ("my name is mia", "i am called emma"),
        ("that i like apples", "I like apples."),
    ],
)
def test_the_same_subject(first: str, second: str) -> None:
    assert words.subject(first) == words.subject(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("my dog is brown", "my dog is old"),
        ("my dog is called max", "my cat is called max"),
        ("my dog is called max", "my dog is brown"),
        ("i like apples", "i like bananas"),
        ("my favourite colour is blue", "my favourite food is blue cheese"),
        ("i am five", "i am hungry"),
        ("my brother is five", "my brother is nice"),
    ],
)
def test_another_subject(first: str, second: str) -> None:
    assert words.subject(first) != words.subject(second)

import math

import pytest

from docextract.grounding.surer import hesitated, spaced_like


def odds(text: str, unsure: str) -> list[float]:
    """Log-probabilities of a quoted text of which some letters, marked by ?, were doubtful."""
    return [math.log(0.6 if mark == "?" else 0.999) for mark in f" {unsure:<{len(text)}} "]


@pytest.mark.parametrize(
    ("text", "unsure", "letters"),
    [
        ("HASTER", "?     ", "master"),
        ("PAEAR MINI", "  ?       ", "pasarmini"),
        ("ALAT SDN", "   ?    ", "alafsdn"),
        ("LIAN", " ?  ", "lan"),
        ("RENGIL", "     ?", "rengit"),
    ],
)
def test_a_reader_that_hesitated_gives_way(text: str, unsure: str, letters: str) -> None:
    assert hesitated(text, odds(text, unsure), letters)


@pytest.mark.parametrize(
    ("text", "unsure", "letters"),
    [
        ("SDN BHD", "       ", "sonbihd"),
        ("HASTER", " ?    ", "master"),  # of another letter
        ("HASTER X", "?       ", "mastery"),  # of one of two
    ],
)
def test_one_that_was_sure_does_not(text: str, unsure: str, letters: str) -> None:
    assert not hesitated(text, odds(text, unsure), letters)


def test_where_tokens_are_no_letters_the_least_sure_one_counts() -> None:
    assert hesitated("HASTER", [-0.001, -0.9], "master")
    assert not hesitated("HASTER", [-0.001, -0.002], "master")
    assert not hesitated("HASTER", [], "master")


@pytest.mark.parametrize(
    ("text", "letters", "spaced"),
    [
        ("BOOK TA K SON BHD", "BOOKTAKSDNBHD", "BOOK TA K SDN BHD"),
        ("HOME HASTER", "HOMEMASTER", "HOME MASTER"),
        ("ONE TWO", "ONE TW O", "ONE TWO"),
        ("RENGIL SDN", "RENGITT SDN", "RENGITT SDN"),
        ("SINGLE", "SINGIE", "SINGIE"),
    ],
)
def test_recognised_letters_get_the_blanks_of_the_model(
    text: str, letters: str, spaced: str
) -> None:
    assert spaced_like(text, letters) == spaced

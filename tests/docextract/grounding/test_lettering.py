import numpy as np
import pytest

from docextract.grounding.lettering import Lettering, fold, trimmed
from docextract.pages import Page, Word


def page(*lines: str, seen: bool = True) -> Page:
    """Ten points a letter and twenty a line; two blanks are ten letters wide."""
    words = []
    for row, line in enumerate(lines):
        left = 0
        for piece in line.split("  "):
            for text in piece.split():
                box = (left, 20 * row, left + 10 * len(text), 20 * row + 12)
                words.append(Word(text, box, seen))
                left += 10 * len(text) + 5
            left += 100
    size = (1000.0, 1000.0)
    return Page(
        number=1,
        pixels=np.zeros((28, 28, 3), np.uint8),
        size=size,
        cut=(0, 0, *size),
        words=tuple(words),
        unit="point",
        blank=False,
        pictured=0.0,
    )


def found(text: str, *lines: str, most: int = 0) -> list[str]:
    return [span.text for span in Lettering(page(*lines)).find(text, most)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DE12 1234", "de121234"),
        ("1.000,00", "1.000.00"),
        ("Müller & Co.", "müller co"),
        ("(45.00)", "45.00"),
        ("TX-471102", "TX471102"),
        ("€ 90,00", "90.00"),
    ],
)
def test_what_counts_the_same_is_folded_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("18.08", "1808"), ("-5.00", "5.00"), ("a1", "a2")])
def test_what_does_not_is_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_a_value_is_found_with_its_box() -> None:
    [span] = Lettering(page("Total  18,08")).find("18,08", 0)
    assert (span.text, span.page) == ("18,08", 1)
    assert span.box == pytest.approx((155, 0, 205, 12))


def test_a_value_is_made_of_whole_words() -> None:
    assert found("9.90", "19.90 9.905") == []
    assert found("9.90", "(9.90),") == ["(9.90)"]


@pytest.mark.parametrize("word", ["IBAN:DE12", "Nr.4711", "€90.00", "RM90.00", "No.#77"])
def test_a_label_against_its_value_is_split_off(word: str) -> None:
    value = word.lstrip("IBANRoMr:.#€")
    [span] = Lettering(page(word)).find(value, 0)
    assert span.text == value
    assert span.box[0] > 0


def test_a_time_is_not_split() -> None:
    assert found("10:35", "10:35") == ["10:35"]
    assert found("35", "10:35") == []


def test_a_value_may_have_several_words_and_signs() -> None:
    assert found("Smith & Co. KG", "Smith & Co. KG,") == ["Smith & Co. KG"]
    assert found("DE1212344321", "DE12 1234 4321") == ["DE12 1234 4321"]


def test_a_value_may_go_on_in_the_next_line_of_its_column() -> None:
    lines = "3 Foundry Lane  Invoice 4711", "Leeds LS11 5QT  Date 1.2.2024"
    assert found("3 Foundry Lane, Leeds LS11 5QT", *lines) == ["3 Foundry Lane Leeds LS11 5QT"]


def test_nearby_letters_are_found_where_none_are_the_same() -> None:
    assert found("Taduntermehmen", "Taxiunternehmen TX", most=3) == ["Taxiunternehmen"]
    assert found("Taduntermehmen", "Taxiunternehmen TX", most=2) == []
    assert found("471102", "471102 471108", most=1) == ["471102"]


def test_words_of_the_other_kind_are_not_there() -> None:
    hidden = page("9.99", seen=False)
    assert Lettering(hidden).find("9.99", 0) == []
    assert len(Lettering(hidden, visible=False).find("9.99", 0)) == 1


def test_a_sign_is_found_in_a_word() -> None:
    assert found("€", "90.00 €") == ["€"]


def test_the_words_beside_and_above_a_value() -> None:
    lettering = Lettering(page("Qty  Amount", "Date:  12.00", "Total due  EUR  18.08"))
    [span] = lettering.find("18.08", 0)
    assert lettering.beside(span) == ["EUR"]
    [date] = lettering.find("12.00", 0)
    assert lettering.beside(date) == ["Date:"]
    assert lettering.above(date) == ["Amount"]
    assert lettering.above(lettering.find("EUR", 0)[0], far=True) == ["Amount"]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("[389]", "389"),
        ("12.00,", "12.00"),
        ("12.00.", "12.00"),
        ("(45.00)", "(45.00)"),
        ("-5.00", "-5.00"),
        ("(S) a", "(S) a"),
        ("A.", "A."),
    ],
)
def test_punctuation_around_a_text_is_none_of_it(text: str, bare: str) -> None:
    assert trimmed(text) == bare

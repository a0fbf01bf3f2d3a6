import re

import numpy as np
import pytest

from training.feed import Sources
from training.real.fresh import Fresh, amount, shuffled, split
from training.synthetic.words import Words


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("old", "free", "form"),
    [
        ("9.00", False, r"\d\.\d\d"),
        ("9.00", True, r"\d{1,2}\.\d\d"),
        ("RM153.35", False, r"RM\d{3}\.\d\d"),
        ("15.387,08", False, r"\d\d\.\d{3},\d\d"),
        ("-8,79", False, r"-\d,\d\d"),
        ("235,62", True, r"\d{2,3},\d\d|\d\.\d{3},\d\d"),
    ],
)
def test_amounts_keep_their_marks(
    rng: np.random.Generator, old: str, free: bool, form: str
) -> None:
    made = {amount(rng, old, free) for _ in range(60)}
    assert len(made) > 20
    assert all(re.fullmatch(form, text) for text in made), made


@pytest.mark.parametrize(
    ("old", "form"),
    [
        ("25/12/2018", r"[0-3]\d/[01]\d/20\d\d"),
        ("12-25-18", r"[01]\d-[0-3]\d-\d\d"),
        ("2018-12-05", r"20\d\d-[01]\d-[0-3]\d"),
        ("5.3.2018", r"\d{1,2}\.\d{1,2}\.20\d\d"),
    ],
)
def test_dates_keep_their_form_where_there_is_no_room(
    drawn: Sources, rng: np.random.Generator, old: str, form: str
) -> None:
    fresh = Fresh(Words(drawn.words), "my")
    made = [fresh.value(rng, "date", old, old, 1, False)[0] for _ in range(60)]
    assert all(re.fullmatch(form, text) for text in made), made


def test_names_fill_as_many_lines_in_the_page_s_capitals(
    drawn: Sources, rng: np.random.Generator
) -> None:
    fresh = Fresh(Words(drawn.words), "my")
    for _ in range(20):
        parts = fresh.value(rng, "merchant_address", "X" * 60, "JALAN", 3, True)
        assert len(parts) == 3 and all(parts) and "".join(parts) == "".join(parts).upper()


def test_codes_keep_their_pattern(rng: np.random.Generator) -> None:
    assert all(re.fullmatch(r"[A-Z]{2}-\d{3}/\d", shuffled(rng, "TX-471/1")) for _ in range(30))


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_a_text_is_split_at_its_blanks(parts: int) -> None:
    text = "NO. 12, JALAN SAGU 18, TAMAN DAYA"
    lines = split(text, parts)
    assert len(lines) == parts and all(lines) and " ".join(lines) == text

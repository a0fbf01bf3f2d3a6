import numpy as np
import pytest

from training.feed import Sources
from training.real.sorts import TypeCase
from training.real.store import Grey, Line
from training.synthetic.fonts import FontShelf
from training.synthetic.ink import Ink

LINES = ("BREAD 3.80 X 2", "TOTAL 17.49", "DATE 06-05-2018")


@pytest.fixture
def page(drawn: Sources) -> tuple[Grey, list[Line]]:
    """Three lines in one size, with the middles of their letters."""
    shelf = FontShelf(drawn.fonts)
    sans = next(face for face in shelf.faces if face.family == "Sans" and not face.bold)
    ink, face, lines = Ink(460, 150), sans.at(24), []
    for number, text in enumerate(LINES):
        y, before = 36 + 44 * number, len(ink.glyphs())
        ink.text(20, y, text, face)
        right = 20 + face.width(text)
        box = np.array([[20, y - 22], [right, y - 22], [right, y + 6], [20, y + 6]], float)
        lines.append(Line(text.replace(" ", ""), ink.glyphs()[before:, 0], box))
    return ink.pixels(40), lines


def case_of(page: tuple[Grey, list[Line]]) -> TypeCase:
    return TypeCase.of(*page, np.random.default_rng(1))


def test_a_word_set_in_cut_letters_looks_like_the_word_printed(
    page: tuple[Grey, list[Line]],
) -> None:
    strip = case_of(page).set("TOTAL", 17.0, np.random.default_rng(2))
    assert strip is not None and strip.ink.max() > 0.9
    assert "".join(chr(int(code)) for code in strip.glyphs[:, 2]) == "TOTAL"
    # An O is light in its middle and dark beside it; a T stands on one leg.
    row = strip.ink[round(strip.foot - 8)]
    x = strip.glyphs[:, 0].round().astype(int)
    assert row[x[1]] < 0.3 and row[x[1] - 11 : x[1]].max() > 0.5
    assert row[x[0] - 3 : x[0] + 4].max() > 0.5


def test_letters_that_a_page_lacks_are_replaced_in_words_alone(
    page: tuple[Grey, list[Line]],
) -> None:
    case, rng = case_of(page), np.random.default_rng(3)
    said = case.spelled("TOTAL MARKET LTD", rng)
    assert said is not None and len(said) == 16 and said.startswith("TOTAL ")
    assert set(said) <= set("".join(LINES))
    assert case.spelled("QUICK FINCH", rng) is None
    assert case.spelled("TOTAL, DATE", rng) is None  # no comma, and nothing stands for one


def test_sizes_that_are_not_there_are_not_made_up(page: tuple[Grey, list[Line]]) -> None:
    case, rng = case_of(page), np.random.default_rng(4)
    assert case.set("TOTAL", 60.0, rng) is None
    assert case.set("total", 17.0, rng) is None
    small = case.set("TOTAL", 14.0, rng)
    assert small is not None and small.width < 110


def test_a_page_of_one_grey_has_no_letters(page: tuple[Grey, list[Line]]) -> None:
    _, lines = page
    blank = np.full((150, 460), 230, np.uint8)
    case = TypeCase.of(blank, lines, np.random.default_rng(5))
    assert case.spelled("TOTAL", np.random.default_rng(6)) is None

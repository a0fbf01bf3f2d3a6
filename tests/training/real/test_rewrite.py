from pathlib import Path

import cv2
import numpy as np
import pytest

from training.feed import Sources
from training.real import Rewriter
from training.real.store import Grey, Line, Points, Printing, RealPage, Record, Span
from training.synthetic.fonts import FontShelf
from training.synthetic.ink import Ink
from training.synthetic.words import Words

TEXTS = [
    ("SEAFOOD TRADING SDN BHD", 120, 60),
    ("NO. 12, JALAN SAGU 18,", 120, 100),
    ("81100 JOHOR BAHRU", 120, 140),
    ("DATE", 60, 200),
    ("25/12/2018", 160, 200),
    ("TOTAL RM", 60, 260),
    ("19.00", 420, 260),
    ("CASH", 60, 300),
    ("19.00", 420, 300),
]
RECORD: Record = {
    "merchant_name": TEXTS[0][0],
    "merchant_address": f"{TEXTS[1][0]} {TEXTS[2][0]}",
    "date": "25/12/2018",
    "total": "19.00",
    "iban": None,
}


def whole(number: int) -> Span:
    return Span(number, 0, len(TEXTS[number][0].replace(" ", "")))


PRINTINGS: dict[str, list[Printing]] = {
    "merchant_name": [[whole(0)]],
    "merchant_address": [[whole(1), whole(2)]],
    "date": [[whole(4)]],
    "total": [[whole(6)], [whole(8)]],
}


def sheet(shelf: FontShelf, degrees: float = 0.0, paper: int = 235) -> tuple[Grey, RealPage]:
    """A receipt as drawn, turned by some degrees, and its page."""
    ink, face = Ink(560, 360), shelf.faces[0].at(20)
    turn = cv2.getRotationMatrix2D((280, 180), degrees, 1.0)
    lines = []
    for text, x, y in TEXTS:
        before = len(ink.glyphs())
        ink.text(x, y, text, face)
        centres = ink.glyphs()[before:, :2] @ turn[:, :2].T + turn[:, 2]
        right = x + face.width(text)
        corners = np.array([[x, y - 19], [right, y - 19], [right, y + 5], [x, y + 5]])
        box = corners @ turn[:, :2].T + turn[:, 2]
        lines.append(Line(text.replace(" ", ""), centres[:, 0], box))
    flat = cv2.warpAffine(ink.pixels(40), turn, (560, 360), borderValue=255)
    grain = np.random.default_rng(5).normal(0, 3, flat.shape)
    pixels = (flat * (paper / 255) + grain).clip(0, 255).astype(np.uint8)
    return pixels, RealPage(
        Path("none"), "train", "receipt", "g", lines, dict(RECORD), dict(PRINTINGS)
    )


@pytest.fixture
def shelf(drawn: Sources) -> FontShelf:
    return FontShelf(drawn.fonts)


@pytest.fixture
def rewriter(drawn: Sources, shelf: FontShelf) -> Rewriter:
    return Rewriter(shelf, Words(drawn.words))


def spelled(glyphs: Points, near: Points, reach: float = 16) -> str:
    """The letters beside a line's middle, from left to right."""
    row = glyphs[np.abs(glyphs[:, 1] - np.interp(glyphs[:, 0], near[:, 0], near[:, 1])) < reach]
    return "".join(chr(int(code)) for code in row[row[:, 0].argsort(), 2])


@pytest.mark.parametrize("degrees", [0.0, 2.0, -3.0])
def test_the_new_letters_spell_the_new_values(
    rewriter: Rewriter, shelf: FontShelf, degrees: float
) -> None:
    swapped = dict.fromkeys(RECORD, 0)
    for seed in range(12):
        pixels, page = sheet(shelf, degrees)
        new, glyphs, record = rewriter.rewritten(np.random.default_rng(seed), page, pixels)
        for key, printings in PRINTINGS.items():
            value = record[key]
            assert value is not None
            swapped[key] += value != RECORD[key]
            for spans in printings:
                text = "".join(spelled(glyphs, page.lines[span.line].centres) for span in spans)
                assert value.replace(" ", "") in text
        assert record["iban"] is None
        # Wherever a letter is said to stand, there is ink.
        soft = cv2.erode(new, np.ones((15, 9), np.uint8))
        x, y = glyphs[:, 0].round().astype(int), glyphs[:, 1].round().astype(int)
        assert np.mean(soft[y, x] < 170) > 0.97
    assert all(swapped[key] >= 5 for key in PRINTINGS), swapped


def test_what_was_wiped_is_paper(rewriter: Rewriter, shelf: FontShelf) -> None:
    for seed in range(6):
        pixels, page = sheet(shelf)
        new, glyphs, _ = rewriter.rewritten(np.random.default_rng(seed), page, pixels)
        ink = (new < 150).astype(np.uint8)
        spots = np.zeros_like(ink)
        for x, y, _code in glyphs:
            cv2.rectangle(spots, (int(x) - 13, int(y) - 14), (int(x) + 13, int(y) + 14), 1, -1)
        assert ink[spots == 0].sum() == 0
        assert abs(float(np.median(new)) - float(np.median(pixels))) < 3


def test_other_pages_stay_as_they_are(rewriter: Rewriter, shelf: FontShelf) -> None:
    pixels, page = sheet(shelf)
    faint = (255 - (255 - pixels.astype(int)) // 8).astype(np.uint8)
    crossed = pixels.copy()
    for y in range(30, 320, 4):
        crossed[y] = 0
    for kept in (faint, crossed, 255 - pixels):
        new, glyphs, record = rewriter.rewritten(np.random.default_rng(1), page, kept)
        assert np.array_equal(new, kept) and record == RECORD
        assert len(glyphs) == len(page.glyphs)


def test_the_page_given_is_not_touched(rewriter: Rewriter, shelf: FontShelf) -> None:
    pixels, page = sheet(shelf)
    before = pixels.copy()
    new, _, record = rewriter.rewritten(np.random.default_rng(2), page, pixels)
    assert np.array_equal(pixels, before) and not np.array_equal(new, before)
    assert page.record == RECORD and record != RECORD

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from docextract import recognition
from docextract.pages import Page, Word
from docextract.recognition import recognise, with_words

PAGE = Page(
    number=1,
    pixels=np.zeros((56, 112, 3), np.uint8),
    size=(300.0, 400.0),
    cut=(100.0, 200.0, 156.0, 228.0),
    words=(),
    unit="pixel",
    blank=False,
    pictured=1.0,
)


def corners(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


class Engine:
    """Answers in the form of rapidocr-onnxruntime 1.4."""

    def __init__(self, *lines: Any) -> None:
        self.lines = lines
        self.shown: list[Any] = []

    def __call__(self, pixels: Any, return_word_box: bool) -> tuple[Any, Any]:
        assert return_word_box
        self.shown.append(pixels)
        return list(self.lines) or None, None


def line(text: str, score: float = 0.9) -> list[Any]:
    boxes = [corners(10 * at, 0, 10 * at + 10, 20) for at in range(len(text))]
    return [corners(0, 0, 10 * len(text), 20), text, score, boxes, list(text), [score] * len(text)]


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Any:
    def answers(*lines: Any) -> Engine:
        engine = Engine(*lines)
        monkeypatch.setattr(recognition, "_engine", lambda: engine)
        return engine

    return answers


def test_lines_have_their_places_on_the_page(see: Any) -> None:
    see(line("T9"))
    [word] = recognise(PAGE).words
    assert word == Word("T9", (100, 200, 110, 210), letters=word.letters)
    assert word.letters == ((100, 200, 105, 210), (105, 200, 110, 210))


def test_letters_recognised_as_one_share_their_box(see: Any) -> None:
    see([corners(0, 0, 40, 20), "Total", 0.9, [corners(0, 0, 40, 20)], ["Total"], [0.9]])
    [word] = recognise(PAGE).words
    assert len(word.letters) == 5
    assert word.letters[4] == pytest.approx((116, 200, 120, 210))


def test_the_channels_come_in_opencvs_order(see: Any) -> None:
    engine = see()
    pixels = PAGE.pixels.copy()
    pixels[0, 0] = 1, 2, 3
    assert recognise(replace(PAGE, pixels=pixels)).words == ()
    assert engine.shown[0][0, 0].tolist() == [3, 2, 1]


def test_guesses_are_left_out_and_wide_marks_made_narrow(see: Any) -> None:
    see(line("（1，0）"), line("noise", score=0.2))
    assert [word.text for word in recognise(PAGE).words] == ["(1,0)"]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_boxes_are_those_of_the_page_as_it_was_filed(
    monkeypatch: pytest.MonkeyPatch, degrees: int
) -> None:
    mark = PAGE.pixels.copy()
    mark[10:20, 30:60] = 255

    def find(pixels: Any, return_word_box: bool) -> tuple[Any, Any]:
        rows, columns = np.nonzero(pixels[:, :, 0])
        around = corners(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return [[around, "x", 0.9, [around], ["x"], [0.9]]], None

    monkeypatch.setattr(recognition, "_engine", lambda: find)
    [word] = recognise(replace(PAGE, pixels=mark).upright(degrees)).words
    assert word.box == pytest.approx((115, 205, 130, 210))


def test_only_a_page_without_visible_words_is_recognised(
    see: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(line("T9"))
    seen, unseen = (Word("a", (0, 0, 1, 1), visible) for visible in (True, False))
    monkeypatch.setattr(recognition, "can_recognise", lambda: True)
    assert with_words(replace(PAGE, words=(seen,))).words == (seen,)
    assert [word.text for word in with_words(replace(PAGE, words=(unseen,))).words] == ["a", "T9"]
    monkeypatch.setattr(recognition, "can_recognise", lambda: False)
    assert with_words(PAGE) is PAGE

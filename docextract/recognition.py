"""The letters of scans, read by the optional PP-OCRv4 of rapidocr-onnxruntime (`docextract[ocr]`).

A second pair of eyes beside the model: it knows nothing of fields, but reads letters well. Its
models are inside its wheel, so that it works without a network.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from docextract.errors import DocextractError
from docextract.pages import Box, Page, Word

Points = npt.NDArray[np.float64]

_LEAST_SCORE = 0.5  # of a line, from 0 to 1
_ONE_AT_A_TIME = threading.Lock()  # the engine keeps a page's size in itself while it reads
_HALF_WIDTH = {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}


def can_recognise() -> bool:
    """Whether the package is installed."""
    return find_spec("rapidocr_onnxruntime") is not None


def with_words(page: Page) -> Page:
    """The page, with what its pixels show where nothing else can be seen of its words and where
    the package is installed."""
    if any(word.visible for word in page.words) or not can_recognise():
        return page
    return recognise(page)


def recognise(page: Page) -> Page:
    """The page with the lines that its pixels show, a box for each of their letters.

    Invisible words of a text layer stay; they are what somebody else recognised.

    Raises:
        DocextractError: the package is installed and does not load.
    """
    height, width = page.pixels.shape[:2]
    left, top, right, bottom = page.cut
    if page.turned in (90, 270):
        height, width = width, height
    across, down = (right - left) / width, (bottom - top) / height

    def in_page_units(corners: Any) -> Box:
        columns, rows = _unturned(np.asarray(corners, float), page.turned, width, height).T
        return (
            left + columns.min() * across,
            top + rows.min() * down,
            left + columns.max() * across,
            top + rows.max() * down,
        )

    with _ONE_AT_A_TIME:
        # It takes the channels in OpenCV's order.
        lines, _ = _engine()(page.pixels[:, :, ::-1].copy(), return_word_box=True)
    found = [
        Word(
            _plain("".join(pieces)), in_page_units(corners), letters=tuple(_letters(pieces, boxes))
        )
        for corners, _, score, places, pieces, *_ in lines or []
        if score >= _LEAST_SCORE
        for boxes in [[in_page_units(place) for place in places]]
    ]
    return replace(page, words=(*page.words, *found))


def _unturned(points: Points, turned: int, width: int, height: int) -> Points:
    """Where points (n, 2) stood in a picture of width x height before it was turned clockwise."""
    columns, rows = points.T
    if turned == 90:
        columns, rows = rows, height - columns
    elif turned == 180:
        columns, rows = width - columns, height - rows
    elif turned == 270:
        columns, rows = width - rows, columns
    return np.stack([columns, rows], 1)


def _plain(text: str) -> str:
    """Without the full-width forms of marks, which its models know from Chinese."""
    return "".join(_HALF_WIDTH.get(letter, letter) for letter in text)


@cache
def _engine() -> Any:
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        # It is installed, but what it needs of the system is not: OpenCV wants libGL.
        raise DocextractError(
            f"rapidocr-onnxruntime cannot be loaded: {error}",
            hint="install opencv-python-headless in place of opencv-python, or say --evidence none",
        ) from error
    return RapidOCR()


def _letters(pieces: Sequence[str], boxes: Sequence[Box]) -> Iterator[Box]:
    """The box of each letter; those that were recognised as one share theirs evenly."""
    for piece, (left, top, right, bottom) in zip(pieces, boxes, strict=True):
        step = (right - left) / len(piece)
        for number in range(len(piece)):
            yield left + number * step, top, left + (number + 1) * step, bottom

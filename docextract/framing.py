"""Which part of a page is shown to the model, at what size, and whether there is any print."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

TOKEN_SIDE = 28
"""Pixels along one side of a visual token."""

_PROBE_SIDE = 800  # probe pixels along a page's long side
_STRIP = 3  # of a longer page, a till roll, the probe keeps more
_LONGEST = 8000
_STROKE = 9  # widest stroke, in probe pixels, that still counts as ink
_CELL = 8
_RIM = 3  # probe pixels along the edges that may hold a scanner's line, too thin for letters
_SPECK = 12  # ink pixels; a letter of 10 points on A4 has about twice as many
_STRIPS = 6
_CLEARLY = 2
_DIRT = 32  # ink pixels, of less than a number's few digits
_RULE = 1.2  # probe pixels of spread across: folds, rules and staples have less, letters more
_ROUND = 1.3  # a punched hole leaves a ring that is as wide as high, a word is longer
_HOLE = 128  # ink pixels; a block of print as wide as high has more

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

PixelBox = tuple[int, int, int, int]
"""Left, top, right, bottom; right and bottom are just outside."""


def fit_size(width: float, height: float, budget: int, max_enlarge: float = 2.0) -> tuple[int, int]:
    """Size in pixels at which a page of width x height is shown to the model.

    Both sides are multiples of 28 and together hold at most `budget` tokens of 28 x 28 pixels. Of
    all such sizes it is the one that shows the smallest detail best, then the one that bends the
    aspect least. No side grows to more than `max_enlarge` times what it was, save to one token.
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"a page has a size, not {width} x {height}")
    if budget < 1:
        raise ValueError(f"a budget is at least one token, not {budget}")
    scale = min(math.sqrt(budget * TOKEN_SIDE**2 / (width * height)), max_enlarge)
    best: tuple[float, float] | None = None
    size = (1, 1)
    most_rows, most_columns = (_most(side, max_enlarge, budget) for side in (height, width))
    for rows in _around(height * scale / TOKEN_SIDE, most_rows):
        fitting = min(most_columns, budget // rows)
        ideal, unbent = width * scale / TOKEN_SIDE, rows * width / height
        for columns in _around(ideal, fitting) | _around(unbent, fitting):
            across, down = columns / width, rows / height
            rank = min(across, down), -max(across / down, down / across)
            if best is None or rank > best:
                best, size = rank, (columns, rows)
    return size[0] * TOKEN_SIDE, size[1] * TOKEN_SIDE


def _most(side: float, max_enlarge: float, budget: int) -> int:
    return max(1, min(budget, math.floor(side * max_enlarge / TOKEN_SIDE)))


def _around(value: float, most: int) -> set[int]:
    return {min(most, max(1, whole)) for whole in (math.floor(value), math.ceil(value))}


class Print(NamedTuple):
    """Where the print of a page is: the `box` around it, in pixels, the whole page if `blank`.

    `sideways`: its lines run from top to bottom, or from bottom to top.
    """

    box: PixelBox
    blank: bool
    sideways: bool


def find_print(grey: Grey) -> Print:
    """Part of a page that holds everything but blank margins, in pixels of `grey` (H, W).

    Ink is what is narrower than a stroke and differs from its surroundings, dark on light or
    light on dark: shadows, the edge of the paper and the dark border of a scan are none. Specks
    are left out; in doubt the box is too large. A page is blank whose ink is nothing but noise,
    specks, straight lines and punched holes.
    """
    height, width = grey.shape
    step = math.ceil(probe_pixel(width, height))
    ink = _ink(_shrunk(grey, step))
    inside = np.zeros_like(ink)
    inside[_RIM:-_RIM, _RIM:-_RIM] = True
    ink &= inside
    islands = list(_islands(ink))
    if not any(map(_is_print, islands)):
        return Print((0, 0, width, height), blank=True, sideways=False)
    places = np.concatenate(islands)
    top, left = places.min(0).tolist()
    bottom, right = places.max(0).tolist()
    margin = 2 * step + max(height, width) // 100
    box = (
        max(0, left * step - margin),
        max(0, top * step - margin),
        min(width, (right + 1) * step + margin),
        min(height, (bottom + 1) * step + margin),
    )
    return Print(box, blank=False, sideways=_alternation(ink.T) > _CLEARLY * _alternation(ink))


def probe_pixel(width: float, height: float) -> float:
    """How much of a page of width x height, along either side, becomes one pixel of its probe."""
    short, long = sorted((width, height))
    return max(min(long, _STRIP * short) / _PROBE_SIDE, long / _LONGEST)


def _shrunk(grey: Grey, step: int) -> Grey:
    """Means of step x step pixels; what is left over at the far edges is padded."""
    if step == 1:
        return grey
    padded = np.pad(grey, [(0, -side % step) for side in grey.shape], mode="edge")
    rows, columns = (side // step for side in padded.shape)
    blocks = padded.reshape(rows, step, columns, step)
    means: Grey = blocks.mean((1, 3), dtype=np.float32).astype(np.uint8)
    return means


def _ink(probe: Grey) -> Mask:
    """Black and white top-hats over a threshold that rises with the noise of the paper."""
    # Edge pixels are repeated outwards, so that a dark strip along the edge becomes wide and is
    # no ink, while letters that touch the edge only become longer strokes.
    padded = np.pad(probe, _STROKE, mode="edge")
    closed = _spread(_spread(padded, np.maximum), np.minimum)
    opened = _spread(_spread(padded, np.minimum), np.maximum)
    contrast = np.maximum(closed - padded, padded - opened)[_STROKE:-_STROKE, _STROKE:-_STROKE]
    ink: Mask = contrast > 12 + 2 * np.median(contrast)
    return ink


def _spread(pixels: Grey, pick: np.ufunc) -> Grey:
    """Maximum or minimum over the square of _STROKE pixels around each pixel."""
    reach = _STROKE // 2
    for _ in range(2):
        padded = np.pad(pixels, [(reach, reach), (0, 0)], mode="edge")
        height = len(pixels)
        spread = padded[:height].copy()
        for shift in range(1, _STROKE):
            pick(spread, padded[shift : shift + height], out=spread)
        pixels = spread.T
    return pixels


def _islands(ink: Mask) -> Iterator[Places]:
    """Where the ink (y, x) of each island is: cells with ink that touch, specks left out."""
    padded = np.pad(ink, [(0, -side % _CELL) for side in ink.shape])
    rows, columns = (side // _CELL for side in padded.shape)
    cells = padded.reshape(rows, _CELL, columns, _CELL).swapaxes(1, 2)
    waiting = {(int(y), int(x)) for y, x in np.argwhere(cells.any((2, 3)))}
    while waiting:
        island = [waiting.pop()]
        for y, x in island:
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & waiting
            waiting -= near
            island.extend(near)
        corners = np.array(island)
        inside = np.argwhere(cells[tuple(corners.T)])
        if len(inside) > _SPECK:
            yield corners[inside[:, 0]] * _CELL + inside[:, 1:]


def _alternation(ink: Mask) -> float:
    """How sharply rows with ink and rows without take turns.

    Looked at in strips, so that lines that are not quite level do not blur.
    """
    strips = np.array_split(ink, _STRIPS, axis=1)
    profiles = [strip.mean(1) for strip in strips if strip.any()]
    return float(sum(np.square(np.diff(p)).sum() / p.mean() for p in profiles))


def _is_print(island: Places) -> bool:
    """Whether letters may be in it, to judge by its amount of ink and its shape."""
    if len(island) <= _DIRT:
        return False
    across, along = np.sqrt(np.linalg.eigvalsh(np.cov(island.T)).clip(0))
    return across > _RULE and (along > _ROUND * across or len(island) > _HOLE)

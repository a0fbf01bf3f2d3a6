"""Places in a picture as the bundled model writes them: two location tokens a mark, y first.

Location k of 0 to 999 stands for the k-th thousandth of a side. Marks come as a page is read: row
by row, from left to right in each, so that pointing is copying, as reading is. Training imports
this module too, so that what is taught is what is read.

The model knows which parts of a picture are neighbours, but not where they are: both its towers
have relative positions alone. So the picture says it (`ruled`).
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from docextract.framing import TOKEN_SIDE

LOCATIONS = 1000
FIRST_LOCATION = "<loc_0>"
RULER = 1 / 3
"""Share of the second and the third channel of a ruled picture that tells the place."""

Point: TypeAlias = tuple[float, float]
"""x and y in pixels of the picture that was shown, its width and height a multiple of 28."""

Fault: TypeAlias = Literal["torn", "repeated", "foreign"]
"""A location without its pair; a mark that came before; anything else."""

_PAIR = re.compile(r"<loc_(\d{1,3})><loc_(\d{1,3})>")
_PIECE = re.compile(rf"{_PAIR.pattern}|(<loc_\d{{1,3}}>)")


class Pointed(NamedTuple):
    """Marks in the order in which they were written, repeated ones too, and what was wrong."""

    points: list[Point]
    faults: frozenset[Fault]


def ruled(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W) grey -> (H, W, 3): grey, grey with a ramp from left to right, and from top to bottom.

    The bundled model reads in grey, so that two of the three channels are free to tell where on the
    picture each patch is. Rounded at random (the same each time), so that the mean over a patch is
    finer than whole levels.
    """
    height, width = grey.shape
    across = np.broadcast_to((np.arange(width) + 0.5) / width, grey.shape)
    down = np.broadcast_to((np.arange(height)[:, None] + 0.5) / height, grey.shape)
    ramps = np.stack([across, down], axis=-1) * 255
    mixed = grey[..., None] * (1 - RULER) + ramps * RULER
    rounded = np.floor(mixed + np.random.default_rng(0).random(mixed.shape))
    return np.concatenate([grey[..., None], rounded.clip(0, 255).astype(np.uint8)], axis=-1)


def location_text(points: Iterable[Point], width: int, height: int, row: float = TOKEN_SIDE) -> str:
    """The answer that points at `points`, given in any order; empty where there are none.

    What lies less than `row` pixels below the highest point of a row belongs to that row. Raises
    ValueError for a point outside the picture.
    """
    rows: list[list[tuple[int, int]]] = []
    first = 0.0
    for x, y in sorted(points, key=lambda point: point[1]):
        place = _location(y, height), _location(x, width)
        if not rows or y - first >= row:
            rows.append([])
            first = y
        rows[-1].append(place)
    ordered = (place for line in rows for place in sorted(line, key=lambda place: place[1]))
    return "".join(f"<loc_{y}><loc_{x}>" for y, x in ordered)


def points_of(text: str, width: int, height: int) -> Pointed:
    """The marks that `text` points at, each in the middle of its place; the end token is none."""
    pairs: list[tuple[int, int]] = []
    faults: set[Fault] = set()
    text = text.strip().removesuffix("</s>")
    if _PIECE.sub("", text).strip():
        faults.add("foreign")
    for piece in _PIECE.finditer(text):
        if piece[3]:
            faults.add("torn")
        else:
            pairs.append((int(piece[1]), int(piece[2])))
    if len(set(pairs)) < len(pairs):
        faults.add("repeated")
    points = [(_middle(x, width), _middle(y, height)) for y, x in pairs]
    return Pointed(points, frozenset(faults))


def _location(place: float, side: int) -> int:
    if not 0 <= place <= side:
        raise ValueError(f"{place} is not within 0 to {side}")
    return min(LOCATIONS - 1, int(LOCATIONS * place / side))


def _middle(location: int, side: int) -> float:
    return (location + 0.5) * side / LOCATIONS

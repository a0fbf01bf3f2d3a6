"""Where a dense picture is cut into tiles, and how the marks of tiles become one set again.

All places are in the units of the page. The named figures are there to be measured, whenever the
weights change: `docextract evaluate FOLDER --truth labels.jsonl --object bottle --tiles auto
--tiles never --tiles always` counts labelled pictures by this rule, whole, and in tiles.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from docextract.pages import Box

MANY = 50
"""Marks in the whole picture from which it is looked at in tiles, too.

On the five `dev` photos of 31 coins tiles were four times slower and no better: a mean distance of
2.2 from the truth, where the whole pictures gave 1.4. Beyond 50 nothing has been measured yet.
"""

CROWD = 8
CROWDED = 42.0
"""Marks of a crowd, and pixels between neighbours, in the picture as shown, below which they are
hard to tell apart."""

FINER = 1.5
"""How much more of the picture's own detail tiles must show, where they are to mend crowding."""

PER_TILE = 12
"""Marks that a tile should hold."""

MOST_TILES = 16

_ROW = 3  # marks in a row at least, or there are no rows
_MARGIN = 0.1  # of a side: how far tiles overlap where no mark tells how large the objects are
_SLACK = 0.25  # of a gap: how far beyond its own part a tile's mark may lie

Places = npt.NDArray[np.float64]
"""(n, 2): x and y."""


class Tile(NamedTuple):
    """A part of the page that is looked at, and the `core` whose marks are its own.

    Cores cover the page without overlap; a `view` is as much larger as an object is.
    """

    core: Box
    view: Box


def median_gap(*parts: Places) -> float | None:
    """The median distance from a mark to the nearest other of its part; None where none has any."""
    gaps: list[float] = []
    for places in parts:
        if len(places) > 1:
            between = _distances(places)
            np.fill_diagonal(between, np.inf)
            gaps += between.min(1).tolist()
    return float(np.median(gaps)) if gaps else None


def wants_tiles(places: Places, shown: float, detail: float) -> bool:
    """Whether a look at the whole page asks for looks at its parts.

    places: marks on the page. shown: pixels that one page unit had in the whole view. detail: the
    pixels that it has of its own.
    """
    gap = median_gap(places)
    if len(places) < CROWD or gap is None:
        return False
    crowded = gap * shown < CROWDED and detail >= FINER * shown
    return len(places) >= MANY or crowded


def cut_tiles(places: Places, width: float, height: float) -> list[Tile]:
    """Tiles of a page of width x height that hold about as many marks each.

    They are shelves where the marks stand in rows, since nothing is cut through there.
    """
    wanted = min(MOST_TILES, max(4, math.ceil(len(places) / PER_TILE)))
    gap = median_gap(places)
    margin = gap if gap is not None else _MARGIN * min(width, height)
    rows = _rows(places, gap) if gap is not None else []
    if len(rows) > 1:
        shelves = _shelves(rows, wanted)
        edges = [0.0, *((above[-1] + below[0]) / 2 for above, below in pairwise(shelves)), height]
        shares = [max(1, round(wanted * len(shelf) / len(places))) for shelf in shelves]
    else:
        columns = max(1, round(math.sqrt(wanted * width / height)))
        down = math.ceil(wanted / columns)
        edges = [height * step / down for step in range(down + 1)]
        shares = [columns] * down
    cores = [
        (width * step / share, top, width * (step + 1) / share, bottom)
        for share, (top, bottom) in zip(shares, pairwise(edges), strict=True)
        for step in range(share)
    ]
    return [Tile(core, _grown(core, margin, width, height)) for core in cores]


def merge(parts: Sequence[tuple[Tile, Places]]) -> list[tuple[int, int]]:
    """Which marks of which tiles remain: (tile, mark).

    A tile answers for its core. Of two marks of different tiles that are closer than half the
    median gap within tiles one remains: they are one object at the border of both.
    """
    gap = median_gap(*(places for _, places in parts)) or 0.0
    names = [
        (number, at)
        for number, (tile, places) in enumerate(parts)
        for at, place in enumerate(places)
        if _within(place, _grown(tile.core, _SLACK * gap, math.inf, math.inf))
    ]
    between = _distances(np.array([parts[number][1][at] for number, at in names]).reshape(-1, 2))
    close = np.argwhere(np.triu(between < gap / 2, 1)).tolist()
    gone: set[int] = set()
    met: set[tuple[int, int]] = set()  # a mark, and a tile in which its double was found
    for one, other in sorted(close, key=lambda pair: float(between[pair[0], pair[1]])):
        meetings = {(one, names[other][0]), (other, names[one][0])}
        if names[one][0] != names[other][0] and not gone & {one, other} and not met & meetings:
            met |= meetings
            gone.add(other)
    return [name for at, name in enumerate(names) if at not in gone]


def _distances(places: Places) -> npt.NDArray[np.float64]:
    distances: npt.NDArray[np.float64] = np.linalg.norm(places[:, None] - places[None], axis=2)
    return distances


def _rows(places: Places, gap: float) -> list[list[float]]:
    """The heights of marks, shelf by shelf from the top; one list where there are no shelves."""
    heights = sorted(places[:, 1].tolist())
    rows = [[heights[0]]]
    for before, height in pairwise(heights):
        if height - before > gap / 2:
            rows.append([])
        rows[-1].append(height)
    level = all(len(row) >= _ROW and row[-1] - row[0] <= gap for row in rows)
    return rows if level else [heights]


def _shelves(rows: Sequence[list[float]], wanted: int) -> list[list[float]]:
    """Rows, put together where there would be more tiles than wanted."""
    most = max(PER_TILE, math.ceil(sum(map(len, rows)) / wanted))
    shelves = [list(rows[0])]
    for row in rows[1:]:
        if len(shelves[-1]) + len(row) <= most:
            shelves[-1] += row
        else:
            shelves.append(list(row))
    return shelves


def _grown(box: Box, margin: float, width: float, height: float) -> Box:
    left, top, right, bottom = box
    return (
        max(0.0, left - margin),
        max(0.0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def _within(place: npt.NDArray[np.float64], box: Box) -> bool:
    x, y = place
    left, top, right, bottom = box
    return bool(left <= x <= right and top <= y <= bottom)

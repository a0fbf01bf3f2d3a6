"""Named parts of pictures, and which marks lie in them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from docextract.errors import UsageError
from docextract.records import Count, Mark

OUTSIDE = "outside"
"""The zone of marks that lie in none."""

_HINT = (
    'a file of zones is {"left shelf": [[x, y], [x, y], [x, y], ...], ...}, in pixels of the '
    'picture or in fractions of its sides; or {"a.jpg": {"left shelf": ...}, ...}'
)

Polygon = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Zones:
    """Polygons by name: of all pictures, or of those whose path ends with the `file` they are of.

    Corners are in units of the page, or, where none is beyond 1, in fractions of its sides.
    """

    polygons: tuple[tuple[str, str, tuple[tuple[float, float], ...]], ...]
    """(file, name, corners); the file is empty where the zone is one of all pictures."""

    def divide(self, count: Count) -> list[Count]:
        """One count for each zone of its picture, and one for marks in none, where there are any.

        A mark in several zones belongs to the first of them, so that the counts add up. What was
        not counted, or without marks, stays one.
        """
        mine = self.of(count)
        if not mine or count.form == "number":
            return [count]
        inside: dict[str, list[Mark]] = {name: [] for name in mine}
        for mark in count.marks:
            zones = (name for name, corners in mine.items() if _contains(corners, mark))
            inside.setdefault(next(zones, OUTSIDE), []).append(mark)
        return [
            replace(count, zone=name, marks=tuple(marks), count=len(marks))
            for name, marks in inside.items()
        ]

    def of(self, count: Count) -> Mapping[str, Polygon]:
        """The zones of its picture, in units of its page; none where it was not counted."""
        if count.size is None:
            return {}
        return {
            name: _scaled(corners, count.size)
            for file, name, corners in self.polygons
            if fits(file, count.file)
        }


def fits(wanted: str, file: str) -> bool:
    """Whether the path of a file ends with the one that was written down; nothing fits all."""
    ours, theirs = PurePath(file).parts, PurePath(wanted).parts
    return not theirs or ours[-len(theirs) :] == theirs


def load_zones(path: Path) -> Zones:
    """The zones in a JSON file.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        polygons = tuple(_polygons(content))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: the zones cannot be read ({error})", hint=_HINT) from error
    if not polygons:
        raise UsageError(f"{path}: there are no zones in it", hint=_HINT)
    return Zones(polygons)


def _polygons(content: Any) -> Iterator[tuple[str, str, tuple[tuple[float, float], ...]]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from ((str(name), str(zone), _corners(zone, way)) for zone, way in value.items())
        else:
            yield "", str(name), _corners(name, value)


def _corners(name: str, way: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    corners = tuple((float(x), float(y)) for x, y in way)
    if len(corners) < 3:
        raise ValueError(f"the zone {name} has less than three corners")
    return corners


def _scaled(corners: Polygon, size: tuple[float, float]) -> Polygon:
    if any(not 0 <= number <= 1 for corner in corners for number in corner):
        return corners
    return [(x * size[0], y * size[1]) for x, y in corners]


def _contains(corners: Polygon, mark: Mark) -> bool:
    """Whether a ray from the mark to the right crosses the outline an odd number of times."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > mark.y) != (y2 > mark.y):
            crossings += mark.x < x1 + (mark.y - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1

"""What a model answers a count with: marks, whatever it writes them in.

The bundled model writes two location tokens a mark (docextract.pointing) and can write nothing
else. Others are asked for points in JSON; what they were taught to write is their own, so points
and boxes are taken in all the forms that such models are known to write, and a bare number too.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from docextract.answer import mend_json, strip_fences, strip_thoughts
from docextract.counting.tiles import median_gap
from docextract.errors import AnswerError
from docextract.framing import TOKEN_SIDE
from docextract.pointing import LOCATIONS, Point, points_of
from docextract.readers import Reading
from docextract.records import Form

SAME = 6.0
"""Pixels of the picture that was shown, within which two marks are one that was repeated.

Up to a visual token it may be more, where it is less than half the median gap between neighbours:
on the ten `dev` photos of coins it brings the mean distance from the truth from 0.7 to 0.4, and it
changes nothing on those of dice and cards.
"""

_POINT_KEYS = ("point_2d", "point", "coordinates", "coordinate", "position", "location", "center")
_BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box", "bounding_box")
_TOTAL_KEYS = ("count", "number", "total")
_XML = re.compile(r"<points?\b([^>]*)>", re.IGNORECASE)
_XML_PLACE = re.compile(r'\b([xy])(\d*)\s*=\s*"\s*(\d+(?:\.\d+)?)\s*"', re.IGNORECASE)
_JSON = re.compile(r"[\[{]")
_NUMBER = re.compile(r"(?<![\w.,-])\d{1,6}(?![\w%]|[.,]\d)")

_TORN = "a mark was broken off"
_FOREIGN = "the answer holds something else than marks"
_REPEATED = "marks were repeated"
_OUTSIDE = "marks lay outside the picture"
_CUT = "the answer reached its token limit"


@dataclass(frozen=True)
class Marked:
    """The marks of one answer, each once, in pixels of the picture that was shown.

    `logprobs` are those of the marks, `stop` that of the end, where the model tells them. `stated`
    is a number that it wrote itself. `doubts` are reasons for a person to look.
    """

    points: tuple[Point, ...]
    form: Form = "points"
    logprobs: tuple[float, ...] = ()
    stop: float | None = None
    stated: int | None = None
    doubts: tuple[str, ...] = ()


def grammar() -> str:
    """An llguidance grammar, in Lark, by which a model can write nothing but pairs of locations."""
    places = " | ".join(f"<loc_{place}>" for place in range(LOCATIONS))
    return f"start: (place place)*\nplace: {places}\n"


def marked(reading: Reading, width: int, height: int) -> Marked:
    """The marks in an answer that was held to the grammar.

    width, height: of the picture that was shown, in pixels.
    """
    points, faults = points_of(reading.text, width, height)
    words = {"torn": _TORN, "foreign": _FOREIGN}
    doubts = [words[fault] for fault in sorted(faults) if fault in words]
    # Two tokens a mark, and then the end, or half a mark where the answer was cut off.
    marks, more = divmod(len(reading.logprobs), 2)
    known = bool(reading.logprobs) and marks == len(points)
    ended = bool(more) and reading.finish == "stop"
    pairs = [sum(reading.logprobs[at : at + 2]) for at in range(0, 2 * marks, 2)]
    firsts = _firsts(points)
    doubts += [_REPEATED] if len(firsts) < len(points) else []
    return Marked(
        points=tuple(points[at] for at in firsts),
        logprobs=tuple(pairs[at] for at in firsts) if known else (),
        stop=reading.logprobs[-1] if known and ended else None,
        doubts=(*_cut(reading), *doubts),
    )


def parsed(reading: Reading, width: int, height: int) -> Marked:
    """The marks in free text: points or boxes, in pixels of the picture or fractions of its sides.

    Raises:
        AnswerError: there is neither a mark nor a number in it.
    """
    text = strip_thoughts(reading.text)
    marks = list(_xml_points(text, width, height))
    form: Form = "points"
    stated: list[int] = []
    said: list[Any] = []
    if not marks:
        said = list(_values(text))
        found = [place for value in said for place in _places(value)]
        stated = [number for value in said for number in _totals(value)]
        form = "boxes" if any(len(place) == 4 for place in found) else "points"
        marks = _in_pixels(found, width, height)
    if not marks and not _empty_list(said):
        if not said:
            stated = [int(number) for number in _NUMBER.findall(text)]
        if not stated:
            raise AnswerError("the model gave neither marks nor a number")
        return Marked((), "number", stated=stated[-1], doubts=_cut(reading))
    inside = [(x, y) for x, y in marks if 0 <= x <= width and 0 <= y <= height]
    firsts = _firsts(inside)
    doubts = [
        *_cut(reading),
        *([_OUTSIDE] if len(inside) < len(marks) else ()),
        *([_REPEATED] if len(firsts) < len(inside) else ()),
    ]
    points = tuple(inside[at] for at in firsts)
    return Marked(points, form, stated=stated[-1] if stated else None, doubts=tuple(doubts))


def _cut(reading: Reading) -> tuple[str, ...]:
    return (_CUT,) if reading.finish == "length" else ()


def _firsts(points: Sequence[Point]) -> list[int]:
    """Where in the list each place comes for the first time."""
    gap = median_gap(np.array(points, np.float64).reshape(-1, 2)) or 0.0
    same = max(SAME, min(gap / 2, TOKEN_SIDE))
    firsts: list[int] = []
    for at, point in enumerate(points):
        if all(math.dist(point, points[first]) > same for first in firsts):
            firsts.append(at)
    return firsts


def _xml_points(text: str, width: int, height: int) -> Iterator[Point]:
    """Points as Molmo writes them: `<points x1="10.5" y1="20.0" x2=...>`, in hundredths."""
    for tag in _XML.findall(text):
        places: dict[str, dict[str, float]] = {}
        for axis, number, value in _XML_PLACE.findall(tag):
            places.setdefault(number, {})[axis.lower()] = float(value)
        for place in places.values():
            if len(place) == 2:
                yield place["x"] * width / 100, place["y"] * height / 100


def _values(text: str) -> Iterator[Any]:
    """The JSON in a text, mended where it nearly is some."""
    inside = strip_fences(text)
    if begin := _JSON.search(inside):
        try:
            value, _ = json.JSONDecoder().raw_decode(inside, begin.start())
        except ValueError:
            value = json.loads(mend_json(inside[begin.start() :]) or "null")
        yield value


def _empty_list(values: Sequence[Any]) -> bool:
    """Whether the model said that there is nothing to mark: `[]`, or an object whose list is."""
    return any(
        value == [] or (isinstance(value, Mapping) and [] in value.values()) for value in values
    )


def _places(value: Any) -> Iterator[tuple[float, ...]]:
    """Every point (two numbers) and box (four) in a JSON value."""
    if isinstance(value, Mapping):
        keys = {str(key).lower(): inner for key, inner in value.items()}
        if place := _place(keys):
            yield place
        else:
            yield from (found for inner in value.values() for found in _places(inner))
    elif isinstance(value, list):
        if numbers := _numbers(value):
            yield numbers
        else:
            yield from (found for inner in value for found in _places(inner))


def _place(keys: Mapping[str, Any]) -> tuple[float, ...] | None:
    for names in (("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"), ("x", "y")):
        if numbers := _numbers([keys.get(name) for name in names]):
            return numbers
    for name in (*_BOX_KEYS, *_POINT_KEYS):
        if numbers := _numbers(keys.get(name)):
            return numbers
    return None


def _numbers(value: Any) -> tuple[float, ...] | None:
    """Two or four numbers, and nothing else."""
    if not isinstance(value, list) or len(value) not in (2, 4):
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        return None
    numbers = tuple(map(float, value))
    return numbers if all(map(math.isfinite, numbers)) else None


def _totals(value: Any) -> Iterator[int]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if str(key).lower() in _TOTAL_KEYS and isinstance(inner, int) and inner >= 0:
                yield int(inner)


def _in_pixels(places: Iterable[tuple[float, ...]], width: int, height: int) -> list[Point]:
    """The middles of places; fractions of the sides where no number of them all is beyond 1."""
    known = list(places)
    fractions = bool(known) and all(0 <= number <= 1 for place in known for number in place)
    across, down = (width, height) if fractions else (1, 1)
    return [
        (sum(place[0::2]) * across / len(place[0::2]), sum(place[1::2]) * down / len(place[1::2]))
        for place in known
    ]

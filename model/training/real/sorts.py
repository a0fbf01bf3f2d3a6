"""The letters of a page themselves, cut out to print other words in.

What is printed in a drawn typeface looks like that typeface. Digits and letters cut out of the same
scan have its printer, its paper and its faults: the broken 8 of a tired ribbon stays one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from training.real import paint
from training.real.paint import Floats, Strip
from training.real.store import Grey, Line
from training.synthetic.values import pick

_MOST_LINES = 16
_CLEAR = 0.07
"""Ink between two letters, in heights of a capital, above which they touch."""
_NARROW = set("1!|()[]{}.,:;'`-iIjJlrtf/")
_NARROWEST = 0.4
"""Width of any other letter, at least, in heights of a capital."""
_TRACE = 0.2
"""Ink below this is paper."""
_LIKE = (0.72, 1.35)
"""Heights of a cut letter that will do, in heights of the letters wanted."""
_REPLACED = 0.25
"""Share of letters that may be others of their kind, where the page lacks the right ones."""


@dataclass(frozen=True)
class Sort:
    """One letter: its ink, the height of a capital in its line, and the row that it stands on."""

    ink: Floats
    cap: float
    foot: float

    def suits(self, cap: float) -> bool:
        """Whether it may be scaled to capitals of this height."""
        return _LIKE[0] <= self.cap / cap <= _LIKE[1]

    def scaled(self, cap: float) -> Floats:
        """Its ink for capitals of another height, in the rows of a strip."""
        by = cap / self.cap
        width = max(1, round(self.ink.shape[1] * by))
        step = self.ink.shape[1] / width
        # Rows and columns of the strip's pixels in those of the cutting.
        matrix = np.array([[step, 0, step / 2 - 0.5], [0, 1 / by, self.foot - _above(cap) / by]])
        return np.asarray(
            cv2.warpAffine(
                self.ink, matrix, (width, _above(cap) + _below(cap)),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            ),
            np.float32,
        )  # fmt: skip


class TypeCase:
    """The letters that some lines of a page could be cut into."""

    def __init__(self, sorts: dict[str, list[Sort]]) -> None:
        self._sorts = sorts

    @classmethod
    def of(cls, sheet: Grey, lines: Sequence[Line], rng: np.random.Generator) -> Self:
        """Cut up some lines of a sheet, which stays as it is."""
        sorts: dict[str, list[Sort]] = defaultdict(list)
        for number in rng.permutation(len(lines))[:_MOST_LINES]:
            for letter, sort in _cut(sheet, lines[number]):
                sorts[letter].append(sort)
        return cls(sorts)

    def spelled(self, text: str, rng: np.random.Generator) -> str | None:
        """`text` with the letters that lack replaced by others of their kind; None where that is no
        letter of the alphabet, or too many are lacking."""
        lacking = {letter for letter in text if letter not in self._sorts and letter != " "}
        if sum(letter in lacking for letter in text) > _REPLACED * len(text):
            return None
        said = list(text)
        for place, letter in enumerate(said):
            if letter in lacking:
                kin = [other for other in sorted(self._sorts) if _kin(other, letter)]
                if not kin:
                    return None
                said[place] = pick(rng, kin)
        return "".join(said)

    def set(self, text: str, cap: float, rng: np.random.Generator) -> Strip | None:
        """`text` with capitals as high as `cap`; None where a letter of about that size lacks."""
        chosen: list[Sort | None] = []
        for letter in text:
            able = [sort for sort in self._sorts.get(letter, ()) if sort.suits(cap)]
            if not able and letter != " ":
                return None
            chosen.append(pick(rng, able) if able else None)
        gap = max(1, round(cap * rng.uniform(0.06, 0.16)))
        inks = [np.pad(sort.scaled(cap), ((0, 0), (gap, gap))) if sort else None for sort in chosen]
        widths = [ink.shape[1] for ink in inks if ink is not None]
        if not widths:
            return None
        blank = max(2, round(float(np.median(widths)) * rng.uniform(0.5, 1.0)))
        empty = np.zeros((_above(cap) + _below(cap), blank), np.float32)
        pieces = [empty if ink is None else ink for ink in inks]
        ends = np.cumsum([piece.shape[1] for piece in pieces])
        glyphs = [
            (end - piece.shape[1] / 2, _above(cap) - cap / 2, ord(letter))
            for letter, piece, end in zip(text, pieces, ends, strict=True)
            if letter != " "
        ]
        foot = float(_above(cap))
        return Strip(np.hstack(pieces), 0.0, float(ends[-1]), foot, 1.0, np.array(glyphs, float))


def _above(cap: float) -> int:
    """Rows of a strip above the foot of its letters."""
    return round(1.4 * cap)


def _below(cap: float) -> int:
    return round(0.5 * cap)


def _kin(one: str, other: str) -> bool:
    """Whether one letter may stand for another: both capitals, or both small."""
    return one.isalpha() and other.isalpha() and one.isupper() == other.isupper()


def _cut(sheet: Grey, line: Line) -> list[tuple[str, Sort]]:
    """The letters of a line that stand clear of their neighbours."""
    left, right = (line.box[0] + line.box[3]) / 2, (line.box[1] + line.box[2]) / 2
    length = float(np.hypot(*(right - left)))
    height = float(np.hypot(*(line.box[3] - line.box[0])))
    if len(line.text) < 2 or length < 8 or height < 6:
        return []
    along = (right - left) / length
    down = np.array([-along[1], along[0]])
    rows, columns = 2 * round(0.6 * height), round(length)
    origin = left - down * rows / 2
    matrix = np.column_stack([along, down, origin])
    seen = cv2.warpAffine(
        sheet, matrix, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)  # fmt: skip
    found = paint.body(seen, height, line.text)
    if found is None:
        return []
    ink, cap, base = found
    foot = rows / 2 + base
    lower, upper = max(0, round(foot - cap)), min(rows, round(foot))
    amount = ink[lower:upper].sum(0) / cap
    at = (line.xs - left[0]) / along[0]
    cuts = _cuts(amount, at)
    return [
        (letter, Sort(trimmed, cap, foot))
        for letter, begin, end in zip(line.text, cuts[:-1], cuts[1:], strict=True)
        if begin is not None and end is not None and end - begin <= 1.6 * cap
        if (trimmed := _trimmed(ink[:, begin:end])) is not None
        # Half a letter is none: some are cut where they are open or faint.
        and (letter in _NARROW or trimmed.shape[1] >= _NARROWEST * cap)
    ]


def _trimmed(ink: Floats) -> Floats | None:
    """A letter without the paper on both sides of it; None where there is no letter."""
    columns = np.flatnonzero((ink > _TRACE).any(0))
    return ink[:, columns[0] : columns[-1] + 1] if len(columns) else None


def _cuts(amount: Floats, at: np.ndarray) -> list[int | None]:
    """The clearest column between each two letters and at both ends; None where none is clear."""
    step = float(np.median(np.diff(at)))
    middles = [at[0] - step / 2, *((at[1:] + at[:-1]) / 2), at[-1] + step / 2]
    cuts: list[int | None] = []
    for middle in middles:
        low = max(0, round(middle - 0.3 * step))
        high = min(len(amount), round(middle + 0.3 * step) + 1)
        if low >= high:
            cuts.append(None)
            continue
        column = low + int(np.argmin(amount[low:high]))
        cuts.append(column if amount[column] < _CLEAR else None)
    return cuts

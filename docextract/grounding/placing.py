"""Which of the places that hold a value's letters is its own.

Among equal texts the label nearby decides, and the order in which the model wrote: rows of a list
go down the page, the values of a row stand in one line, those of a key in one column.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from docextract.grounding.labels import likeness
from docextract.grounding.lettering import Lettering, Span

_ABOVE = 0.9  # what a label above counts of one beside
_SAME_LINE = 0.6  # heights of a line
_ROW = 2.5  # heights of a line that the values of a row may hang below its first
_HANGING = 2.0  # what that costs, in heights of a line beside its column
_MOST_CHOICES = 4000  # combinations of places looked at in one row
_TWICE = 100.0


@dataclass(frozen=True)
class Wanted:
    """A value to be placed: its key, whether it is a sum, and where its letters stand."""

    key: str
    sums: bool
    spans: Sequence[Span]


def place_values(values: Mapping[str, Wanted], pages: Mapping[int, Lettering]) -> dict[str, Span]:
    """A span for each path that has any.

    Without a label, what stands first is taken, of sums the last. No two values share a place as
    long as there are enough.
    """
    ranked = []
    for path, value in values.items():
        for number, span in enumerate(value.spans):
            score = label_score(value.key, span, pages)
            late = number / len(value.spans)
            ranked.append((score + (late if value.sums else -late) / 100, path, span))
    ranked.sort(key=lambda entry: -entry[0])
    placed: dict[str, Span] = {}
    taken: set[int] = set()
    for shared in (False, True):
        for _, path, span in ranked:
            atoms = set(map(id, span.atoms))
            if path not in placed and (shared or not atoms & taken):
                placed[path] = span
                taken |= atoms
    return placed


def label_score(key: str, span: Span, pages: Mapping[int, Lettering]) -> float:
    """How well the words beside and above a place name the key (`labels.likeness`)."""
    page = pages[span.page]
    return max(
        likeness(key, page.beside(span)),
        _ABOVE * likeness(key, page.above(span)),
    )


def place_rows(
    rows: Sequence[Mapping[str, Wanted]], pages: Mapping[int, Lettering]
) -> list[dict[str, Span]]:
    """For each row of a list a span for each of its paths that has any."""
    lines = _lines_of(rows)
    below = [next(filter(None, lines[number:]), None) for number in range(1, len(lines) + 1)]
    choices = [
        {path: _in_row(value.spans, line, after) for path, value in row.items() if value.spans}
        for row, line, after in zip(rows, lines, below, strict=True)
    ]
    edges: dict[str, list[Span]] = defaultdict(list)
    for row, choice in zip(rows, choices, strict=True):
        for path, spans in choice.items():
            if len(spans) == 1:
                edges[row[path].key].append(spans[0])

    def astray(key: str, span: Span) -> float:
        if key in edges:
            return min(
                abs(span.box[side] - median(one.box[side] for one in edges[key])) / span.height
                for side in (0, 2)
            )
        return 3 * (1 - likeness(key, pages[span.page].above(span, far=True)))

    def cheapest(
        row: Mapping[str, Wanted], choice: Mapping[str, Sequence[Span]], line: _Line | None
    ) -> dict[str, Span]:
        def cost(key: str, span: Span) -> float:
            return astray(key, span) + (_HANGING if line and not line.holds(span) else 0)

        return _cheapest(row, choice, cost)

    return [cheapest(*one) for one in zip(rows, choices, lines, strict=True)]


@dataclass(frozen=True)
class _Line:
    page: int
    top: float
    height: float

    def before(self, other: "_Line") -> bool:
        lower = other.top - self.top > _SAME_LINE * self.height
        return self.page < other.page or (self.page == other.page and lower)

    def holds(self, span: Span) -> bool:
        return span.page == self.page and abs(span.top - self.top) < _SAME_LINE * self.height

    def reaches(self, span: Span) -> bool:
        """Whether a place is in this line or below it."""
        return span.page == self.page and self.top - span.top < _SAME_LINE * self.height

    def hangs(self, span: Span) -> bool:
        return span.page == self.page and 0 <= span.top - self.top < _ROW * self.height


def _lines_of(rows: Sequence[Mapping[str, Wanted]]) -> list[_Line | None]:
    """The line of each row, each below the one before: of all such choices the one that holds the
    most of their values, the rarer the more."""
    # For each line that the last row may have: the best choice of lines so far.
    best: dict[_Line | None, tuple[float, list[_Line | None]]] = {None: (0.0, [])}
    for row in rows:
        lines = {
            _Line(span.page, span.top, span.height): None
            for value in row.values()
            for span in value.spans
        }
        longer = {last: (score, [*chosen, None]) for last, (score, chosen) in best.items()}
        for line in lines:
            gain = sum(_gain(value.spans, line) for value in row.values() if value.spans)
            score, chosen = max(
                (one for last, one in best.items() if last is None or last.before(line)),
                key=lambda one: one[0],
            )
            if line not in longer or score + gain > longer[line][0]:
                longer[line] = score + gain, [*chosen, line]
        best = longer
    return max(best.values(), key=lambda one: one[0])[1]


def _gain(spans: Sequence[Span], line: _Line) -> float:
    rarity = 1 / len(spans) + 0.01
    if any(map(line.holds, spans)):
        return rarity
    return rarity / 2 if any(map(line.hangs, spans)) else 0.0


def _in_row(spans: Sequence[Span], line: _Line | None, after: _Line | None) -> Sequence[Span]:
    """The places in a row's line or hanging from it, if possible above the next row."""
    if line is None:
        return spans
    near = [span for span in spans if line.holds(span) or line.hangs(span)]
    own = [span for span in near if line.holds(span) or not (after and after.reaches(span))]
    return own or near or spans


def _cheapest(
    row: Mapping[str, Wanted],
    choice: Mapping[str, Sequence[Span]],
    cost: Callable[[str, Span], float],
) -> dict[str, Span]:
    """The combination of places that fits the columns best, none given twice if avoidable."""
    paths = list(choice)
    if math.prod(len(choice[path]) for path in paths) > _MOST_CHOICES:
        return {path: _nearest(row[path].key, choice[path], cost) for path in paths}

    def total(spans: Iterable[Span]) -> float:
        spans = list(spans)
        atoms = [id(atom) for span in spans for atom in span.atoms]
        twice = len(atoms) - len(set(atoms))
        fit = sum(cost(row[path].key, span) for path, span in zip(paths, spans, strict=True))
        return fit + _TWICE * twice

    combinations = product(*(choice[path] for path in paths))
    return dict(zip(paths, min(combinations, key=total), strict=True))


def _nearest(key: str, spans: Sequence[Span], cost: Callable[[str, Span], float]) -> Span:
    return min(spans, key=lambda span: cost(key, span))

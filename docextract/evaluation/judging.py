"""Records held against truths.

Amounts are equal as Decimal, dates as ISO; text after NFKC, casefold, runs of blanks to one and
outer punctuation off. A null prediction is a miss, a wrong one a false positive. A row of a list is
right where all of its labelled columns are.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from docextract.errors import UsageError, did_you_mean
from docextract.evaluation.alignment import align, edit_similarity
from docextract.evaluation.labels import Labelled
from docextract.printed import CONVERTERS, Hints
from docextract.records import Outcome, Signal
from docextract.schema import Group, Leaf, Listing, Schema

Verdict: TypeAlias = Literal["right", "missed", "wrong", "invented", "absent"]
"""`right` and `absent` (truth and prediction are null) are correct; `invented` has no truth."""

CORRECT: tuple[Verdict, ...] = ("right", "absent")

DateOrder: TypeAlias = Literal["day first", "month first"]


@dataclass(frozen=True)
class Judged:
    """How right what became of one labelled file is; paths are those of the schema.

    `verdicts` are about single values, `truths` what they should be; `rows` are about lists, one
    verdict for each row. `similar` is the edit
    similarity, 0 to 1, of texts that were found. `correct` tells of every value of the record that
    has a truth, those in rows too, whether it is right; `confidences` and `signals` are theirs.
    `seconds` is what reading took, `pages` how many were read.
    """

    label: Labelled
    outcome: Outcome
    verdicts: Mapping[str, Verdict]
    truths: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Verdict]] = field(default_factory=dict)
    similar: Mapping[str, float] = field(default_factory=dict)
    correct: Mapping[str, bool] = field(default_factory=dict)
    pages: int = 1

    @property
    def readable(self) -> bool:
        return self.outcome.extraction is not None

    @property
    def seconds(self) -> float:
        return self.outcome.extraction.timings.total if self.outcome.extraction else 0.0

    @property
    def whole(self) -> bool:
        """Whether nothing that has a truth is wrong."""
        verdicts = [*self.verdicts.values(), *(v for rows in self.rows.values() for v in rows)]
        return self.readable and all(verdict in CORRECT for verdict in verdicts)

    @property
    def confidences(self) -> dict[str, float]:
        """The confidence of each value that has a truth, where there is one."""
        extraction = self.outcome.extraction
        fields = extraction.fields if extraction else {}
        found = {path: fields[path].confidence for path in self.correct if path in fields}
        return {path: value for path, value in found.items() if value is not None}

    @property
    def signals(self) -> dict[str, Signal]:
        """What the confidence of each value that has a truth is made of."""
        extraction = self.outcome.extraction
        known = extraction.signals if extraction else {}
        return {path: known[path] for path in self.correct if path in known}

    def to_dict(self) -> dict[str, Any]:
        """One line of results, in JSON types."""
        label, extraction = self.label, self.outcome.extraction
        fields = extraction.fields if extraction else {}
        return {
            **self.outcome.to_dict(),
            "printed": {path: one.text for path, one in fields.items() if one.text is not None},
            "split": label.split,
            "group": label.group,
            "truth": dict(label.truth),
            "truths": dict(self.truths),
            "verdicts": dict(self.verdicts),
            "rows": {path: list(verdicts) for path, verdicts in self.rows.items()},
            "similar": dict(self.similar),
            "correct": dict(self.correct),
            "confidences": self.confidences,
            "signals": {path: signal.to_dict() for path, signal in self.signals.items()},
            "pages": self.pages,
            "seconds": round(self.seconds, 4),
        }


class Judge:
    """Compares records of a schema with truths.

    `renamed` gives, for a key of the truth, the key of the schema that means the same; keys that
    are the same in both need no mention, and `items.name=line_items.description` pairs columns.
    `date_order` is how the truth means 03/04/2018.
    """

    def __init__(
        self,
        schema: Schema[Any],
        labels: Sequence[Labelled],
        renamed: Mapping[str, str],
        date_order: DateOrder = "day first",
    ) -> None:
        self._places = dict(_places(schema.fields))
        self._hints = Hints(date_order=date_order, decimal_mark=".")
        keys = {key: None for label in labels for key in _keys(label.truth)}
        for key, own in renamed.items():
            if key not in keys:
                raise UsageError(
                    f"no truth has the key {key}", hint=did_you_mean(key, keys, _choose_from(keys))
                )
            if own not in self._places:
                raise UsageError(
                    f"the schema has no value called {own}",
                    hint=did_you_mean(own, self._places, _choose_from(self._places)),
                )
        self._own = {key: renamed.get(key, key) for key in keys}
        self._own = {key: own for key, own in self._own.items() if own in self._places}
        if not self._own:
            raise UsageError(
                "truth and schema have no key in common",
                hint=f"pair them with --map: {', '.join(keys)} = {', '.join(self._places)}",
            )
        self._check_kinds(labels)
        self.not_scored = sorted(set(keys) - set(self._own))
        """Keys of the truth that the schema does not have."""

    def judge(self, label: Labelled, outcome: Outcome, pages: int = 1) -> Judged:
        """Hold what became of a file against its truth."""
        extraction = outcome.extraction
        record = extraction.data if extraction else {}
        printed = {path: one.text for path, one in extraction.fields.items()} if extraction else {}
        sheet = _Sheet(self._hints, printed)
        for key, truth in _flat(label.truth):
            if (own := self._own.get(key)) is None:
                continue
            place, value = self._places[own], _at(record, own)
            if isinstance(place, Listing):
                columns = self._columns(key, own)
                if columns or isinstance(place.element, Leaf):
                    sheet.rows_of(own, place, columns, truth or [], value or [])
            else:
                sheet.leaf(own, place, truth, value)
        return Judged(
            label,
            outcome,
            sheet.verdicts,
            sheet.truths,
            sheet.rows,
            sheet.similar,
            sheet.correct,
            pages,
        )

    def _columns(self, key: str, own: str) -> dict[str, str]:
        """The columns of a list that are labelled, by their names in the schema."""
        return {
            inner.removeprefix(f"{own}."): outer.removeprefix(f"{key}.")
            for outer, inner in self._own.items()
            if outer.startswith(f"{key}.") and inner.startswith(f"{own}.")
        }

    def _check_kinds(self, labels: Sequence[Labelled]) -> None:
        for label in labels:
            for key, truth in _flat(label.truth):
                own = self._own.get(key)
                if own is None or truth is None:
                    continue
                if isinstance(self._places[own], Listing) is not isinstance(truth, list):
                    raise UsageError(
                        f"{key} and {own} do not pair: one is a list, the other a single value",
                        hint=_choose_from(self._places),
                    )


class _Sheet:
    """The verdicts on one record."""

    def __init__(self, hints: Hints, printed: Mapping[str, str | None]) -> None:
        self.verdicts: dict[str, Verdict] = {}
        self.truths: dict[str, Any] = {}
        self.rows: dict[str, list[Verdict]] = {}
        self.similar: dict[str, float] = {}
        self.correct: dict[str, bool] = {}
        self._hints = hints
        self._printed = printed

    def leaf(self, path: str, leaf: Leaf, truth: Any, value: Any) -> None:
        self.truths[path] = truth
        self.verdicts[path] = self._verdict(leaf, truth, value, path)
        self.correct[path] = self.verdicts[path] in CORRECT
        if leaf.kind == "text" and self.verdicts[path] in ("right", "wrong"):
            similarity = edit_similarity(str(_plain(str(truth))), str(_plain(str(value))))
            self.similar[path] = round(similarity, 4)

    def rows_of(
        self,
        path: str,
        listing: Listing,
        columns: Mapping[str, str],
        truths: Sequence[Any],
        values: Sequence[Any],
    ) -> None:
        """Pair the rows of the truth with those of the record in order, and judge each pair."""
        verdicts = {
            (i, j): self._row(f"{path}.{j}", listing.element, columns, truth, value)
            for i, truth in enumerate(truths)
            for j, value in enumerate(values)
        }
        rows = self.rows[path] = []
        pairs = align(len(truths), len(values), lambda i, j: all(_ok(verdicts[i, j].values())))
        for i, j in pairs:
            if j is None:
                rows.append("missed")
            elif i is None:
                rows.append("invented")
                element = listing.element
                inner = _places(element, f"{path}.{j}") if isinstance(element, Group) else ()
                self.correct |= {place: False for place, _ in inner} or {f"{path}.{j}": False}
            else:
                cells = verdicts[i, j]
                rows.append("right" if all(_ok(cells.values())) else "wrong")
                self.correct |= dict(zip(cells, _ok(cells.values()), strict=True))

    def _row(
        self, path: str, element: Leaf | Group, columns: Mapping[str, str], truth: Any, value: Any
    ) -> dict[str, Verdict]:
        """The verdicts on the labelled cells of a row."""
        if isinstance(element, Leaf):
            return {path: self._verdict(element, truth, value, path)}
        return {
            f"{path}.{own}": self._verdict(leaf, truth[key], _at(value, own), f"{path}.{own}")
            for own, leaf in _places(element)
            if isinstance(leaf, Leaf)
            and (key := columns.get(own)) is not None
            and isinstance(truth, Mapping)
            and key in truth
        }

    def _verdict(self, leaf: Leaf, truth: Any, value: Any, path: str) -> Verdict:
        if truth is None or not str(truth).strip():
            return "absent" if value is None else "invented"
        if value is None:
            return "missed"
        convert = CONVERTERS[leaf.kind]
        try:
            same = _plain(convert(str(truth), self._hints)) == _plain(
                convert(str(value), self._hints)
            )
        except ValueError:
            # The truth is not of the field's kind (labels have faults): what is printed decides.
            same = _plain(truth) == _plain(self._printed.get(path) or value)
        return "right" if same else "wrong"


def _ok(verdicts: Iterable[Verdict]) -> list[bool]:
    return [verdict in CORRECT for verdict in verdicts]


def _plain(value: object) -> object:
    """Text without what does not count; any other value itself."""
    if not isinstance(value, str):
        return value
    text = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    start, end = 0, len(text)
    while start < end and _skipped(text[start]):
        start += 1
    while end > start and _skipped(text[end - 1]):
        end -= 1
    return text[start:end]


def _skipped(letter: str) -> bool:
    return letter == " " or unicodedata.category(letter).startswith("P")


def _places(group: Group, above: str = "") -> Iterator[tuple[str, Leaf | Listing]]:
    """The values and lists of a record by path; columns of a list follow it."""
    for key, inner in group.fields.items():
        path = f"{above}.{key}" if above else key
        if isinstance(inner, Group):
            yield from _places(inner, path)
            continue
        yield path, inner
        if isinstance(inner, Listing) and isinstance(inner.element, Group):
            yield from _places(inner.element, path)


def _flat(truth: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The values and lists of a truth by path."""
    for key, value in truth.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, value


def _keys(truth: Mapping[str, Any]) -> Iterator[str]:
    """The paths of `_flat`, and those of the columns of its lists."""
    for path, value in _flat(truth):
        yield path
        if isinstance(value, list):
            yield from (f"{path}.{key}" for row in value if isinstance(row, Mapping) for key in row)


def _at(record: Any, path: str) -> Any:
    for step in path.split("."):
        record = record.get(step) if isinstance(record, Mapping) else None
    return record


def _choose_from(keys: Iterable[str]) -> str:
    return "choose from: " + ", ".join(sorted(keys))

"""What must hold between the values of a record; a schema declares it beside its fields.

    from typing import ClassVar
    from docextract.rules import Rules, adds_up, in_order

    class Bill(BaseModel):
        issued: PrintedDate | None = None
        due: PrintedDate | None = None
        net: Money | None = None
        tax: Money | None = None
        total: Money
        rows: list[Row] = []

        rules: ClassVar[Rules] = (
            adds_up("rows.*.price", to="net"),
            adds_up("net", "tax", to="total"),
            in_order("issued", "due"),
        )

Fields are named by their paths; `rows.*.price` is that of every row. A rule judges normalised
values, and only where all of them are there: what is absent breaks nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import prod
from typing import Protocol, TypeAlias

Values: TypeAlias = Mapping[str, object]
"""Values by their paths, rows by their numbers: `rows.0.price`. None is absent."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says about one record, or one row of it.

    `path` is the value that the others should give, `involved` are all of them. `message` holds
    paths and normalised values, and nothing else from the page.
    """

    name: str
    path: str
    involved: tuple[str, ...]
    passed: bool
    message: str


class Rule(Protocol):
    """Something that must hold. `paths` are the fields that it is about, with `*` for any row."""

    @property
    def paths(self) -> tuple[str, ...]: ...

    def judge(self, values: Values) -> Iterator[Verdict]:
        """A verdict for the record, or for each row; none where a value is absent."""


Rules: TypeAlias = tuple[Rule, ...]


def adds_up(*terms: str, to: str, within: str = "0.02") -> Rule:
    """The terms, and all rows of a term with `*`, sum to `to`, give or take some rounding.

    With `*` in `to` it holds row by row.
    """
    return _AddsUp(terms, to, Decimal(within))


def multiplies(*factors: str, to: str, within: str = "0.01") -> Rule:
    """The product of the factors is `to`; with `*` in all of them row by row.

    A printed factor stands for all that is rounded to it, so 3 x 0.33 may be 1.00. Raises
    ValueError where some have a `*` and others have none.
    """
    if len({"*" in path.split(".") for path in (*factors, to)}) > 1:
        raise ValueError(f"a product is of one row or of none: {', '.join((*factors, to))}")
    return _Multiplies(factors, to, Decimal(within))


def in_order(*dates: str) -> Rule:
    """No date is before the one that is named before it."""
    return _InOrder(dates)


def either(*rules: Rule) -> Rule:
    """One of the rules holds, as where a tax may be part of the sum or come on top of it."""
    return _Either(rules)


def inside(place: str, rule: Rule) -> Rule:
    """The rule of a nested record, for each that stands at `place`: `seller`, `line_items.*`."""
    return _Inside(place, rule)


@dataclass(frozen=True)
class _AddsUp:
    terms: tuple[str, ...]
    to: str
    within: Decimal

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.terms, self.to)

    def judge(self, values: Values) -> Iterator[Verdict]:
        for paths in _cases(self.paths, values):
            if numbers := _numbers(paths, values):
                *terms, target = numbers
                total = sum(terms, Decimal())
                held = abs(total - target) <= self.within
                words = " + ".join(self.terms if "*" not in self.to else paths[:-1])
                yield _verdict("adds_up", paths, held, words, total, target)


@dataclass(frozen=True)
class _Multiplies:
    factors: tuple[str, ...]
    to: str
    within: Decimal

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.factors, self.to)

    def judge(self, values: Values) -> Iterator[Verdict]:
        for paths in _cases(self.paths, values):
            if numbers := _numbers(paths, values):
                *factors, target = numbers
                product = prod(factors, start=Decimal(1))
                held = abs(product - target) <= self.within + _slack(factors)
                yield _verdict("multiplies", paths, held, " x ".join(paths[:-1]), product, target)


@dataclass(frozen=True)
class _InOrder:
    dates: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        return self.dates

    def judge(self, values: Values) -> Iterator[Verdict]:
        for earlier, later in pairwise(self.dates):
            first, second = values.get(earlier), values.get(later)
            if isinstance(first, date) and isinstance(second, date):
                words = f"{later} is {second}, {earlier} is {first}"
                yield Verdict("in_order", later, (earlier, later), first <= second, words)


@dataclass(frozen=True)
class _Either:
    rules: Rules

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for rule in self.rules for path in rule.paths)

    def judge(self, values: Values) -> Iterator[Verdict]:
        found: dict[str, Verdict] = {}
        for verdict in (verdict for rule in self.rules for verdict in rule.judge(values)):
            row = ".".join(filter(str.isdecimal, verdict.path.split(".")))
            if not found.setdefault(row, verdict).passed and verdict.passed:
                found[row] = verdict
        yield from found.values()


@dataclass(frozen=True)
class _Inside:
    place: str
    rule: Rule

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"{self.place}.{path}" for path in self.rule.paths)

    def judge(self, values: Values) -> Iterator[Verdict]:
        inner: dict[str, dict[str, object]] = {}
        pattern = re.compile(rf"({_any_row(self.place)})\.(.+)", re.ASCII)
        for path, value in values.items():
            if match := pattern.fullmatch(path):
                inner.setdefault(match[1], {})[match[2]] = value
        for place, record in inner.items():
            for verdict in self.rule.judge(record):
                yield replace(
                    verdict,
                    path=f"{place}.{verdict.path}",
                    involved=tuple(f"{place}.{path}" for path in verdict.involved),
                    message=f"{place}: {verdict.message}",
                )


def _cases(paths: Sequence[str], values: Values) -> list[tuple[str, ...]]:
    """The fields of the record that the paths mean, once, or where the last has a `*` by rows."""
    rows = [_rows(path, values) for path in paths]
    if "*" in paths[-1].split("."):
        return list(zip(*rows, strict=True))
    return [tuple(path for some in rows for path in some)] if all(rows) else []


def _rows(path: str, values: Values) -> list[str]:
    """The path itself, or with `*` those of all rows, in their order."""
    if "*" not in path.split("."):
        return [path]
    pattern = re.compile(_any_row(path), re.ASCII)
    return [known for known in values if pattern.fullmatch(known)]


def _any_row(path: str) -> str:
    """A regular expression of the paths that one with `*` means."""
    steps = (r"\d+" if step == "*" else re.escape(step) for step in path.split("."))
    return r"\.".join(steps)


def _numbers(paths: Sequence[str], values: Values) -> list[Decimal]:
    """All the numbers, or none where one is missing."""
    found = [values.get(path) for path in paths]
    numbers = [Decimal(str(v)) for v in found if isinstance(v, Decimal | int | float)]
    return numbers if len(numbers) == len(found) else []


def _slack(factors: list[Decimal]) -> Decimal:
    """How much a product may be off because its factors were rounded before they were printed."""
    size = prod(map(abs, factors), start=Decimal(1))
    return sum((size / abs(f) * _half_unit(f) for f in factors if f), Decimal())


def _half_unit(number: Decimal) -> Decimal:
    """Half of a unit in the last printed place; a whole number is exact."""
    exponent = number.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return Decimal(5).scaleb(-places - 1) if places > 0 else Decimal()


def _verdict(
    name: str,
    paths: tuple[str, ...],
    held: bool,
    words: str,
    result: Decimal,
    target: Decimal,
) -> Verdict:
    to = paths[-1]
    return Verdict(name, to, paths, held, f"{words} is {result:f}, {to} is {target:f}")

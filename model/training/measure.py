"""Figures beside what they are to reach, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from docextract.evaluation import wilson


@dataclass(frozen=True)
class Measure:
    """A figure of the table beside what it is to reach.

    `count` says what it is a share or mean of, `interval` (95 %) is None where there is none.
    Shares, 0 to 1, are to be at least `least`; with `at_most`, other figures at most as large.
    """

    what: str
    field: str
    least: float
    value: float
    count: str
    interval: tuple[float, float] | None
    at_most: bool = False

    @property
    def reached(self) -> bool:
        return self.value <= self.least if self.at_most else self.value >= self.least


def share(what: str, field: str, least: float, hits: Sequence[bool]) -> Measure:
    """A share of hits, which must not be none at all."""
    low, high = wilson(sum(hits), len(hits))
    return Measure(what, field, least, sum(hits) / len(hits), f"{len(hits)}", (low, high))


def table(found: Sequence[Measure]) -> str:
    """The figures in Markdown."""
    lines = [
        "| set | figure | of | target | measured | 95 % interval | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        interval = "" if one.interval is None else "{:.0%} – {:.0%}".format(*one.interval)
        aim = f"≤ {one.least:g}" if one.at_most else f"{one.least:.0%}"
        value = f"{one.value:.2f}" if one.at_most else f"{one.value:.1%}"
        lines.append(
            f"| {one.what} | {one.field} | {one.count} | {aim} | {value} "
            f"| {interval} | {'reached' if one.reached else ''} |"
        )
    return "\n".join(lines)

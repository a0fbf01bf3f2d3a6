"""What counting is to reach on labelled photos and drawn scenes: sets, and their figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from docextract.evaluation import JudgedCount, count_figures
from training.measure import Measure, share


@dataclass(frozen=True)
class CountSet:
    """Labelled pictures of a folder, what is counted in them, and what none of them shows.

    Without `objects` the labels name their own. An empty `splits` means all.
    """

    folder: str
    objects: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("dev",)


COUNT_SETS = (
    CountSet("dice", ("die",), ("coin", "bottle")),
    CountSet("cards", ("playing card",), ("die",)),
    CountSet("coins", ("coin",), ("die", "washer")),
    CountSet("scenes", splits=()),
)

_EXACT = {"dice": 0.90, "cards": 0.93}
_WITHIN_ONE = {"coins": 0.70}
_NEAR = 0.95
_ABSENT = 0.98
_SCENES = ((1, 20, 0.5), (21, 60, 1.5), (61, 10**9, 4.0))
"""Least and most things, and the mean distance from the truth that is allowed."""
_SECONDS = 5.0
_FEW = 20


def count_measures(counted: Mapping[str, Sequence[JudgedCount]]) -> list[Measure]:
    """The figures of the sets that were counted, by their folders."""
    found: list[Measure] = []
    for name, judged in counted.items():
        shown = [one for one in judged if one.label.count]
        found += _of_photos(name, shown) if name != "scenes" else _of_scenes(shown)
        absent = [one.count.count == 0 for one in judged if not one.label.count]
        if absent:
            found.append(share(f"{name}, absent", "answered 0", _ABSENT, absent))
    quick = [
        one.seconds
        for judged in counted.values()
        for one in judged
        if len(one.count.marks) <= _FEW and not one.count.tiles
    ]
    if quick:
        what = "up to 20 marks, untiled"
        found.append(Measure(what, "seconds", _SECONDS, mean(quick), f"{len(quick)}", None, True))
    return found


def _of_photos(name: str, judged: Sequence[JudgedCount]) -> Iterator[Measure]:
    if name in _EXACT:
        yield share(name, "exact", _EXACT[name], [one.right for one in judged])
    if name in _WITHIN_ONE:
        near = [one.count.count is not None and abs(one.error) <= 1 for one in judged]
        yield share(name, "within one", _WITHIN_ONE[name], near)
    if name == "dice" and (marks := count_figures(judged)["marks"]):
        for key, of in (("precision", "marks"), ("recall", "things")):
            low, high = marks[f"{key}_interval"] or (0.0, 1.0)
            value = marks[key] or 0.0
            yield Measure(name, f"marks, {key}", _NEAR, value, f"{marks[of]}", (low, high))


def _of_scenes(judged: Sequence[JudgedCount]) -> Iterator[Measure]:
    for least, most, allowed in _SCENES:
        mine = [abs(one.error) for one in judged if least <= one.label.count <= most]
        if mine:
            words = f"MAE, {least} to {most} things" if most < 10**9 else f"MAE, {least} and more"
            yield Measure("scenes", words, allowed, mean(mine), f"{len(mine)}", None, True)

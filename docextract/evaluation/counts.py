"""How right counts are, and whether their marks stand where the things are."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from docextract.counting import count
from docextract.errors import DocextractError, ModelError, our_fault
from docextract.evaluation.calibration import reliability
from docextract.evaluation.count_labels import CountLabel
from docextract.evaluation.pool import work_through
from docextract.evaluation.scores import wilson
from docextract.readers import Reader
from docextract.records import Count, Mark
from docextract.settings import Settings

BANDS = {
    "none": (0, 0),
    "1 to 10": (1, 10),
    "11 to 20": (11, 20),
    "21 to 50": (21, 50),
    "51 to 100": (51, 100),
    "over 100": (101, 10**9),
}
"""Least and most things in a picture, by name."""

_NEAR = 0.5
"""Of a thing's mean side: how far from its middle a mark of it may be."""


@dataclass(frozen=True)
class JudgedCount:
    """A count beside its truth. `found` of its marks stand on things of their own; None without
    boxes. What could not be read counts as nothing seen.
    """

    label: CountLabel
    count: Count
    seconds: float
    found: int | None

    @property
    def error(self) -> int:
        """Counted beyond what is there; negative where some were missed."""
        return (self.count.count or 0) - self.label.count

    @property
    def right(self) -> bool:
        """Whether the count is exactly the truth."""
        return self.count.count == self.label.count

    def to_dict(self) -> dict[str, Any]:
        """In JSON types: the line of the count, its truth, and what its confidence rests on."""
        signal = self.count.signal
        return {
            **self.count.to_dict(details=True),
            "file": self.label.file,
            "truth": self.label.count,
            "right": self.right,
            "found": self.found,
            "split": self.label.split,
            "group": self.label.group,
            "seconds": round(self.seconds, 3),
            "signal": signal.to_dict() if signal else None,
        }


def judge_counts(
    folder: Path,
    labels: Sequence[CountLabel],
    *,
    settings: Settings = Settings(),
    model: str = "bundled",
    device: str = "auto",
    jobs: int = 1,
) -> Iterator[JudgedCount]:
    """Count what the labels ask for in the files of `folder` and hold it against their truths.

    More than one of `jobs` are processes of a thread each. A file that cannot be read is judged as
    such.

    Raises:
        ModelError: the model is broken.
    """
    tasks = [(str(folder / label.file), label.object, label.page) for label in labels]
    counted = work_through(tasks, _count, settings, model, device, jobs)
    for label, (one, seconds) in zip(labels, counted, strict=True):
        yield JudgedCount(label, one, seconds, _found(one, label))


def _count(task: tuple[str, str, int], reader: Reader, settings: Settings) -> tuple[Count, float]:
    """The count of a page and the seconds that it took."""
    file, name, page = task
    started = time.perf_counter()
    try:
        [counted] = count(file, name, reader, replace(settings, pages=str(page)))
    except ModelError:
        raise
    except DocextractError as error:
        counted = Count(file, name, error=error.to_dict())
    except Exception as error:
        # A fault of ours that one file brings out shall not cost the others.
        counted = Count(file, name, error=our_fault(error).to_dict())
    return counted, time.perf_counter() - started


def _found(counted: Count, label: CountLabel) -> int | None:
    """How many marks stand near things of their own, the nearest pairs first."""
    if label.boxes is None or counted.size is None or counted.form == "number":
        return None
    width, height = counted.size
    pairs = []
    for thing, (left, top, right, bottom) in enumerate(label.boxes):
        reach = _NEAR * ((right - left) * width + (bottom - top) * height) / 2
        middle = Mark((left + right) / 2 * width, (top + bottom) / 2 * height)
        for at, mark in enumerate(counted.marks):
            apart = ((mark.x - middle.x) ** 2 + (mark.y - middle.y) ** 2) ** 0.5
            if apart <= reach:
                pairs.append((apart, at, thing))
    marks: set[int] = set()
    things: set[int] = set()
    for _, at, thing in sorted(pairs):
        if at not in marks and thing not in things:
            marks.add(at)
            things.add(thing)
    return len(marks)


def count_scores(judged: Sequence[JudgedCount]) -> dict[str, Any]:
    """Figures per split and, where there are several, together under `all`; JSON throughout.

    A split has `objects`, by their names, `bands`, by how much there is to count (BANDS), and
    `all`; see `count_figures`.
    """
    splits: dict[str, list[JudgedCount]] = defaultdict(list)
    for one in judged:
        splits[one.label.split].append(one)
    if len(splits) > 1:
        splits["all"] = list(judged)
    return {split: _scores_of(members) for split, members in splits.items()}


def _scores_of(judged: Sequence[JudgedCount]) -> dict[str, Any]:
    objects: dict[str, list[JudgedCount]] = defaultdict(list)
    for one in judged:
        objects[one.label.object].append(one)
    bands = {
        name: [one for one in judged if least <= one.label.count <= most]
        for name, (least, most) in BANDS.items()
    }
    return {
        "objects": {name: count_figures(members) for name, members in objects.items()},
        "bands": {name: count_figures(members) for name, members in bands.items() if members},
        "all": count_figures(judged),
    }


def count_figures(judged: Sequence[JudgedCount]) -> dict[str, Any]:
    """The figures about some counts, which must not be none at all.

    The shares `exact` and `within_one` with their 95 % Wilson intervals, `mae` (the mean of the
    distances), `bias` (the mean of what was counted too much), how many were `unreadable` or for
    `review`, `seconds` of a count (mean and median), `marks` (precision and recall within half a
    thing's size, where there are boxes) and `calibration`.
    """
    number = len(judged)
    exact = sum(one.right for one in judged)
    near = sum(abs(one.error) <= 1 and one.count.count is not None for one in judged)
    boxed = [one for one in judged if one.found is not None]
    confidences = [(one.count.confidence, one.right) for one in judged]
    return {
        "counts": number,
        "exact": round(exact / number, 4),
        "exact_interval": wilson(exact, number),
        "within_one": round(near / number, 4),
        "within_one_interval": wilson(near, number),
        "mae": round(mean(abs(one.error) for one in judged), 3),
        "bias": round(mean(one.error for one in judged), 3),
        "unreadable": sum(one.count.count is None for one in judged),
        "review": sum(one.count.status == "review" for one in judged),
        "seconds": round(mean(one.seconds for one in judged), 3),
        "seconds_median": round(median(one.seconds for one in judged), 3),
        "marks": _mark_figures(boxed),
        "calibration": reliability([(sure, hit) for sure, hit in confidences if sure is not None]),
    }


def _mark_figures(judged: Sequence[JudgedCount]) -> dict[str, Any] | None:
    found = sum(one.found or 0 for one in judged)
    marks = sum(len(one.count.marks) for one in judged)
    things = sum(one.label.count for one in judged)
    if not marks and not things:
        return None
    return {
        "marks": marks,
        "things": things,
        "precision": round(found / marks, 4) if marks else None,
        "precision_interval": wilson(found, marks) if marks else None,
        "recall": round(found / things, 4) if things else None,
        "recall_interval": wilson(found, things) if things else None,
    }


def count_table(figures: Mapping[str, Any]) -> str:
    """The figures of `count_scores` for people."""
    return "\n".join(line for split, figure in figures.items() for line in _block(split, figure))


def _block(split: str, figure: Mapping[str, Any]) -> Iterator[str]:
    whole, objects, bands = figure["all"], figure["objects"], figure["bands"]
    yield f"{split}: {whole['counts']} counts, {whole['review']} to review"
    yield _head("object")
    yield from (_line(name, some) for name, some in objects.items())
    yield _head("things")
    yield from (_line(name, some) for name, some in bands.items())
    if len(bands) > 1:
        yield _line("all", whole)
    if calibration := whole["calibration"]:
        yield (
            f"  confidence: {calibration['values']} counts, calibration error "
            f"{calibration['ece']:.3f}, Brier score {calibration['brier']:.3f}"
        )


def _head(first: str) -> str:
    return (
        f"  {first:<16}{'counts':>7}{'exact':>8}{'95 % interval':>18}{'within one':>12}"
        f"{'MAE':>8}{'bias':>8}{'precision':>11}{'recall':>8}{'review':>8}{'s':>7}"
    )


def _line(name: str, figure: Mapping[str, Any]) -> str:
    low, high = figure["exact_interval"]
    marks = figure["marks"] or {"precision": None, "recall": None}
    return (
        f"  {name:<16}{figure['counts']:>7}{figure['exact']:>8.1%}"
        f"{low:>9.1%} –{high:>7.1%}{figure['within_one']:>12.1%}{figure['mae']:>8.2f}"
        f"{figure['bias']:>+8.2f}{_percent(marks['precision']):>11}{_percent(marks['recall']):>8}"
        f"{figure['review']:>8}{figure['seconds']:>7.2f}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def worst_counts(judged: Sequence[JudgedCount], most: int) -> str:
    """The counts that are furthest from their truths."""
    wrong = sorted((one for one in judged if not one.right), key=lambda one: -abs(one.error))
    return "\n".join(
        f"  {one.label.file}: {one.label.object}, {_told(one.count)} for {one.label.count}"
        for one in wrong[:most]
    )


def _told(counted: Count) -> str:
    if counted.error:
        return str(counted.error["message"])
    sure = "" if counted.confidence is None else f" ({counted.confidence:.2f} sure)"
    return f"{counted.count}{sure}{f', {counted.reason}' if counted.reason else ''}"

"""Figures about judged files: per field, per document, per split."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any

from docextract.evaluation.calibration import reliability
from docextract.evaluation.judging import CORRECT, Judged, Verdict

SIMILAR = 0.9
"""Texts of at least this edit similarity count as `similar`."""


def scores(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures per split and, where there are several, together under `all`; JSON throughout.

    Of each field: counts of the verdicts, `accuracy` (right and absent among all) with its 95 %
    Wilson `interval`, `precision`, `recall` and `f1` (over predicted and labelled values, as the
    SROIE contest counts), `similar` for texts (share within an edit similarity of 0.9), and, where
    labels have groups, `by_group`: the mean over groups. `values` is about all single values
    together, `rows` about lists; `whole` is the share of documents without a fault.
    """
    splits: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        splits[one.label.split].append(one)
    if len(splits) > 1:
        splits["all"] = list(judged)
    return {split: _scores_of(members) for split, members in splits.items()}


def f1(verdicts: Iterable[Verdict]) -> float:
    """2 x right / (predicted + labelled); 1 where there is neither."""
    counts = Counter(verdicts)
    values = _predicted(counts) + _labelled(counts)
    return round(2 * counts["right"] / values, 4) if values else 1.0


def wilson(hits: float, trials: int) -> list[float]:
    """The 95 % interval of a share, after Wilson."""
    z = 1.96
    share, spread = hits / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / trials / 4)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def figures_of(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The figures about some verdicts, which must not be none at all."""
    counts = Counter(verdicts)
    correct = sum(counts[verdict] for verdict in CORRECT)
    return {
        "values": len(verdicts),
        **{name: counts[name] for name in ("right", "wrong", "missed", "invented", "absent")},
        "accuracy": round(correct / len(verdicts), 4),
        "interval": wilson(correct, len(verdicts)),
        "precision": _share(counts["right"], _predicted(counts)),
        "recall": _share(counts["right"], _labelled(counts)),
        "f1": f1(verdicts),
    }


def mean_over_groups(field: str, judged: Iterable[Judged]) -> float:
    """The share of files whose `field` is correct: of each group, and the mean of these."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        groups[one.label.group or one.label.file].append(one.verdicts[field] in CORRECT)
    return round(mean(mean(hits) for hits in groups.values()), 4)


def _scores_of(judged: Sequence[Judged]) -> dict[str, Any]:
    names = dict.fromkeys(name for one in judged for name in one.verdicts)
    lists = dict.fromkeys(name for one in judged for name in one.rows)
    everything = [verdict for one in judged for verdict in one.verdicts.values()]
    whole = sum(one.whole for one in judged)
    pairs = [
        (confidence, one.correct[path])
        for one in judged
        for path, confidence in one.confidences.items()
    ]
    rows = {name: [v for one in judged for v in one.rows.get(name, ())] for name in lists}
    return {
        "files": len(judged),
        "unreadable": sum(not one.readable for one in judged),
        "review": sum(one.outcome.status == "review" for one in judged),
        "fields": {name: _field_scores(name, judged) for name in names},
        "values": figures_of(everything) if everything else None,
        "rows": {name: figures_of(verdicts) for name, verdicts in rows.items() if verdicts},
        "micro_f1": f1(everything),
        "whole": round(whole / len(judged), 4),
        "whole_interval": wilson(whole, len(judged)),
        "calibration": reliability(pairs),
        "seconds": _seconds(judged),
    }


def _field_scores(name: str, judged: Sequence[Judged]) -> dict[str, Any]:
    mine = [one for one in judged if name in one.verdicts]
    figures = figures_of([one.verdicts[name] for one in mine])
    similar = [one.similar[name] for one in mine if name in one.similar]
    if similar:
        figures["similar"] = round(sum(value >= SIMILAR for value in similar) / len(mine), 4)
    if any(one.label.group for one in mine):
        figures["by_group"] = mean_over_groups(name, mine)
    return figures


def _seconds(judged: Sequence[Judged]) -> dict[str, Any] | None:
    """Of documents that were read: what one and what a page took."""
    read = [one for one in judged if one.readable]
    if not read:
        return None
    seconds = [one.seconds for one in read]
    return {
        "document": round(mean(seconds), 3),
        "document_median": round(median(seconds), 3),
        "page": round(sum(seconds) / sum(one.pages for one in read), 3),
        "pages": sum(one.pages for one in read),
    }


def _predicted(counts: Mapping[Verdict, int]) -> int:
    return counts["right"] + counts["wrong"] + counts["invented"]


def _labelled(counts: Mapping[Verdict, int]) -> int:
    return counts["right"] + counts["wrong"] + counts["missed"]


def _share(hits: int, trials: int) -> float | None:
    return round(hits / trials, 4) if trials else None

"""How well confidences keep what they promise."""

from collections.abc import Iterable, Sequence
from typing import Any

_BINS = 10
_LEAST = (0.5, 0.8, 0.9, 0.95)
"""Confidences that a person may ask for (--min-confidence)."""


def reliability(values: Iterable[tuple[float, bool]]) -> dict[str, Any] | None:
    """Figures about pairs of a confidence and whether the value was right; None where none are.

    `ece`: the expected calibration error, the mean distance between confidence and share of right
    values in ten bins of equal width, weighted by their size. `brier`: the mean square of the
    distance between confidence and truth (1 or 0). `bins`: mean confidence, share right and size of
    each bin that is not empty. `above`: for some confidences, the share of values that are at least
    as sure, and how many of these are right.
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for confidence, right in values:
        bins[min(int(confidence * _BINS), _BINS - 1)].append((confidence, right))
    everything = [pair for members in bins for pair in members]
    if not everything:
        return None
    shown = [
        {
            "confidence": round(sum(confidence for confidence, _ in members) / len(members), 4),
            "right": round(sum(right for _, right in members) / len(members), 4),
            "values": len(members),
        }
        for members in bins
        if members
    ]
    distances = (abs(one["confidence"] - one["right"]) * one["values"] for one in shown)
    squares = ((confidence - right) ** 2 for confidence, right in everything)
    return {
        "values": len(everything),
        "right": round(sum(right for _, right in everything) / len(everything), 4),
        "ece": round(sum(distances) / len(everything), 4),
        "brier": round(sum(squares) / len(everything), 4),
        "bins": shown,
        "above": [_above(least, everything) for least in _LEAST],
    }


def _above(least: float, everything: Sequence[tuple[float, bool]]) -> dict[str, float | None]:
    sure = [right for confidence, right in everything if confidence >= least]
    return {
        "confidence": least,
        "share": round(len(sure) / len(everything), 4),
        "right": round(sum(sure) / len(sure), 4) if sure else None,
    }

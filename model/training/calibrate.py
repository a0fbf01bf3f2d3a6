"""Fits the confidence of a set of weights to files that were read with it and judged.

    docextract evaluate FOLDER --schema receipt --truth labels.jsonl -o read.jsonl
    python -m training.calibrate read.jsonl --weights model/weights

Counts have a calibration of their own:

    docextract evaluate FOLDER --object die --truth labels.jsonl -o counted.jsonl
    python -m training.calibrate counted.jsonl --weights model/weights --counts

No page is read again. The figures are of values whose document the fit had not seen: the documents
are dealt into folds, copies of one document into the same, and each fold is foretold by a fit to
the others. What is stored beside the weights is then fitted to all of them.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from docextract.confidence import (
    CALIBRATION,
    COUNT_CALIBRATION,
    Calibration,
    features,
    fingerprint,
)
from docextract.evaluation import reliability
from docextract.records import CountSignal, Signal

FOLDS = 5
_RIDGE = 1.0
"""Weight of the squared slopes in the loss: a few dozen values must not make a slope steep."""
_STEPS = 50


@dataclass(frozen=True)
class Case:
    """A value or a count that was read, whether it was right, and where it is from.

    `source` names the results, `document` the file or its group.
    """

    source: str
    document: str
    signal: Signal | CountSignal
    right: bool


def load_cases(path: Path) -> list[Case]:
    """The judged values in a file of results that have log-probabilities."""
    cases = []
    for line in path.read_text("utf-8").splitlines():
        result = json.loads(line)
        signals = {name: Signal.from_dict(one) for name, one in result["signals"].items()}
        cases += [
            Case(path.stem, result["group"] or result["file"], signal, result["correct"][name])
            for name, signal in signals.items()
            if signal.logprobs
        ]
    return cases


def load_counts(path: Path) -> list[Case]:
    """The judged counts in a file of results that have log-probabilities."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    found = [(line, CountSignal.from_dict(line["signal"])) for line in lines if line["signal"]]
    return [
        Case(path.stem, line["group"] or line["file"], signal, line["right"])
        for line, signal in found
        if signal.stop is not None
    ]


def fit(cases: Sequence[Case]) -> Calibration:
    """The ridge-penalised logistic regression of being right on the features.

    Raises ValueError where there is nothing to learn from.
    """
    right = np.array([case.right for case in cases], np.float64)
    if not 0 < right.sum() < len(right):
        raise ValueError("a fit needs values that are right and values that are wrong")
    rows = [features(case.signal) for case in cases]
    names = sorted({name for row in rows for name in row})
    table = np.array([[1.0, *(row.get(name, 0.0) for name in names)] for row in rows])
    slopes = _newton(table, right)
    return Calibration(
        round(float(slopes[0]), 5),
        {name: round(float(slope), 5) for name, slope in zip(names, slopes[1:], strict=True)},
    )


def _newton(table: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The intercept, which is free, and the slopes, which are held small."""
    ridge = np.diag([1e-9] + [_RIDGE] * (table.shape[1] - 1))
    slopes = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(table @ slopes, -30, 30)))
        gradient = table.T @ (chance - right) + ridge @ slopes
        curvature = (table * (chance * (1 - chance))[:, None]).T @ table + ridge
        step = np.linalg.solve(curvature, gradient)
        slopes -= step * min(1.0, 4.0 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return slopes


def foretold(cases: Sequence[Case], folds: int = FOLDS) -> list[float]:
    """The confidence of each case under a fit that did not see its document."""
    documents = sorted(
        {case.document for case in cases}, key=lambda name: (crc32(name.encode()), name)
    )
    fold_of = {name: place % folds for place, name in enumerate(documents)}
    fits = [fit([c for c in cases if fold_of[c.document] != fold]) for fold in range(folds)]
    return [fits[fold_of[case.document]].probability(case.signal) or 0.0 for case in cases]


def scored(cases: Sequence[Case], confidences: Iterable[float]) -> dict[str, Any]:
    """How well confidences keep what they promise, and what knowing only the mean would give."""
    pairs = [(value, case.right) for value, case in zip(confidences, cases, strict=True)]
    figures = reliability(pairs)
    if figures is None:
        raise ValueError("there are no values to score")
    mean = sum(case.right for case in cases) / len(cases)
    return {**figures, "brier_of_the_mean": round(mean * (1 - mean), 4)}


def main(words: Sequence[str] | None = None) -> None:
    """Fit, score and store what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="written by docextract evaluate -o")
    parser.add_argument(
        "--nulls",
        type=Path,
        nargs="*",
        default=[],
        help="results of which the absent values count alone: real labels name few absent fields, "
        "and a null in a set where every field is printed is always wrong",
    )
    parser.add_argument("--counts", action="store_true", help="the results are of counts")
    parser.add_argument("--weights", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--folds", type=int, default=FOLDS)
    arguments = parser.parse_args(words)
    load = load_counts if arguments.counts else load_cases
    cases = [case for path in arguments.results for case in load(path)]
    others = [case for path in arguments.nulls for case in load_cases(path)]
    cases += [case for case in others if "absent" in _sorts(case)]
    confidences = foretold(cases, arguments.folds)
    figures = scored(cases, confidences)
    print(f"{'values not fitted':<28}{'number':>7}{'right':>8}{'ECE':>8}{'Brier':>8}{'of mean':>9}")
    print(_line("all", figures))
    parts: dict[str, list[tuple[Case, float]]] = {}
    for case, confidence in zip(cases, confidences, strict=True):
        for name in (case.source, *_sorts(case)):
            parts.setdefault(name, []).append((case, confidence))
    for name, some in parts.items():
        print(_line(name, scored([case for case, _ in some], [value for _, value in some])))
    calibration = fit(cases)
    content = {
        "weights": fingerprint(arguments.weights),
        "intercept": calibration.intercept,
        "slopes": calibration.slopes,
        "scored": {
            "documents": len({case.document for case in cases}),
            "folds": arguments.folds,
            **figures,
        },
    }
    path = arguments.weights / (COUNT_CALIBRATION if arguments.counts else CALIBRATION)
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(f"{path}: {len(calibration.slopes)} slopes")


def _sorts(case: Case) -> tuple[str, str]:
    """What is told apart in the table."""
    signal = case.signal
    if isinstance(signal, CountSignal):
        return "tiled" if signal.tiled else "whole", "marks" if signal.marks else "none"
    return signal.kind, "absent" if signal.status == "absent" else "found"


def _line(name: str, figures: dict[str, Any]) -> str:
    return (
        f"{name[-27:]:<28}{figures['values']:>7}{figures['right']:>8.1%}{figures['ece']:>8.3f}"
        f"{figures['brier']:>8.3f}{figures['brier_of_the_mean']:>9.3f}"
    )


if __name__ == "__main__":
    main()

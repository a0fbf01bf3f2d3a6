"""How likely a value or a count is right: from the model's own probabilities and what was found.

A logistic regression on a handful of figures, fitted to one set of weights (training.calibrate) and
stored beside it. Where none belongs to the weights, nothing is claimed.
"""

import hashlib
import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Protocol, runtime_checkable

from docextract.errors import ModelError
from docextract.printed import Kind
from docextract.records import Check, CountSignal, FieldEvidence, Signal

CALIBRATION = "confidence.json"
COUNT_CALIBRATION = "count_confidence.json"

_SORTS: Mapping[Kind, str] = {
    "amount": "number", "number": "number", "float": "number", "integer": "number",
    "date": "date", "time": "date", "datetime": "date",
    "measure": "number", "currency": "code", "iban": "code", "boolean": "code",
}  # fmt: skip
"""Kinds that are as hard to get right as each other; all others are free text."""

_LARGEST_ODDS = 5.0
"""Log-odds beyond which the model's opinion of itself tells nothing more."""


def signals_of(
    fields: Mapping[str, FieldEvidence],
    kinds: Mapping[str, Kind],
    logprobs: Mapping[str, Sequence[float]],
    doubts: int,
) -> dict[str, Signal]:
    """What is known about each value of a record, all by path."""
    return {
        path: Signal(
            kind=kinds[path],
            logprobs=tuple(round(value, 5) for value in logprobs[path]),
            listed=any(step.isdigit() for step in path.split(".")),
            status=field.status,
            evidence=field.evidence,
            repairs=len(field.repairs),
            doubts=doubts,
        )
        for path, field in fields.items()
    }


def features(signal: Signal | CountSignal) -> dict[str, float]:
    """The figures that a calibration weighs, by name; those that are 0 are left out."""
    figures = _of_count(signal) if isinstance(signal, CountSignal) else _of_value(signal)
    return {name: value for name, value in figures.items() if value}


def _of_value(signal: Signal) -> dict[str, float]:
    absent = signal.status == "absent"
    known = signal.logprobs or (0.0,)
    sort = _SORTS.get(signal.kind, "text")
    return {
        "absent": float(absent),
        f"sure_{'absent' if absent else sort}": _log_odds(sum(known)),
        "length": 0.0 if absent else math.log(len(known)),
        f"is_{sort}": float(not absent),
        "listed": float(signal.listed),
        f"status_{signal.status}": float(signal.status in ("ambiguous", "check_failed")),
        f"evidence_{signal.evidence}": float(signal.evidence != "none"),
        "repaired": float(signal.repairs > 0),
        "doubts": math.log1p(signal.doubts),
    }


def _of_count(signal: CountSignal) -> dict[str, float]:
    return {
        "none": float(not signal.marks),
        "sure_stop": _log_odds(signal.stop or 0.0),
        # Of one place among many that are nearly as good: far below what tells yes from no.
        "least_mark": min(signal.marks, default=0.0),
        "mean_mark": fmean(signal.marks) if signal.marks else 0.0,
        "marks": math.log1p(len(signal.marks)),
        "tiled": float(signal.tiled),
        "doubts": math.log1p(signal.doubts),
    }


def _log_odds(logprob: float) -> float:
    """ln(p / (1 - p)), kept within bounds."""
    if logprob >= 0:
        return _LARGEST_ODDS
    odds = logprob - math.log(-math.expm1(logprob))
    return min(max(odds, -_LARGEST_ODDS), _LARGEST_ODDS)


@dataclass(frozen=True)
class Calibration:
    """Log-odds of being right: `intercept` and the features times their `slopes`."""

    intercept: float
    slopes: Mapping[str, float]

    def probability(self, signal: Signal | CountSignal) -> float | None:
        """How likely the value is right, or, where it is null, truly absent; or the exact count.

        None where the model gave no probabilities, and for values in lists if none were fitted.
        """
        if isinstance(signal, CountSignal):
            unknown = signal.stop is None
        else:
            unknown = not signal.logprobs or (signal.listed and "listed" not in self.slopes)
        if unknown:
            return None
        terms = (self.slopes.get(name, 0.0) * value for name, value in features(signal).items())
        odds = self.intercept + sum(terms)
        return round(1 / (1 + math.exp(-min(max(odds, -30.0), 30.0))), 4)


@runtime_checkable
class Calibrated(Protocol):
    """A reader whose probabilities were held against truths."""

    @property
    def calibration(self) -> Calibration | None: ...


@runtime_checkable
class CalibratedCounts(Protocol):
    """A reader whose counts were held against truths."""

    @property
    def count_calibration(self) -> Calibration | None: ...


def calibration_of(reader: object, needed: bool) -> Calibration | None:
    """The calibration that a reader brings.

    Raises:
        ModelError: it brings none, and one is needed.
    """
    return _there(reader.calibration if isinstance(reader, Calibrated) else None, needed)


def count_calibration_of(reader: object, needed: bool) -> Calibration | None:
    """The calibration of counts that a reader brings.

    Raises:
        ModelError: it brings none, and one is needed.
    """
    brought = reader.count_calibration if isinstance(reader, CalibratedCounts) else None
    return _there(brought, needed)


def _there(calibration: Calibration | None, needed: bool) -> Calibration | None:
    if needed and calibration is None:
        raise ModelError(
            "nobody knows how sure this model is: no calibration belongs to it",
            hint="leave the least confidence out, or fit a calibration (training.calibrate)",
        )
    return calibration


def with_confidence(
    fields: Mapping[str, FieldEvidence],
    signals: Mapping[str, Signal],
    calibration: Calibration | None,
) -> Mapping[str, FieldEvidence]:
    """The fields with their confidence, as far as there is a calibration."""
    if calibration is None:
        return fields
    return {
        path: replace(field, confidence=calibration.probability(signals[path]))
        for path, field in fields.items()
    }


def unsure(fields: Mapping[str, FieldEvidence], least: float | None) -> Iterator[Check]:
    """A failed check for each value that is less likely right than it has to be."""
    for path, field in fields.items():
        if least is not None and field.confidence is not None and field.confidence < least:
            message = f"{path}: the confidence {field.confidence:.2f} is below {least:g}"
            yield Check("confident", path, False, message)


def load_calibration(folder: Path, name: str = CALIBRATION) -> Calibration | None:
    """The calibration in a checkpoint's folder, if there is one and it was fitted to its weights.

    `name`: CALIBRATION for values, COUNT_CALIBRATION for counts.

    Raises:
        ModelError: it is damaged.
    """
    path = folder / name
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        slopes = {str(name): float(value) for name, value in content["slopes"].items()}
        calibration = Calibration(float(content["intercept"]), slopes)
        fitted_to = content["weights"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is damaged: {error}", hint="delete it, or fit it again (training.calibrate)"
        ) from error
    return calibration if fitted_to == fingerprint(folder) else None


def fingerprint(folder: Path) -> str:
    """SHA-256 of a checkpoint's weights, all files of them in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def written_logprobs(
    text: str, ends: Sequence[int], logprobs: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    """The log-probabilities of the tokens that each value of a JSON text was written with, by path.

    `ends`: for each token, how long the text was once it was written. Text that is no JSON, or
    breaks off, gives the values before that place.
    """
    starts = [0, *ends[:-1]]
    return {
        path: tuple(logprobs[bisect_left(starts, start) : bisect_left(starts, end)])
        for path, start, end in _values(text)
    }


_BLANKS = re.compile(r"\s*")
_TOKEN = re.compile(r'[\[\]{}:,]|"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+', re.DOTALL)


def _values(text: str) -> Iterator[tuple[str, int, int]]:
    """Path, start and end of every value in a JSON text that is neither object nor list."""
    steps: list[str | int] = []
    at, key_expected = 0, False
    while match := _TOKEN.match(text, _end_of_blanks(text, at)):
        word, at = match[0], match.end()
        if word == "{":
            steps.append("")
            key_expected = True
        elif word == "[":
            steps.append(0)
        elif word in "]}":
            if not steps:
                return
            steps.pop()
        elif word == ",":
            if not steps:
                return
            last = steps[-1]
            key_expected = isinstance(last, str)
            if isinstance(last, int):
                steps[-1] = last + 1
        elif word == ":":
            key_expected = False
        elif key_expected:
            steps[-1] = _unquoted(word)
        else:
            yield ".".join(map(str, steps)), match.start(), at


def _end_of_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _unquoted(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word

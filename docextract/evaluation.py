"""How right the records of a labelled folder are, by a fixed rule.

Amounts are equal as Decimal, dates as ISO; text after NFKC, casefold, runs of blanks to one and
outer punctuation off. A null prediction is a miss, a wrong one a false positive, whose label also
stays unfound: F1 is taken over predicted values and labelled values, as the SROIE contest does.
"""

import json
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from docextract.errors import InputError, MissingFileError, NothingToDoError, UsageError
from docextract.printed import CONVERTERS, Hints, Kind
from docextract.records import Outcome
from docextract.schema import Leaf, Schema

Verdict: TypeAlias = Literal["right", "missed", "wrong", "invented", "absent"]
"""`right` and `absent` (truth and prediction are null) are correct; `invented` has no truth."""

DateOrder: TypeAlias = Literal["day first", "month first"]


@dataclass(frozen=True)
class Labelled:
    """One labelled file: the truth as printed, the split it is in, and its group, if any.

    Files of a group are copies or releases of one document.
    """

    file: str
    truth: Mapping[str, Any]
    split: str
    group: str | None


@dataclass(frozen=True)
class Judged:
    """How right the record of one labelled file is."""

    label: Labelled
    readable: bool
    verdicts: Mapping[str, Verdict]


def load_labels(path: Path, splits: Collection[str] = ()) -> list[Labelled]:
    """The lines of labels.jsonl, all or those of some splits.

    A line is `{"file": ..., "truth": {key: text or null}, "split": ..., "group": ...}`; the last
    two may be left out.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(f"{path}: cannot be read ({error})") from error
    labels = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            label = Labelled(
                str(entry["file"]),
                dict(entry["truth"]),
                str(entry.get("split") or "all"),
                entry.get("group"),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number}: not a label",
                hint='a line is {"file": "a.png", "truth": {"total": "9.00"}, "split": "dev"}',
            ) from error
        labels.append(label)
    if missing := set(splits) - {label.split for label in labels}:
        raise NothingToDoError(f"{path}: no file is in the split {', '.join(sorted(missing))}")
    chosen = [label for label in labels if not splits or label.split in splits]
    if not chosen:
        raise NothingToDoError(f"{path}: no labels")
    return chosen


class Judge:
    """Compares records of a schema with truths.

    `renamed` gives, for a key of the truth, the key of the schema that means the same; keys that
    are the same in both need no mention. `date_order` is how the truth means 03/04/2018.
    """

    def __init__(
        self,
        schema: Schema[Any],
        labels: Iterable[Labelled],
        renamed: Mapping[str, str],
        date_order: DateOrder = "day first",
    ) -> None:
        kinds = {
            key: field.kind
            for key, field in schema.fields.fields.items()
            if isinstance(field, Leaf)
        }
        truth_keys = {key for label in labels for key in label.truth}
        for key, own in renamed.items():
            if key not in truth_keys:
                raise UsageError(f"no truth has the key {key}", hint=_choose_from(truth_keys))
            if own not in kinds:
                raise UsageError(
                    f"the schema has no single value called {own}", hint=_choose_from(kinds)
                )
        pairs = {key: renamed.get(key, key) for key in truth_keys}
        self._pairs = sorted((key, own) for key, own in pairs.items() if own in kinds)
        if not self._pairs:
            raise UsageError(
                "truth and schema have no key in common",
                hint=f"pair them with --map: {', '.join(truth_keys)} = {', '.join(kinds)}",
            )
        self._kinds: Mapping[str, Kind] = kinds
        self._hints = Hints(date_order=date_order, decimal_mark=".")
        self.not_scored = sorted(truth_keys - {key for key, _ in self._pairs})
        """Keys of the truth that the schema does not have, or that are lists there."""

    def judge(self, label: Labelled, outcome: Outcome) -> Judged:
        """Hold what became of a file against its truth."""
        extraction = outcome.extraction
        record = extraction.data if extraction else {}
        printed = {path: one.text for path, one in extraction.fields.items()} if extraction else {}
        verdicts = {
            own: self._verdict(
                self._kinds[own], label.truth[key], record.get(own), printed.get(own)
            )
            for key, own in self._pairs
            if key in label.truth
        }
        return Judged(label, extraction is not None, verdicts)

    def _verdict(self, kind: Kind, truth: Any, value: Any, printed: str | None) -> Verdict:
        if truth is None or not str(truth).strip():
            return "absent" if value is None else "invented"
        if value is None:
            return "missed"
        try:
            same = _plain(CONVERTERS[kind](str(truth), self._hints)) == _plain(
                CONVERTERS[kind](str(value), self._hints)
            )
        except ValueError:
            # The truth is not of the field's kind (labels have faults): what is printed decides.
            same = _plain(truth) == _plain(printed or value)
        return "right" if same else "wrong"


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


def _choose_from(keys: Iterable[str]) -> str:
    return "choose from: " + ", ".join(sorted(keys))


def scores(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures per split and, where there are several, together under `all`; JSON throughout.

    Of each field: counts of the verdicts, `accuracy` (right and absent among all) with its 95 %
    Wilson `interval`, and, where labels have groups, `by_group`: the mean over groups.
    """
    splits: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        splits[one.label.split].append(one)
    if len(splits) > 1:
        splits["all"] = list(judged)
    return {split: _scores_of(members) for split, members in splits.items()}


def _scores_of(judged: Sequence[Judged]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for one in judged for name in one.verdicts))
    total: Counter[Verdict] = Counter(v for one in judged for v in one.verdicts.values())
    return {
        "files": len(judged),
        "unreadable": sum(not one.readable for one in judged),
        "fields": {name: _field_scores(name, judged) for name in names},
        "micro_f1": _f1(total),
    }


def _field_scores(name: str, judged: Sequence[Judged]) -> dict[str, Any]:
    mine = [one for one in judged if name in one.verdicts]
    counts = Counter(one.verdicts[name] for one in mine)
    correct = counts["right"] + counts["absent"]
    figures: dict[str, Any] = {
        "files": len(mine),
        "right": counts["right"],
        "wrong": counts["wrong"],
        "missed": counts["missed"],
        "invented": counts["invented"],
        "absent": counts["absent"],
        "accuracy": round(correct / len(mine), 4),
        "interval": _wilson(correct, len(mine)),
        "f1": _f1(counts),
    }
    if any(one.label.group for one in mine):
        figures["by_group"] = _mean_over_groups(name, mine)
    return figures


def _mean_over_groups(name: str, judged: Sequence[Judged]) -> float:
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        group = one.label.group or one.label.file
        groups[group].append(one.verdicts[name] in ("right", "absent"))
    means = [sum(hits) / len(hits) for hits in groups.values()]
    return round(sum(means) / len(means), 4)


def _f1(counts: Mapping[Verdict, int]) -> float:
    predicted = counts["right"] + counts["wrong"] + counts["invented"]
    labelled = counts["right"] + counts["wrong"] + counts["missed"]
    values = predicted + labelled
    return round(2 * counts["right"] / values, 4) if values else 1.0


def _wilson(hits: int, trials: int) -> list[float]:
    z = 1.96
    share, spread = hits / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / trials / 4)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def score_table(figures: Mapping[str, Any]) -> str:
    """The scores as lines of text for people."""
    lines = []
    for split, figure in figures.items():
        unreadable = f", {figure['unreadable']} unreadable" if figure["unreadable"] else ""
        lines.append(f"{split}: {figure['files']} files{unreadable}")
        lines.append(
            f"  {'field':<20}{'accuracy':>9}{'95 % interval':>17}"
            f"{'right':>7}{'wrong':>7}{'missed':>8}{'invented':>10}{'absent':>8}"
        )
        for name, field in figure["fields"].items():
            low, high = field["interval"]
            grouped = f"   by group {field['by_group']:.1%}" if "by_group" in field else ""
            lines.append(
                f"  {name:<20}{field['accuracy']:>9.1%}{low:>9.1%} –{high:>6.1%}"
                f"{field['right']:>7}{field['wrong']:>7}{field['missed']:>8}"
                f"{field['invented']:>10}{field['absent']:>8}{grouped}"
            )
        lines.append(f"  {'micro F1':<20}{figure['micro_f1']:>9.3f}")
    return "\n".join(lines)

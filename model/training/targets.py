"""Measures a set of weights against the figures that it is to reach, and prints them as a table.

    python -m training.targets --receipts SROIE --einvoices EINVOICES --exam EXAM --out measured
    python -m training.targets --dice DICE --cards CARDS --coins COINS --scenes SCENES --out found

Everything is read by the product itself, greedily, from pixels alone, and scored as `docextract
evaluate` scores; the e-invoices are read once more with the help of their visible words. EXAM is
drawn by `python -m training.exam`, SCENES by `python -m training.scenes.exam`. `measured` then
holds what was read, judged (receipts.jsonl, ...: what `python -m training.calibrate` fits to), and
the table as targets.md and targets.json.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from docextract.confidence import fingerprint
from docextract.evaluation import (
    CountLabel,
    Judged,
    JudgedCount,
    Labelled,
    Verdict,
    count_scores,
    count_table,
    f1,
    judge_counts,
    judge_folder,
    load_count_labels,
    load_labels,
    score_table,
    scores,
    wilson,
)
from docextract.evaluation.judging import CORRECT
from docextract.evaluation.scores import SIMILAR
from docextract.pages import open_document
from docextract.printed import NotReadableError
from docextract.printed.dates import date_readings
from docextract.readers import BUNDLED
from docextract.resources import bundled
from docextract.settings import BUDGETS, Limits, Settings, parse_budget
from training.count_targets import COUNT_SETS, CountSet, count_measures
from training.measure import Measure, share, table

T = TypeVar("T", Judged, JudgedCount)
L = TypeVar("L", Labelled, CountLabel)

_RECEIPT_KEYS = {"company": "merchant_name", "address": "merchant_address"}
_EINVOICE_KEYS = {
    "seller": "seller_name",
    "buyer": "buyer_name",
    "seller_vat": "seller_tax_id",
    "line_total": "net_total",
    "grand_total": "total",
}
_CONTEST = ("merchant_name", "date", "total")
"""What the SROIE contest takes its F1 over, the address left out."""

_LONGEST_DATE = 4
"""Words that a printed date may take."""


@dataclass(frozen=True)
class Set:
    """Labelled files of a folder, and how they are read. An empty `splits` means all."""

    name: str
    folder: str
    schema: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    evidence: Literal["words", "none"] = "none"


SETS = (
    Set("receipts", "receipts", "receipt", _RECEIPT_KEYS, ("dev", "dev_seen")),
    Set("einvoices", "einvoices", "invoice", _EINVOICE_KEYS, ("dev",)),
    Set("einvoices_words", "einvoices", "invoice", _EINVOICE_KEYS, ("dev",), "words"),
    Set("exam", "exam"),
)


def measures(read: Mapping[str, Sequence[Judged]], folders: Mapping[str, Path]) -> list[Measure]:
    """The figures of the sets that were read, by their names."""
    found: list[Measure] = []
    if "receipts" in read:
        found += _of_receipts(read["receipts"])
    if "einvoices" in read:
        pixels = (("invoice_number", 0.85), ("issue_date", 0.85), ("total", 0.85))
        fields = (*pixels, ("seller_name", 0.75), ("due_date", 0.80), ("iban", 0.80))
        found += _of_einvoices("e-invoices", fields, read["einvoices"], folders["einvoices"])
    if "einvoices_words" in read:
        words = (("invoice_number", 0.96), ("issue_date", 0.96), ("total", 0.96))
        judged, folder = read["einvoices_words"], folders["einvoices"]
        found += _of_einvoices("e-invoices, with words", words, judged, folder)
    if "exam" in read:
        found += _of_exam(read["exam"])
    return found


def _of_receipts(judged: Sequence[Judged]) -> Iterator[Measure]:
    dev = [one for one in judged if one.label.split == "dev"]
    name = "receipts, dev"
    for key, least in (
        ("total", 0.93),
        ("date", 0.95),
        ("merchant_name", 0.75),
        ("merchant_address", 0.58),
    ):
        yield share(name, key, least, [one.verdicts[key] in CORRECT for one in dev])
    similar = [one.similar.get("merchant_address", 0.0) >= SIMILAR for one in dev]
    yield share(name, "merchant_address, similar", 0.80, similar)
    for split, least in (("dev", 0.86), ("dev_seen", 0.93)):
        mine = [one for one in judged if one.label.split == split]
        verdicts = [one.verdicts[key] for one in mine for key in _CONTEST]
        what = f"receipts, {split}"
        yield Measure(what, "micro-F1", least, f1(verdicts), f"{len(mine)} files", None)


def _of_einvoices(
    what: str, fields: Sequence[tuple[str, float]], judged: Sequence[Judged], folder: Path
) -> Iterator[Measure]:
    """Means over layouts of files whose number and total stand on the page."""
    lines = (folder / "labels.jsonl").read_text("utf-8").splitlines()
    strict = {line["file"] for line in map(json.loads, lines) if line["strict"]}
    mine = [one for one in judged if one.label.file in strict]
    for key, least in fields:
        stands = _STANDS.get(key)
        some = [one for one in mine if not stands or _is_on_page(one, key, stands, folder)]
        if some:
            yield _mean(what, key, least, some)


def _of_exam(judged: Sequence[Judged]) -> Iterator[Measure]:
    for split, words, least in (
        ("currency", "currency", 0.95),
        ("unseen", "all fields", 0.95),
        ("labels", "values by unseen labels", 0.90),
        ("rows", "rows of line items", 0.85),
        ("absent", "null where absent", 0.95),
    ):
        verdicts: list[Verdict] = [
            verdict
            for one in judged
            if one.label.split == split
            for verdict in (*one.verdicts.values(), *(v for r in one.rows.values() for v in r))
        ]
        if verdicts:
            yield share("exam", words, least, [verdict in CORRECT for verdict in verdicts])


def _mean(what: str, key: str, least: float, judged: Sequence[Judged]) -> Measure:
    """The mean over groups; its interval is that of the share of groups, few as they are."""
    groups: dict[str, list[bool]] = {}
    for one in judged:
        groups.setdefault(one.label.group or one.label.file, []).append(
            one.verdicts[key] in CORRECT
        )
    value = sum(sum(hits) / len(hits) for hits in groups.values()) / len(groups)
    return Measure(
        what,
        key,
        least,
        value,
        f"{len(groups)} layouts, {len(judged)} files",
        _interval(value, len(groups)),
    )


def _interval(share: float, trials: int) -> tuple[float, float]:
    low, high = wilson(share * trials, trials)
    return low, high


def _is_on_page(
    one: Judged, key: str, stands: Callable[[str, Sequence[str]], bool], folder: Path
) -> bool:
    truth = one.label.truth.get(key)
    return bool(truth) and stands(str(truth), _text(folder / one.label.file))


@cache
def _text(path: Path) -> list[str]:
    """The words of a document's text layer."""
    with open_document(path, Limits(), (), str(path)) as document:
        pages = [document.render(number, budget=64) for number in document.numbers()]
    return [word.text for page in pages for word in page.words]


def _has_iban(truth: str, words: Sequence[str]) -> bool:
    return _letters(truth) in _letters("".join(words))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()


def _has_date(truth: str, words: Sequence[str]) -> bool:
    """Whether some of the words in a row can be read as that day."""
    day = date.fromisoformat(truth)
    return any(
        day in _days(" ".join(words[start : start + length]))
        for start in range(len(words))
        for length in range(1, _LONGEST_DATE + 1)
    )


def _days(text: str) -> list[date]:
    try:
        return [reading.value for reading in date_readings(text)]
    except NotReadableError:
        return []


_STANDS: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "due_date": _has_date,
    "iban": _has_iban,
}
"""Fields that count where their value stands in the words of the page."""


def main(words: Sequence[str] | None = None) -> None:
    """Read, judge and report what the command line names."""
    arguments = _arguments(words)
    names = dict.fromkeys(one.folder for one in (*SETS, *COUNT_SETS))
    folders = {name: path for name in names if (path := getattr(arguments, name))}
    if not folders:
        sys.exit(f"name at least one of {', '.join(f'--{name}' for name in names)}")
    budget = parse_budget(arguments.budget) if arguments.budget else None
    arguments.out.mkdir(parents=True, exist_ok=True)
    read: dict[str, list[Judged]] = {}
    counted: dict[str, list[JudgedCount]] = {}
    report = ""
    for one in SETS:
        if one.folder in folders:
            settings = Settings(budget=budget, evidence=one.evidence)
            read[one.name] = _read(one, folders[one.folder], arguments, settings)
            report = _report(read, counted, folders, arguments)  # a long run may be cut short
    for some in COUNT_SETS:
        if some.folder in folders:
            counted[some.folder] = _count(some, folders[some.folder], arguments, budget)
            report = _report(read, counted, folders, arguments)
    print(report)


def _report(
    read: Mapping[str, Sequence[Judged]],
    counted: Mapping[str, Sequence[JudgedCount]],
    folders: Mapping[str, Path],
    arguments: argparse.Namespace,
) -> str:
    """The table and the scores of every set, written to the folder of results."""
    found = [*measures(read, folders), *count_measures(counted)]
    figures = {name: scores(judged) for name, judged in read.items()}
    counts = {name: count_scores(judged) for name, judged in counted.items()}
    content = {
        "model": arguments.model,
        "weights": _weights(arguments.model),
        "budget": arguments.budget,
        "jobs": arguments.jobs,
        "targets": [vars(one) for one in found],
        "sets": {**figures, **counts},
    }
    (arguments.out / "targets.json").write_text(json.dumps(content, indent=2), "utf-8")
    head = (
        f"Model {arguments.model} ({content['weights'] or 'no checkpoint'}), "
        f"budget {arguments.budget or 'default'}, {arguments.jobs} processes"
    )
    tables = {name: score_table(scored) for name, scored in figures.items()}
    tables |= {name: count_table(scored) for name, scored in counts.items()}
    blocks = [f"{name}\n\n```\n{lines}\n```" for name, lines in tables.items()]
    report = "\n\n".join([head, table(found), *blocks]) + "\n"
    (arguments.out / "targets.md").write_text(report, "utf-8")
    return report


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.targets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--receipts", type=Path, help="labelled receipts (SROIE)")
    parser.add_argument("--einvoices", type=Path, help="labelled e-invoices")
    parser.add_argument("--exam", type=Path, help="drawn by training.exam")
    for name in (one.folder for one in COUNT_SETS):
        parser.add_argument(f"--{name}", type=Path, help=f"labelled pictures of {name}")
    parser.add_argument("--tiles", choices=("auto", "never", "always"), default="auto")
    parser.add_argument("--out", type=Path, required=True, help="a folder, made if need be")
    parser.add_argument("--model", default=BUNDLED, help="bundled, or a checkpoint's folder")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--budget", help=f"tokens a page, or one of {', '.join(BUDGETS)}")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--limit", type=int, help="only so many files of each split")
    return parser.parse_args(words)


def _read(
    some: Set, folder: Path, arguments: argparse.Namespace, settings: Settings
) -> list[Judged]:
    """The judged files of a set; what was read is written down as it comes."""
    labels = _first(load_labels(folder / "labels.jsonl", some.splits), arguments.limit)
    judged = judge_folder(
        folder,
        labels,
        some.schema,
        some.renamed,
        settings=settings,
        model=arguments.model,
        device=arguments.device,
        jobs=arguments.jobs,
    )
    return list(_written(judged, arguments.out / f"{some.name}.jsonl", len(labels)))


def _count(
    some: CountSet, folder: Path, arguments: argparse.Namespace, budget: int | None
) -> list[JudgedCount]:
    """The judged counts of a set, written down as they come."""
    labels = load_count_labels(
        folder / "labels.jsonl", some.objects, some.absent, splits=some.splits
    )
    labels = _first(labels, arguments.limit)
    counts = judge_counts(
        folder,
        labels,
        settings=Settings(budget=budget, tiles=arguments.tiles),
        model=arguments.model,
        device=arguments.device,
        jobs=arguments.jobs,
    )
    return list(_written(counts, arguments.out / f"{some.folder}.jsonl", len(labels)))


def _written(judged: Iterable[T], path: Path, number: int) -> Iterator[T]:
    """The judged, once they are written down."""
    with path.open("w", encoding="utf-8") as lines:
        for done, one in enumerate(judged, 1):
            lines.write(json.dumps(one.to_dict(), ensure_ascii=False) + "\n")
            lines.flush()
            print(f"\r{path.stem}: {done} of {number}", end="", file=sys.stderr)
            yield one
    print(file=sys.stderr)


def _first(labels: Sequence[L], limit: int | None) -> list[L]:
    """Those of so many files of each split."""
    seen: dict[str, set[str]] = {}
    chosen = []
    for label in labels:
        files = seen.setdefault(label.split, set())
        if limit is None or label.file in files or len(files) < limit:
            files.add(label.file)
            chosen.append(label)
    return chosen


def _weights(model: str) -> str | None:
    """What tells a checkpoint from others; None for what is no folder."""
    folder = bundled("model/weights") if model == BUNDLED else Path(model)
    return fingerprint(folder) if folder.is_dir() else None


if __name__ == "__main__":
    main()

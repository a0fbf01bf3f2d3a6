"""Measures a set of weights against the figures that it is to reach, and prints them as a table.

    python -m training.targets --receipts SROIE --einvoices EINVOICES --exam EXAM --out measured

Everything is read by the product itself, greedily, from pixels alone, and scored as `docextract
evaluate` scores; the e-invoices are read once more with the help of their visible words. EXAM is
drawn by `python -m training.exam`. `measured` then holds what was read, judged (receipts.jsonl,
...: what `python -m training.calibrate` fits to), and the table as targets.md and targets.json.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from docextract.confidence import fingerprint
from docextract.evaluation import (
    Judged,
    Labelled,
    Verdict,
    f1,
    judge_folder,
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


@dataclass(frozen=True)
class Measure:
    """A figure of the table, 0 to 1, beside what it is to reach.

    `count` says what it is a share or mean of, `interval` (95 %) is None where there is none.
    """

    what: str
    field: str
    least: float
    value: float
    count: str
    interval: tuple[float, float] | None


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
        yield _share(name, key, least, [one.verdicts[key] in CORRECT for one in dev])
    similar = [one.similar.get("merchant_address", 0.0) >= SIMILAR for one in dev]
    yield _share(name, "merchant_address, similar", 0.80, similar)
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
            yield _share("exam", words, least, [verdict in CORRECT for verdict in verdicts])


def _share(what: str, key: str, least: float, hits: Sequence[bool]) -> Measure:
    low, high = wilson(sum(hits), len(hits))
    return Measure(what, key, least, sum(hits) / len(hits), f"{len(hits)}", (low, high))


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


def table(found: Sequence[Measure]) -> str:
    """The figures in Markdown."""
    lines = [
        "| set | field | of | at least | measured | 95 % interval | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        interval = "" if one.interval is None else "{:.0%} – {:.0%}".format(*one.interval)
        met = "reached" if one.value >= one.least else ""
        lines.append(
            f"| {one.what} | {one.field} | {one.count} | {one.least:.0%} | {one.value:.1%} "
            f"| {interval} | {met} |"
        )
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Read, judge and report what the command line names."""
    arguments = _arguments(words)
    names = dict.fromkeys(one.folder for one in SETS)
    folders = {name: path for name in names if (path := getattr(arguments, name))}
    if not folders:
        sys.exit(f"name at least one of {', '.join(f'--{name}' for name in names)}")
    budget = parse_budget(arguments.budget) if arguments.budget else None
    arguments.out.mkdir(parents=True, exist_ok=True)
    read: dict[str, list[Judged]] = {}
    report = ""
    for one in SETS:
        if one.folder in folders:
            settings = Settings(budget=budget, evidence=one.evidence)
            read[one.name] = _read(one, folders[one.folder], arguments, settings)
            report = _report(read, folders, arguments)  # so far: a long run may be cut short
    print(report)


def _report(
    read: Mapping[str, Sequence[Judged]], folders: Mapping[str, Path], arguments: argparse.Namespace
) -> str:
    """The table and the scores of every set, written to the folder of results."""
    found = measures(read, folders)
    figures = {name: scores(judged) for name, judged in read.items()}
    content = {
        "model": arguments.model,
        "weights": _weights(arguments.model),
        "budget": arguments.budget,
        "jobs": arguments.jobs,
        "targets": [vars(one) for one in found],
        "sets": figures,
    }
    (arguments.out / "targets.json").write_text(json.dumps(content, indent=2), "utf-8")
    head = (
        f"Model {arguments.model} ({content['weights'] or 'no checkpoint'}), "
        f"budget {arguments.budget or 'default'}, {arguments.jobs} processes"
    )
    blocks = [f"{name}\n\n```\n{score_table(scored)}\n```" for name, scored in figures.items()]
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
    judged = []
    with (arguments.out / f"{some.name}.jsonl").open("w", encoding="utf-8") as lines:
        for one in judge_folder(
            folder,
            labels,
            some.schema,
            some.renamed,
            settings=settings,
            model=arguments.model,
            device=arguments.device,
            jobs=arguments.jobs,
        ):
            judged.append(one)
            lines.write(json.dumps(one.to_dict(), ensure_ascii=False) + "\n")
            lines.flush()
            print(f"\r{some.name}: {len(judged)} of {len(labels)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return judged


def _first(labels: Sequence[Labelled], limit: int | None) -> list[Labelled]:
    """So many of each split."""
    seen: dict[str, int] = {}
    chosen = []
    for label in labels:
        seen[label.split] = seen.get(label.split, 0) + 1
        if limit is None or seen[label.split] <= limit:
            chosen.append(label)
    return chosen


def _weights(model: str) -> str | None:
    """What tells a checkpoint from others; None for what is no folder."""
    folder = bundled("model/weights") if model == BUNDLED else Path(model)
    return fingerprint(folder) if folder.is_dir() else None


if __name__ == "__main__":
    main()

"""Counts as JSON, JSON lines, CSV for an inventory, a summary of it, or a table for people."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from docextract.report.tables import JsonLines, cell, write_json

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    "file",
    "page",
    "object",
    "sku",
    "zone",
    "count",
    "status",
    "reason",
    "confidence",
    "expected",
    "difference",
    "error",
)
SUMMARY = (
    "object",
    "sku",
    "pictures",
    "total",
    "mean",
    "review",
    "failed",
    "expected",
    "difference",
    "note",
)
FACINGS = "visible facings: a photo does not show the stock behind them"

Line = Mapping[str, Any]

_COLOURS = {"ok": "green", "review": "yellow", "failed": "red"}


def write_counts(stream: TextIO, lines: Sequence[Line], form: str) -> None:
    """All lines as `json`, `jsonl`, `csv` or `table`.

    As JSON, one line is an object of its own, and several are an array.
    """
    match form:
        case "jsonl":
            for line in lines:
                JsonLines(stream).write(line)
        case "json":
            write_json(stream, lines[0] if len(lines) == 1 else list(lines))
        case "csv":
            write_csv(stream, lines)
        case "table":
            _write_table(stream, lines)
        case _:
            raise ValueError(f"no such format: {form}")


def write_csv(stream: TextIO, lines: Sequence[Line]) -> None:
    """One row per line: UTF-8, a header always, no cell that a spreadsheet would run."""
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(COLUMNS)
    for line in lines:
        error = line["error"]
        said = {**line, "error": f"{error['name']}: {error['message']}" if error else None}
        rows.writerow([cell(said[column]) for column in COLUMNS])
    stream.flush()


def write_summary(stream: TextIO, lines: Sequence[Line]) -> None:
    """One row per object and article."""
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(SUMMARY)
    for total in totals(lines):
        rows.writerow([cell(total[column]) for column in SUMMARY])
    stream.flush()


def is_report(path: Path) -> bool:
    """Whether a file has the header of a CSV or a summary of counts."""
    heads = {",".join(COLUMNS), ",".join(SUMMARY)}
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") in heads
    except (OSError, UnicodeDecodeError):
        return False


def totals(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Of each object, and each article among its kind: how many in how many pictures.

    `pictures` are pages that were counted, `mean` is that of a picture, `review` and `failed` count
    lines. `expected` and `difference` are sums over lines that have them, None where none has.
    """
    kinds: dict[tuple[str, str | None], list[Line]] = {}
    for line in lines:
        kinds.setdefault((line["object"], line["sku"]), []).append(line)
    return [_total(name, sku, members) for (name, sku), members in kinds.items()]


def _total(name: str, sku: str | None, lines: Sequence[Line]) -> dict[str, Any]:
    counted = [line for line in lines if line["count"] is not None]
    pictures = len({(line["file"], line["page"]) for line in counted})
    total = sum(line["count"] for line in counted)
    return {
        "object": name,
        "sku": sku,
        "pictures": pictures,
        "total": total,
        "mean": round(total / pictures, 2) if pictures else None,
        "review": sum(line["status"] == "review" for line in lines),
        "failed": sum(line["status"] == "failed" for line in lines),
        "expected": _sum([line["expected"] for line in lines]),
        "difference": _sum([line["difference"] for line in lines]),
        "note": FACINGS,
    }


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _write_table(stream: TextIO, lines: Sequence[Line]) -> None:
    """For the eye: the lines, then the totals."""
    from rich.console import Console
    from rich.text import Text

    # Only a terminal has an edge at which lines must break.
    console = Console(file=stream, width=None if stream.isatty() else 1000, highlight=False)
    pages = any(line["page"] not in (1, None) for line in lines)
    told = [
        {
            **line,
            "page": line["page"] if pages else None,
            "reason": line["error"]["message"] if line["error"] else line["reason"],
        }
        for line in lines
    ]
    console.print(_table(told, [column for column in COLUMNS if column != "error"]))
    console.print()
    console.print(_table(totals(lines), SUMMARY[:-1]))
    console.print(Text(FACINGS, style="dim"))


def _table(lines: Sequence[Line], columns: Sequence[str]) -> "Table":
    """The columns that hold anything."""
    from rich.table import Table
    from rich.text import Text

    filled = [name for name in columns if any(line[name] is not None for line in lines)]
    table = Table(box=None, pad_edge=False)
    for name in filled:
        words = name in ("file", "object", "sku", "zone", "status", "reason")
        table.add_column(Text(name), justify="left" if words else "right", overflow="fold")
    for line in lines:
        table.add_row(
            *(Text(_shown(name, line[name]), _COLOURS.get(line[name], "")) for name in filled)
        )
    return table


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:+d}" if name == "difference" and value else str(value)

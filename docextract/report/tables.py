"""Outcomes as JSON, JSON lines, CSV or a table for people; report.xlsx and report.parquet add two.

An outcome is one document's JSON-ready dict: `file, status, record, error`, or with details a whole
extraction, which has `file, status, record` too.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from docextract.errors import UsageError
from docextract.report.columns import Layout, Value, lists_of, rows_at, value_at
from docextract.report.results import Line, name_of
from docextract.report.writing import DOUBTFUL, Writer, is_doubtful, message_of
from docextract.types import clock

if TYPE_CHECKING:
    from rich.text import Text

FORMATS = ("json", "jsonl", "csv", "table", "xlsx", "parquet")

FILES = ("xlsx", "parquet")
"""Formats that no terminal can show."""

# A spreadsheet would run such a cell as a formula; a number it may take as it is.
_FORMULA = re.compile(r"[=+\-@\t\r](?!\d[\d.,]*$)")

_STYLES = {
    "ok": "green",
    "review": "yellow",
    "failed": "red",
    "absent": "dim",
    "repaired": "magenta",
    **dict.fromkeys(DOUBTFUL, "yellow"),
}


class JsonLines(Writer):
    """One compact line per outcome, at once."""

    def write(self, outcome: Line) -> None:
        json.dump(outcome, self.stream, ensure_ascii=False)
        self.stream.write("\n")
        self.stream.flush()


class JsonArray(Writer):
    """All outcomes in one array."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._outcomes: list[Line] = []

    def write(self, outcome: Line) -> None:
        self._outcomes.append(outcome)

    def finish(self) -> None:
        write_json(self.stream, self._outcomes)


class Csv(Writer):
    """One row per outcome: file, status, the record's fields, error.

    Fields of an object get a column each (`seller.name`); a list is JSON in one cell, but for the
    one to `explode`: it has columns of its own (`line_items.amount`), and a row per outcome and
    item, in which the other values are repeated. Text that a spreadsheet would take for a formula
    gets an apostrophe in front.
    """

    def __init__(self, stream: TextIO, layout: Layout, explode: str | None = None) -> None:
        super().__init__(stream)
        self._layout = layout
        self._exploded = explode
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(["file", "status", *self._names(), "error"])

    def write(self, outcome: Line) -> None:
        record = outcome.get("record")
        items = rows_at(record, self._exploded) if self._exploded else []
        for item in items or [None]:
            row = [name_of(outcome), outcome["status"], *self._values(record, item)]
            self._rows.writerow([cell(value) for value in (*row, message_of(outcome))])
        self.stream.flush()

    def _names(self) -> Iterator[str]:
        for path, part in self._layout.items():
            if path == self._exploded and isinstance(part, Mapping):
                yield from (f"{path}.{key}" if key else path for key in part)
            else:
                yield path

    def _values(self, record: Any, item: Any) -> Iterator[Value]:
        for path, part in self._layout.items():
            if isinstance(part, str):
                yield value_at(record, path, part)
            elif path == self._exploded:
                yield from (value_at(item, key, kind) for key, kind in part.items())
            else:
                rows = rows_at(record, path)
                yield None if record is None else json.dumps(rows, ensure_ascii=False)


class PeopleTable(Writer):
    """For the eye, in a terminal; not for scripts. Colours say how sure a value is."""

    def write(self, outcome: Line) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        # Only a terminal has an edge at which lines must break.
        console = Console(
            file=self.stream, width=None if self.stream.isatty() else 1000, highlight=False
        )
        status = Text(outcome["status"], style=_STYLES[outcome["status"]])
        console.print(Text.assemble((name_of(outcome), "bold"), "  ", status))
        if error := outcome.get("error"):
            console.print(Text(f"  {error['message']}", style="red"))
        for check in outcome.get("checks") or ():
            if not check["passed"]:
                console.print(Text(f"  {check['message']}", style="yellow"))
        known = outcome.get("fields") or {}
        fields = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2))
        lists: list[tuple[str, list[Mapping[str, Any]]]] = []
        for path, value in _flat(outcome.get("record") or {}):
            if isinstance(value, list) and value and isinstance(value[0], Mapping):
                lists.append((path, value))
            else:
                words = Text(_standing(known.get(path)), style=_style(known.get(path)))
                fields.add_row(Text(path, style="cyan"), _painted(value, known.get(path)), words)
        if fields.row_count:
            console.print(fields)
        for path, items in lists:
            console.print(Text(path, style="cyan"))
            table = Table(box=None)
            for key in items[0]:
                table.add_column(Text(key), overflow="fold")
            for number, item in enumerate(items):
                cells = ((item.get(key), known.get(f"{path}.{number}.{key}")) for key in items[0])
                table.add_row(*(_painted(*cell) for cell in cells))
            console.print(table)
        console.print()


def open_writer(form: str, stream: TextIO, layout: Layout, explode: str | None = None) -> Writer:
    """The writer of one of FORMATS; `explode` names a list that csv writes a row an item for.

    Raises:
        UsageError: the format wants a package that is not installed, or has no such rows.
    """
    if explode is not None:
        if form != "csv":
            raise UsageError(f"--explode is for csv, not {form}", hint="use --format csv")
        if explode not in lists_of(layout):
            there = ", ".join(lists_of(layout)) or "none"
            raise UsageError(f"the record has no list {explode}", hint=f"its lists: {there}")
    match form:
        case "json":
            return JsonArray(stream)
        case "jsonl":
            return JsonLines(stream)
        case "csv":
            return Csv(stream, layout, explode)
        case "table":
            return PeopleTable(stream)
        case "xlsx":
            from docextract.report.xlsx import Xlsx

            return Xlsx(stream, layout)
        case "parquet":
            from docextract.report.parquet import Parquet

            return Parquet(stream, layout)
    raise ValueError(f"no such format: {form}")


def write_json(stream: TextIO, value: object) -> None:
    """One value as JSON that a person can read too."""
    json.dump(value, stream, ensure_ascii=False, indent=2)
    stream.write("\n")
    stream.flush()


def cell(value: Value) -> str:
    """A value in a CSV; text that a spreadsheet would run gets an apostrophe in front."""
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if _FORMULA.match(value) else value
        case Decimal():
            return f"{value:f}"
        case time():
            return clock(value)
        case date():
            return value.isoformat()
    return json.dumps(value)


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _painted(value: Any, known: Mapping[str, Any] | None) -> "Text":
    from rich.text import Text

    return Text(shown(value), style=_style(known))


def _style(known: Mapping[str, Any] | None) -> str:
    """The colour of the worse of status and evidence."""
    if not known:
        return ""
    return _STYLES.get("contradicted" if is_doubtful(known) else known["status"], "")


def _standing(known: Mapping[str, Any] | None) -> str:
    """What is worth saying about a value beside it."""
    if not known:
        return ""
    words = [known["status"] if known["status"] not in ("found", "absent") else ""]
    words.append(known["evidence"] if known["evidence"] in DOUBTFUL else "")
    if known["confidence"] is not None and known["value"] is not None:
        words.append(f"{known['confidence']:.0%}")
    return ", ".join(filter(None, words))


def shown(value: Any) -> str:
    """A value for the eye, without letters that would steer a terminal."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else " " for letter in text)

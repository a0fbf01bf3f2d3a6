"""Outcomes as JSON, JSON lines, CSV or a table for people.

An outcome is one document's JSON-ready dict: `file, status, record, error`, or with details a whole
extraction, which has `file, status, record` too.
"""

import csv
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

FORMATS = ("json", "jsonl", "csv", "table")

Outcome = Mapping[str, Any]

# A spreadsheet would run such a cell as a formula; a number it may take as it is.
_FORMULA = re.compile(r"[=+\-@\t\r](?!\d[\d.,]*$)")


class Writer(ABC):
    """Takes outcomes one by one and writes them to a text stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Add one outcome."""

    def finish(self) -> None:
        """Write what had to wait for the last outcome."""
        self.stream.flush()


class JsonLines(Writer):
    """One compact line per outcome, at once."""

    def write(self, outcome: Outcome) -> None:
        json.dump(outcome, self.stream, ensure_ascii=False)
        self.stream.write("\n")
        self.stream.flush()


class JsonArray(Writer):
    """All outcomes in one array."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._outcomes: list[Outcome] = []

    def write(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)

    def finish(self) -> None:
        write_json(self.stream, self._outcomes)


class Csv(Writer):
    """One row per outcome: file, status, the record's fields, error.

    Fields of an object get a column each (`seller.name`); a list is JSON in one cell. Text that a
    spreadsheet would take for a formula gets an apostrophe in front.
    """

    def __init__(self, stream: TextIO, tree: Mapping[str, Any]) -> None:
        super().__init__(stream)
        self._paths = list(_leaves(tree))
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(["file", "status", *map(".".join, self._paths), "error"])

    def write(self, outcome: Outcome) -> None:
        record, error = outcome.get("record"), outcome.get("error")
        values = [_at(record, path) for path in self._paths]
        message = f"{error['name']}: {error['message']}" if error else None
        row = [_name(outcome), outcome["status"], *values, message]
        self._rows.writerow([cell(value) for value in row])
        self.stream.flush()


class PeopleTable(Writer):
    """For the eye, in a terminal; not for scripts."""

    def write(self, outcome: Outcome) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        # Only a terminal has an edge at which lines must break.
        console = Console(
            file=self.stream, width=None if self.stream.isatty() else 1000, highlight=False
        )
        console.print(Text(f"{_name(outcome)}  {outcome['status']}", style="bold"))
        if error := outcome.get("error"):
            console.print(Text(f"  {error['message']}", style="red"))
        record = outcome.get("record") or {}
        fields = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2))
        lists: list[tuple[str, Sequence[Mapping[str, Any]]]] = []
        for path, value in _flat(record):
            if isinstance(value, list) and value and isinstance(value[0], Mapping):
                lists.append((path, value))
            else:
                fields.add_row(Text(path, style="cyan"), Text(_shown(value)))
        if fields.row_count:
            console.print(fields)
        for path, items in lists:
            table = Table(title=Text(path, style="cyan"), title_justify="left", box=None)
            for key in items[0]:
                table.add_column(Text(key), overflow="fold")
            for item in items:
                table.add_row(*(Text(_shown(item.get(key))) for key in items[0]))
            console.print(table)


def _name(outcome: Outcome) -> str:
    """The file, and the pages where it holds several documents: `scan.pdf#pages=3-4`."""
    pages = outcome.get("pages")
    return f"{outcome['file']}#pages={pages[0]}-{pages[1]}" if pages else str(outcome["file"])


def open_writer(form: str, stream: TextIO, tree: Mapping[str, Any]) -> Writer:
    """The writer of one of FORMATS; `tree` holds the record's keys (see docextract.prompt)."""
    match form:
        case "json":
            return JsonArray(stream)
        case "jsonl":
            return JsonLines(stream)
        case "csv":
            return Csv(stream, tree)
        case "table":
            return PeopleTable(stream)
    raise ValueError(f"no such format: {form}")


def write_json(stream: TextIO, value: object) -> None:
    """One value as JSON that a person can read too."""
    json.dump(value, stream, ensure_ascii=False, indent=2)
    stream.write("\n")
    stream.flush()


def _leaves(tree: Mapping[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, node in tree.items():
        if isinstance(node, Mapping):
            yield from _leaves(node, *above, key)
        else:
            yield *above, key


def _at(record: Any, path: Sequence[str]) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def cell(value: Any) -> str:
    """A value in a CSV; text that a spreadsheet would run gets an apostrophe in front."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if _FORMULA.match(value) else value


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

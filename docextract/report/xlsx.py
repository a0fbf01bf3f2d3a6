"""A workbook: a sheet of records, and one for each of their lists."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TextIO

from docextract.errors import OutputError, UsageError
from docextract.report.columns import Layout, Value, lists_of, rows_at, value_at
from docextract.report.results import Line, name_of
from docextract.report.writing import Writer, is_doubtful, message_of

_MOST_DIGITS = 15  # that a spreadsheet's numbers hold
_FIRST_YEAR = 1900  # of its calendar
_WIDTHS = {"amount": 12, "number": 10, "float": 10, "integer": 8, "boolean": 8, "currency": 9}
_WIDTHS |= {"date": 11, "time": 8, "datetime": 19}
_FILLS = {"ok": "#e2f3e7", "review": "#fff3d6", "failed": "#fde9e7"}


class Xlsx(Writer):
    """Amounts are numbers, days are dates, text is text, whatever it looks like.

    The status is coloured, and so are values that ask for a person, where that is known.
    """

    def __init__(self, stream: TextIO, layout: Layout) -> None:
        """Begin a workbook, which is written to the bytes below `stream` in the end.

        Raises:
            UsageError: XlsxWriter is not installed.
        """
        super().__init__(stream)
        try:
            import xlsxwriter
        except ImportError:
            raise UsageError(
                "xlsx needs one more package", hint="pip install 'docextract[xlsx]'"
            ) from None
        self._book = xlsxwriter.Workbook(stream.buffer, {"in_memory": True})
        styles = _Styles(self._book)
        self._values = {path: kind for path, kind in layout.items() if isinstance(kind, str)}
        self._lists = lists_of(layout)
        kinds = {"file": "text", "status": "text", **self._values, "error": "text"}
        self._records = _Sheet(self._book, styles, "records", kinds)
        self._sheets = {
            path: _Sheet(
                self._book, styles, path, {"file": "text", "row": "integer", **_named(columns)}
            )
            for path, columns in self._lists.items()
        }

    def write(self, outcome: Line) -> None:
        record, name = outcome.get("record"), name_of(outcome)
        known = outcome.get("fields") or {}
        fill = _FILLS[outcome["status"]]
        row: list[tuple[Value, str]] = [(name, ""), (outcome["status"], fill)]
        for path, kind in self._values.items():
            row.append((value_at(record, path, kind), _fill(known, path)))
        self._records.add([*row, (message_of(outcome), "")])
        for path, columns in self._lists.items():
            for number, item in enumerate(rows_at(record, path)):
                cells = [
                    (value_at(item, key, kind), _fill(known, f"{path}.{number}.{key}".rstrip(".")))
                    for key, kind in columns.items()
                ]
                self._sheets[path].add([(name, ""), (number + 1, ""), *cells])

    def finish(self) -> None:
        for sheet in (self._records, *self._sheets.values()):
            sheet.finish()
        self._book.close()
        super().finish()


class _Styles:
    """Each number format and colour once; a workbook has room for some thousands."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, str], Any] = {}

    def __call__(self, form: str, fill: str) -> Any:
        if (form, fill) not in self._made:
            how = {"num_format": form} if form else {}
            how |= {"bg_color": fill} if fill else {}
            self._made[form, fill] = self._book.add_format(how)
        return self._made[form, fill]


class _Sheet:
    """One sheet, filled from the top."""

    def __init__(self, book: Any, styles: _Styles, title: str, columns: Mapping[str, str]) -> None:
        self._styles = styles
        self._sheet = book.add_worksheet(_free_name(book, title))
        self._columns = columns
        self._row = 0
        bold = book.add_format({"bold": True})
        for number, (name, kind) in enumerate(columns.items()):
            self._sheet.set_column(number, number, max(_WIDTHS.get(kind, 24), len(name) + 2))
            self._sheet.write_string(0, number, name, bold)
        self._sheet.freeze_panes(1, 1)

    def add(self, cells: list[tuple[Value, str]]) -> None:
        """One row of values and the colours of their cells."""
        self._row += 1
        for column, (value, fill) in enumerate(cells):
            if self._write(column, value, fill):
                raise OutputError(
                    f"row {self._row}: more than a sheet can hold",
                    hint="a sheet has 1,048,576 rows, a cell 32,767 letters: use --format parquet",
                )

    def _write(self, column: int, value: Value, fill: str) -> int:
        sheet, style = self._sheet, self._styles
        place = self._row, column
        match value:
            case None:
                failed = sheet.write_blank(*place, None, style("", fill)) if fill else 0
            case bool():
                failed = sheet.write_boolean(*place, value, style("", fill))
            case int() | float():
                failed = sheet.write_number(*place, value, style("", fill))
            case Decimal() if len(value.as_tuple().digits) <= _MOST_DIGITS:
                money = list(self._columns.values())[column] == "amount"
                form = "#,##0.00######" if money else ""
                failed = sheet.write_number(*place, float(value), style(form, fill))
            case datetime() if value.year >= _FIRST_YEAR and value.tzinfo is None:
                form = style("yyyy-mm-dd hh:mm:ss", fill)
                failed = sheet.write_datetime(*place, value, form)
            case date() if value.year >= _FIRST_YEAR and not isinstance(value, datetime):
                failed = sheet.write_datetime(*place, value, style("yyyy-mm-dd", fill))
            case time():
                failed = sheet.write_datetime(*place, value, style("hh:mm:ss", fill))
            case _:
                text = f"{value:f}" if isinstance(value, Decimal) else str(value)
                failed = sheet.write_string(*place, text, style("", fill))
        return int(failed)

    def finish(self) -> None:
        """Let every column be filtered."""
        self._sheet.autofilter(0, 0, self._row, len(self._columns) - 1)


def _free_name(book: Any, title: str) -> str:
    """A name that a workbook allows, and has no other sheet of."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", title)[:28] or "list"
    taken = {sheet.get_name().casefold() for sheet in book.worksheets()}
    names = (plain, *(f"{plain} {number}" for number in range(2, 100)))
    return next(name for name in names if name.casefold() not in taken)


def _named(columns: Mapping[str, str]) -> dict[str, str]:
    return {name or "value": kind for name, kind in columns.items()}


def _fill(known: Mapping[str, Any], path: str) -> str:
    return _FILLS["review"] if is_doubtful(known.get(path)) else ""

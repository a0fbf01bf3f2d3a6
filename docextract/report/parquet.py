"""A Parquet file: a row for each document, typed columns, lists of structs."""

from collections.abc import Mapping
from typing import Any, TextIO

from docextract.errors import OutputError, UsageError
from docextract.printed import Kind
from docextract.report.columns import Columns, Layout, rows_at, value_at
from docextract.report.results import Line, name_of
from docextract.report.writing import Writer, message_of

_ROWS_AT_ONCE = 1000
_DIGITS, _DECIMALS = 38, 10  # what amounts have at most, and how many of them behind the point


class Parquet(Writer):
    """Amounts are decimals, days are dates; names of nested values have dots."""

    def __init__(self, stream: TextIO, layout: Layout) -> None:
        """Begin a file, which is written to the bytes below `stream` in the end.

        Raises:
            UsageError: pyarrow is not installed.
        """
        super().__init__(stream)
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise UsageError(
                "parquet needs one more package", hint="pip install 'docextract[parquet]'"
            ) from None
        self._arrow = pyarrow
        self._types = {
            "amount": pyarrow.decimal128(_DIGITS, _DECIMALS),
            "number": pyarrow.decimal128(_DIGITS, _DECIMALS),
            "float": pyarrow.float64(),
            "integer": pyarrow.int64(),
            "boolean": pyarrow.bool_(),
            "date": pyarrow.date32(),
            "time": pyarrow.time32("s"),
            "datetime": pyarrow.timestamp("us"),
        }
        self._layout = layout
        text = pyarrow.string()
        columns = [(path, self._type(part)) for path, part in layout.items()]
        self._schema = pyarrow.schema([("file", text), ("status", text), *columns, ("error", text)])
        self._bytes = pyarrow.BufferOutputStream()
        self._file = pyarrow.parquet.ParquetWriter(self._bytes, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, outcome: Line) -> None:
        record = outcome.get("record")
        row = {"file": name_of(outcome), "status": outcome["status"]}
        values = {path: self._value(record, path, part) for path, part in self._layout.items()}
        self._rows.append({**row, **values, "error": message_of(outcome)})
        if len(self._rows) == _ROWS_AT_ONCE:
            self._write_rows()

    def finish(self) -> None:
        self._write_rows()
        self._file.close()
        self.stream.buffer.write(self._bytes.getvalue())
        super().finish()

    def _type(self, part: Kind | Columns) -> Any:
        if not isinstance(part, Mapping):
            return self._types.get(part, self._arrow.string())
        inside = [(key, self._type(kind)) for key, kind in part.items()]
        if [key for key, _ in inside] == [""]:
            return self._arrow.list_(inside[0][1])
        return self._arrow.list_(self._arrow.struct(inside))

    def _value(self, record: Any, path: str, part: Kind | Columns) -> Any:
        if not isinstance(part, Mapping):
            return value_at(record, path, part)
        if record is None:
            return None
        return [
            value_at(row, "", part[""])
            if list(part) == [""]
            else {key: value_at(row, key, kind) for key, kind in part.items()}
            for row in rows_at(record, path)
        ]

    def _write_rows(self) -> None:
        try:
            table = self._arrow.Table.from_pylist(self._rows, self._schema)
        except (self._arrow.ArrowException, TypeError, ValueError) as error:
            raise OutputError(
                f"{self._culprit()}: a value does not fit its column ({error})",
                hint="correct it, or use --format csv, where everything is text",
            ) from error
        self._file.write_table(table)
        self._rows = []

    def _culprit(self) -> str:
        """The first document that cannot be written."""
        for row in self._rows:
            try:
                self._arrow.Table.from_pylist([row], self._schema)
            except (self._arrow.ArrowException, TypeError, ValueError):
                return str(row["file"])
        return "the results"

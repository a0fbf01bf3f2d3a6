import io
from datetime import datetime, time
from typing import Any

import openpyxl
import pytest

from docextract.errors import OutputError
from docextract.report.columns import Layout
from docextract.report.tables import open_writer

LAYOUT: Layout = {
    "number": "text",
    "total": "amount",
    "day": "date",
    "at": "time",
    "paid": "boolean",
    "weight": "float",
    "lines": {"text": "text", "amount": "amount"},
    "tags": {"": "text"},
}
RECORD = {
    "number": "007",
    "total": "1234.50",
    "day": "2026-03-18",
    "at": "20:13",
    "paid": True,
    "weight": 2.5,
    "lines": [{"text": "Tea", "amount": "2.50"}, {"text": "=1+1", "amount": None}],
    "tags": ["a"],
}
FAILED = {"name": "encrypted", "message": "b.pdf: encrypted"}


def book(*outcomes: dict[str, Any], layout: Layout = LAYOUT) -> Any:
    content = io.BytesIO()
    writer = open_writer("xlsx", io.TextIOWrapper(content), layout)
    for outcome in outcomes:
        writer.write(outcome)
    writer.finish()
    return openpyxl.load_workbook(io.BytesIO(content.getvalue()))


def rows(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_values_have_their_types_and_lists_their_sheets() -> None:
    made = book(
        {"file": "a.pdf", "status": "ok", "record": RECORD},
        {"file": "b.pdf", "status": "failed", "record": None, "error": FAILED},
    )
    assert made.sheetnames == ["records", "lines", "tags"]
    day, at = datetime(2026, 3, 18), time(20, 13)
    assert rows(made["records"]) == [
        ["file", "status", "number", "total", "day", "at", "paid", "weight", "error"],
        ["a.pdf", "ok", "007", 1234.5, day, at, True, 2.5, None],
        ["b.pdf", "failed", *[None] * 6, "encrypted: b.pdf: encrypted"],
    ]
    assert rows(made["lines"]) == [
        ["file", "row", "text", "amount"],
        ["a.pdf", 1, "Tea", 2.5],
        ["a.pdf", 2, "=1+1", None],
    ]
    assert rows(made["tags"]) == [["file", "row", "value"], ["a.pdf", 1, "a"]]


def test_text_is_no_formula_and_no_link() -> None:
    for text in ("=1+1", "@SUM(A1)", "http://example.org", "{=1}"):
        made = book({"file": text, "status": "ok", "record": {"number": text}})
        cell = made["records"]["C2"]
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_what_no_spreadsheet_holds_is_text() -> None:
    long = "12345678901234567.89"
    made = book({"file": "a", "status": "ok", "record": {"total": long, "day": "1850-01-01"}})
    assert [made["records"][place].value for place in ("D2", "E2")] == [long, "1850-01-01"]


def test_status_and_doubtful_values_are_coloured() -> None:
    doubt = {"status": "check_failed", "evidence": "none"}
    fine = {"status": "found", "evidence": "none"}
    made = book(
        {
            "file": "a",
            "status": "review",
            "record": RECORD,
            "fields": {"total": doubt, "number": fine, "lines.1.amount": doubt},
        }
    )
    sheet, lines = made["records"], made["lines"]
    coloured = {cell.coordinate for cell in sheet[2] if cell.fill.fgColor.rgb == "FFFFF3D6"}
    assert coloured == {"B2", "D2"}
    assert lines["D3"].fill.fgColor.rgb == "FFFFF3D6"
    assert lines["D2"].fill.fgColor.rgb != "FFFFF3D6"


def test_sheets_are_named_as_a_workbook_allows() -> None:
    layout: Layout = {"records": {"a": "text"}, "x[1]/" + "y" * 40: {"a": "text"}}
    names = book(layout=layout).sheetnames
    assert names[:2] == ["records", "records 2"]
    assert names[2].startswith("x 1  y")


def test_what_a_cell_cannot_hold_is_an_error() -> None:
    with pytest.raises(OutputError, match="more than a sheet can hold"):
        book({"file": "a", "status": "ok", "record": {"number": "x" * 40_000}})

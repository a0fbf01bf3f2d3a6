import csv
import io
import json
import sys
from typing import Any

import pytest

from docextract.errors import UsageError
from docextract.report.columns import Layout
from docextract.report.tables import FILES, FORMATS, open_writer

LAYOUT: Layout = {"shop": "text", "seller.name": "text", "items": {"amount": "amount"}}
GOOD = {
    "file": "a.png",
    "status": "ok",
    "record": {"shop": "Café [b]Zoë", "seller": {"name": None}, "items": [{"amount": "1.20"}]},
    "error": None,
}
BAD = {
    "file": "b.pdf",
    "status": "failed",
    "record": None,
    "error": {"code": 8, "name": "encrypted", "message": "b.pdf: encrypted", "hint": "--password"},
}


def written(form: str, *outcomes: dict[str, Any], explode: str | None = None) -> str:
    stream = io.StringIO()
    writer = open_writer(form, stream, LAYOUT, explode)
    for outcome in outcomes:
        writer.write(outcome)
    writer.finish()
    return stream.getvalue()


def test_json_lines_hold_one_outcome_each() -> None:
    lines = written("jsonl", GOOD, BAD).splitlines()
    assert [json.loads(line) for line in lines] == [GOOD, BAD]
    assert "Café" in lines[0]


def test_json_is_an_array() -> None:
    assert json.loads(written("json", GOOD, BAD)) == [GOOD, BAD]


def test_csv_has_a_column_per_field_also_when_the_first_file_failed() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", BAD, GOOD))))
    assert list(rows[0]) == ["file", "status", "shop", "seller.name", "items", "error"]
    assert rows[0]["error"] == "encrypted: b.pdf: encrypted"
    assert rows[0]["shop"] == ""
    assert rows[1]["shop"] == "Café [b]Zoë"
    assert rows[1]["seller.name"] == ""
    assert json.loads(rows[1]["items"]) == [{"amount": "1.20"}]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-45.00", "-45.00"),
        ("+3", "+3"),
        ("-2+3", "'-2+3"),
        ("007", "007"),
        (True, "true"),
    ],
)
def test_csv_cells_are_no_formulas(value: object, cell: str) -> None:
    row = csv.DictReader(io.StringIO(written("csv", {**GOOD, "record": {"shop": value}})))
    assert next(row)["shop"] == cell


def test_a_table_shows_fields_lists_and_errors() -> None:
    shown = written("table", GOOD, BAD)
    assert "Café [b]Zoë" in shown
    assert "seller.name" in shown
    assert "1.20" in shown
    assert "b.pdf: encrypted" in shown
    assert "\x1b" not in shown


def test_csv_may_have_a_row_for_each_item() -> None:
    two = {**GOOD, "record": {"shop": "A", "items": [{"amount": "1.20"}, {"amount": "2.00"}]}}
    rows = list(csv.DictReader(io.StringIO(written("csv", BAD, two, explode="items"))))
    assert list(rows[0]) == ["file", "status", "shop", "seller.name", "items.amount", "error"]
    assert [(row["shop"], row["items.amount"]) for row in rows] == [
        ("", ""),
        ("A", "1.20"),
        ("A", "2.00"),
    ]


def test_only_a_list_that_there_is_can_be_exploded_into_csv() -> None:
    with pytest.raises(UsageError, match="no list rows") as refused:
        written("csv", GOOD, explode="rows")
    assert "items" in refused.value.hint
    with pytest.raises(UsageError, match="not jsonl"):
        written("jsonl", GOOD, explode="items")


def test_parts_of_a_file_and_page_counts_are_told_apart() -> None:
    part, whole = {**GOOD, "pages": [3, 4]}, {**GOOD, "pages": 2}
    rows = list(csv.DictReader(io.StringIO(written("csv", part, whole))))
    assert [row["file"] for row in rows] == ["a.png#pages=3-4", "a.png"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_in_a_terminal_shows_how_sure_values_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    known = {"value": "1", "status": "found", "evidence": "contradicted", "confidence": 0.42}
    sure = {"value": "1", "status": "found", "evidence": "grounded", "confidence": None}
    outcome = {
        **GOOD,
        "status": "review",
        "record": {"doubted": "1", "sure": "1"},
        "fields": {"doubted": known, "sure": sure},
        "checks": [{"name": "x", "path": None, "passed": False, "message": "odd page"}],
    }
    stream = Terminal()
    writer = open_writer("table", stream, LAYOUT)
    writer.write(outcome)
    lines = stream.getvalue().splitlines()
    [doubted] = [line for line in lines if "doubted" in line]
    [sure_line] = [line for line in lines if "sure" in line and "doubted" not in line]
    assert "\x1b[33m" in doubted and "contradicted, 42%" in doubted
    assert "\x1b[33m" not in sure_line
    assert any("odd page" in line for line in lines)


def test_every_format_has_a_writer() -> None:
    for form in FORMATS:
        if form not in FILES:
            assert written(form, GOOD)
    with pytest.raises(ValueError, match="xml"):
        open_writer("xml", io.StringIO(), LAYOUT)


@pytest.mark.parametrize(("form", "package"), [("xlsx", "xlsxwriter"), ("parquet", "pyarrow")])
def test_a_missing_package_is_named(
    form: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError) as refused:
        open_writer(form, io.StringIO(), LAYOUT)
    assert refused.value.hint == f"pip install 'docextract[{form}]'"

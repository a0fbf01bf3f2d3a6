import csv
import io
import json
from typing import Any

import pytest

from docextract.report.tables import FORMATS, open_writer

TREE = {"shop": None, "seller": {"name": None}, "items": [{"amount": None}]}
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


def written(form: str, *outcomes: dict[str, Any]) -> str:
    stream = io.StringIO()
    writer = open_writer(form, stream, TREE)
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


def test_every_format_has_a_writer() -> None:
    for form in FORMATS:
        assert written(form, GOOD)
    with pytest.raises(ValueError, match="xml"):
        open_writer("xml", io.StringIO(), TREE)

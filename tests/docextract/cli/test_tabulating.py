import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

Run = Callable[..., tuple[int, str, str]]

RECORD = {"total": "9.00", "line_items": [{"amount": "4.00"}, {"amount": "5.00"}]}


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write("r.jsonl", {"file": "a.png", "status": "review", "record": RECORD})


def write(name: str, *lines: dict[str, Any]) -> Path:
    Path(name).write_text("\n".join(map(json.dumps, lines)))
    return Path(name)


def test_results_become_csv_with_a_row_an_item(run: Run) -> None:
    code, out, _ = run("table", "r.jsonl", "--format", "csv", "--explode", "line_items")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["file"], row["total"], row["line_items.amount"]) for row in rows] == [
        ("a.png", "9.00", "4.00"),
        ("a.png", "9.00", "5.00"),
    ]


def test_a_workbook_has_the_types_of_the_schema_and_what_was_corrected(run: Run) -> None:
    write("c.jsonl", {"file": "a.png", "checked": True, "truth": {"total": "1.009,50"}})
    command = ("table", "r.jsonl", "--corrections", "c.jsonl", "-o", "r.xlsx")
    code, _, err = run(*command)
    assert code == 2
    assert "--schema invoice" in err
    assert not Path("r.xlsx").exists()
    assert run(*command, "--schema", "total money, line_items [amount money]")[0] == 0
    sheet = openpyxl.load_workbook("r.xlsx")["records"]
    assert [cell.value for cell in sheet[2]][:3] == ["a.png", "ok", 1009.5]


def test_results_with_details_name_their_schemas(run: Run) -> None:
    line = {"status": "ok", "fields": {}, "checks": []}
    one = {**line, "file": "a", "schema": "total money", "record": {"total": "9.00"}}
    two = {**line, "file": "b", "schema": "day date", "record": {"day": "2026-03-18"}}
    write("d.jsonl", one, two)
    assert run("table", "d.jsonl", "-o", "d.xlsx")[0] == 0
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook("d.xlsx")["records"]]
    assert rows[0] == ["file", "status", "total", "day", "error"]
    assert rows[1][2] == 9


def test_without_a_file_people_see_it(run: Run) -> None:
    code, out, _ = run("table", "r.jsonl")
    assert code == 0
    assert "a.png  review" in out and "line_items" in out


def test_counts_become_csv_with_what_was_corrected(run: Run) -> None:
    one = {
        **dict.fromkeys(("page", "sku", "zone", "reason", "confidence", "expected", "difference")),
        **{"file": "a.png", "object": "die", "count": 2, "status": "review", "error": None},
        "marks": [{"x": 1, "y": 1, "score": None}] * 2,
    }
    write("n.jsonl", one, {**one, "object": "=coin"})
    write("c.jsonl", {**one, "count": 1, "status": "ok", "marks": one["marks"][:1]})
    command = ("table", "n.jsonl", "--corrections", "c.jsonl", "--format")
    rows = list(csv.DictReader(io.StringIO(run(*command, "csv")[1])))
    assert [(row["object"], row["count"], row["status"]) for row in rows] == [
        ("die", "1", "ok"),
        ("'=coin", "2", "review"),
    ]
    assert run(*command, "xlsx", "-o", "n.xlsx")[0] == 2


def test_corrections_of_nothing_are_told(run: Run) -> None:
    write("c.jsonl", {"file": "other.png", "truth": {}})
    assert "as of other.png" in run("table", "r.jsonl", "--corrections", "c.jsonl")[2]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.jsonl"], 3, "none.jsonl: cannot be read"),
        (["empty.jsonl"], 9, "no results"),
        (["r.jsonl", "-o", "r.ods"], 2, ".xlsx or .parquet"),
        (["r.jsonl", "--format", "xlsx"], 2, "-o out.xlsx"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, words: list[str], code: int, said: str) -> None:
    Path("empty.jsonl").touch()
    ended, _, err = run("table", *words)
    assert ended == code
    assert said in err


def test_help_shows_how_it_is_used(run: Run) -> None:
    assert "docextract table results.jsonl" in run("table", "--help")[1]

import csv
import io
import json
from typing import Any

import pytest

from docextract.errors import DamagedFileError
from docextract.records import Count, Mark
from docextract.report.counts import (
    COLUMNS,
    FACINGS,
    SUMMARY,
    totals,
    write_counts,
    write_csv,
    write_summary,
)

LINES = [
    Count("a.jpg", "bottle", 1, 1, "ok", marks=(Mark(1, 2),), sku="00417", expected=3).to_dict(),
    Count("b.jpg", "bottle", 1, 0, "review", "=unsure, very", 0.5, sku="00417").to_dict(),
    Count("a.jpg", "can", 1, 4, "ok").to_dict(),
    Count("@c.jpg", "can", error=DamagedFileError("torn").to_dict()).to_dict(),
]


def table(writer: Any, lines: Any) -> list[dict[str, str]]:
    stream = io.StringIO()
    writer(stream, lines)
    return list(csv.DictReader(stream.getvalue().splitlines()))


def test_the_columns_are_the_published_ones() -> None:
    stream = io.StringIO()
    write_csv(stream, [])
    assert stream.getvalue() == (
        "file,page,object,sku,zone,count,status,reason,confidence,expected,difference,error\n"
    )


def test_zeros_are_kept_and_formulas_are_none() -> None:
    rows = table(write_csv, LINES)
    assert rows[0]["sku"] == "00417" and rows[0]["difference"] == "-2"
    assert rows[1]["reason"] == "'=unsure, very" and rows[1]["count"] == "0"
    assert rows[3]["file"] == "'@c.jpg" and rows[3]["count"] == rows[3]["page"] == ""
    assert rows[3]["error"] == "damaged: torn"
    assert all(len(row) == len(COLUMNS) for row in rows)


def test_the_summary_has_a_row_for_each_object_and_article() -> None:
    rows = table(write_summary, LINES)
    assert list(rows[0]) == list(SUMMARY)
    bottle, can = rows
    assert [bottle[key] for key in ("pictures", "total", "mean", "review", "failed")] == [
        "2", "1", "0.5", "1", "0",
    ]  # fmt: skip
    assert (bottle["expected"], bottle["difference"], bottle["note"]) == ("3", "-2", FACINGS)
    assert (can["pictures"], can["total"], can["failed"], can["expected"]) == ("1", "4", "1", "")


def test_zones_of_a_picture_are_one_picture() -> None:
    zones = [
        Count("a.jpg", "can", 1, number, "ok", zone=str(number)).to_dict() for number in (2, 4)
    ]
    [total] = totals(zones)
    assert (total["pictures"], total["total"], total["mean"]) == (1, 6, 6)
    [nothing] = totals([LINES[3]])
    assert (nothing["pictures"], nothing["total"], nothing["mean"]) == (0, 0, None)


def test_one_line_of_json_is_an_object_and_several_are_a_list() -> None:
    for lines in (LINES[:1], LINES):
        stream = io.StringIO()
        write_counts(stream, lines, "json")
        assert json.loads(stream.getvalue()) == (lines[0] if len(lines) == 1 else lines)
    stream = io.StringIO()
    write_counts(stream, LINES, "jsonl")
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == LINES


def test_people_see_counts_totals_and_what_a_photo_cannot_show() -> None:
    stream = io.StringIO()
    write_counts(stream, LINES, "table")
    text = stream.getvalue()
    assert "torn" in text and "00417" in text and FACINGS in text and "zone" not in text
    with pytest.raises(ValueError, match="no such format"):
        write_counts(stream, LINES, "xml")

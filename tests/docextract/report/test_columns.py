from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from docextract.printed import Kind
from docextract.report.columns import (
    joined,
    layout_of,
    layout_of_records,
    lists_of,
    rows_at,
    typed,
    value_at,
)
from docextract.schema import load_schema


def test_a_schema_lays_out_its_values_and_lists() -> None:
    schema = load_schema(
        "number, total money, paid bool, seller {name, since date}, tags[], "
        "lines [text, amount money]"
    )
    assert layout_of(schema.fields) == {
        "number": "text",
        "total": "amount",
        "paid": "boolean",
        "seller.name": "text",
        "seller.since": "date",
        "tags": {"": "text"},
        "lines": {"text": "text", "amount": "amount"},
    }


def test_records_without_a_schema_are_laid_out_as_text() -> None:
    records: list[dict[str, Any]] = [
        {"a": None, "lines": []},
        {"a": 1, "lines": [{"x": "1"}, {"y": "2"}], "b": {"c": True}},
    ]
    assert layout_of_records(records) == {
        "a": "text",
        "lines": {"x": "text", "y": "text"},
        "b.c": "text",
    }


def test_layouts_are_joined_and_disagreement_is_text() -> None:
    one = joined([{"a": "amount", "l": {"x": "date"}}, {"a": "amount", "l": {"y": "text"}}])
    assert one == {"a": "amount", "l": {"x": "date", "y": "text"}}
    assert joined([{"a": "amount"}, {"a": "date"}]) == {"a": "text"}
    assert lists_of(one) == {"l": {"x": "date", "y": "text"}}


@pytest.mark.parametrize(
    ("value", "kind", "meant"),
    [
        ("153.35", "amount", Decimal("153.35")),
        ("3.038,14", "amount", Decimal("3038.14")),
        (2, "number", Decimal(2)),
        (2.5, "float", 2.5),
        ("2018-12-25", "date", date(2018, 12, 25)),
        ("25/12/2018", "date", date(2018, 12, 25)),
        ("20:13", "time", time(20, 13)),
        ("2018-12-25T20:13:00", "datetime", datetime(2018, 12, 25, 20, 13)),
        ("007", "text", "007"),
        ("no date", "date", "no date"),
        ("03/04/2025", "date", "03/04/2025"),
        ("1e5", "amount", "1e5"),
        (True, "boolean", True),
        (None, "amount", None),
    ],
)
def test_values_are_what_they_mean_or_stay_text(value: Any, kind: Kind, meant: Any) -> None:
    assert typed(value, kind) == meant
    assert type(typed(value, kind)) is type(meant)


def test_values_and_rows_are_found_where_there_are_any() -> None:
    record = {"seller": {"name": "A"}, "lines": [{"tags": ["x", "y"]}]}
    assert value_at(record, "seller.name", "text") == "A"
    assert value_at(record, "buyer.name", "text") is None
    assert value_at(None, "seller.name", "text") is None
    assert value_at(record["lines"][0], "tags", "text") == '["x", "y"]'
    assert rows_at(record, "lines") == record["lines"]
    assert rows_at(None, "lines") == []


def test_keys_may_hold_dots() -> None:
    record = {"a": {"b": "1"}, "a.c": "2", "d": {"e.f": {"g": "3"}}}
    for path, value in (("a.b", "1"), ("a.c", "2"), ("d.e.f.g", "3"), ("a.x", None)):
        assert value_at(record, path, "text") == value

import io
from datetime import date, time
from decimal import Decimal
from typing import Any

import pyarrow.parquet
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
    "lines": {"text": "text", "amount": "amount"},
    "tags": {"": "text"},
}
RECORD = {
    "number": "007",
    "total": "1234.50",
    "day": "2026-03-18",
    "at": "20:13",
    "paid": True,
    "lines": [{"text": "Tea", "amount": "2.50"}],
    "tags": ["a", "b"],
}


def read_back(*outcomes: dict[str, Any]) -> Any:
    content = io.BytesIO()
    writer = open_writer("parquet", io.TextIOWrapper(content), LAYOUT)
    for outcome in outcomes:
        writer.write(outcome)
    writer.finish()
    return pyarrow.parquet.read_table(io.BytesIO(content.getvalue()))


def test_columns_have_types_and_lists_are_nested() -> None:
    error = {"name": "encrypted", "message": "locked"}
    table = read_back(
        {"file": "a.pdf", "status": "ok", "record": RECORD},
        {"file": "b.pdf", "status": "failed", "record": None, "error": error},
    )
    first, second = table.to_pylist()
    assert first == {
        "file": "a.pdf",
        "status": "ok",
        "number": "007",
        "total": Decimal("1234.50"),
        "day": date(2026, 3, 18),
        "at": time(20, 13),
        "paid": True,
        "lines": [{"text": "Tea", "amount": Decimal("2.50")}],
        "tags": ["a", "b"],
        "error": None,
    }
    assert second["error"] == "encrypted: locked"
    assert second["lines"] is None


def test_more_rows_than_are_written_at_once() -> None:
    outcomes = [{"file": str(n), "status": "ok", "record": RECORD} for n in range(1001)]
    assert read_back(*outcomes)["file"].to_pylist() == [str(n) for n in range(1001)]


@pytest.mark.parametrize("wrong", [{"total": "a few"}, {"total": "0.12345678901"}, {"day": "soon"}])
def test_a_value_of_another_type_is_named_by_its_document(wrong: dict[str, str]) -> None:
    with pytest.raises(OutputError, match=r"bad\.pdf: a value does not fit"):
        read_back(
            {"file": "a.pdf", "status": "ok", "record": RECORD},
            {"file": "bad.pdf", "status": "ok", "record": {**RECORD, **wrong}},
        )

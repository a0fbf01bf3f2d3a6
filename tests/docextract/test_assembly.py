from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from docextract.answer import parse_answer
from docextract.assembly import Assembled, PageAnswer, assemble
from docextract.errors import SchemaError
from docextract.prompt import compact_answer
from docextract.rules import Rules, adds_up
from docextract.schema import load_schema
from docextract.types import Currency, Money, PrintedDate


class Row(BaseModel):
    text: str | None = None
    price: Money | None = None


class Party(BaseModel):
    name: str
    city: str | None = None


class Bill(BaseModel):
    number: str | None = None
    day: PrintedDate | None = None
    currency: Currency | None = None
    total: Money
    paid: bool | None = None
    buyer: Party | None = None
    rows: list[Row] = []


def put_together(*pages: dict[str, Any] | str, schema: Any = Bill) -> Assembled[Any]:
    loaded = load_schema(schema)
    texts = [page if isinstance(page, str) else compact_answer(page) for page in pages]
    answers = [parse_answer(text, loaded.fields) for text in texts]
    return assemble(loaded, [PageAnswer((i,), answer) for i, answer in enumerate(answers, 1)])


def status(result: Assembled[Any], path: str) -> str:
    return result.fields[path].status


def failed(result: Assembled[Any]) -> list[tuple[str, str | None]]:
    return [(check.name, check.path) for check in result.checks if not check.passed]


def test_values_are_converted_and_keep_their_text() -> None:
    result = put_together({"total": "RM 1,234.50", "day": "27 MAY 2018", "currency": "RM"})
    assert result.data == {
        "number": None,
        "day": "2018-05-27",
        "currency": "MYR",
        "total": "1234.50",
        "paid": None,
        "buyer": {"name": None, "city": None},
        "rows": [],
    }
    assert result.record == Bill(total=Decimal("1234.50"), day=date(2018, 5, 27), currency="MYR")
    total = result.fields["total"]
    assert (total.value, total.text, total.page, total.status) == (
        "1234.50",
        "RM 1,234.50",
        1,
        "found",
    )
    assert (total.evidence, total.confidence, total.box) == ("none", None, None)
    assert status(result, "number") == "absent"
    assert not result.checks


def test_the_record_decides_what_a_value_leaves_open() -> None:
    assert put_together({"total": "1.234", "day": "01/02/2019"}).data["day"] is None
    hinted = put_together({"total": "1.234", "day": "01/02/2019", "number": "Rechnung, GmbH"})
    assert hinted.data["day"] == "2019-02-01"
    rows = [{"text": "a", "price": "3,50"}]
    assert put_together({"total": "1.234", "rows": rows}).data["total"] == "1234"


def test_what_stays_ambiguous_is_null_and_says_so() -> None:
    result = put_together({"total": "5.00", "day": "01/02/2019", "currency": "$"})
    assert result.data["day"] is None and result.data["currency"] is None
    assert status(result, "day") == status(result, "currency") == "ambiguous"
    assert result.fields["day"].text == "01/02/2019"
    assert failed(result) == [("unambiguous", "day"), ("unambiguous", "currency")]
    assert "2019-02-01 or 2019-01-02" in result.checks[0].message
    assert result.record is not None


def test_what_cannot_be_read_is_null_and_says_so() -> None:
    result = put_together({"total": "free"})
    assert result.data["total"] is None and result.record is None
    assert status(result, "total") == "check_failed"
    assert failed(result) == [("readable", "total")]


def test_a_missing_required_value_leaves_no_record() -> None:
    result = put_together({"number": "7"})
    assert result.record is None
    assert result.data["number"] == "7"
    assert status(result, "total") == "absent"
    assert failed(result) == [("required", "total")]


def test_totals_come_from_the_last_page_that_has_them_names_from_the_first() -> None:
    result = put_together(
        {"number": "A1", "rows": [{"text": "x", "price": "1.00"}]},
        {"number": "a-1", "total": "3.00", "rows": [{"text": "y"}, {"text": None}]},
    )
    assert result.data["number"] == "A1"
    assert result.data["total"] == "3.00"
    assert [row["text"] for row in result.data["rows"]] == ["x", "y"]
    assert [result.fields[p].page for p in ("number", "total", "rows.0.text", "rows.1.text")] == [
        1,
        2,
        1,
        2,
    ]
    assert not result.checks


def test_pages_that_disagree_are_told() -> None:
    result = put_together({"number": "A1", "total": "1.00"}, {"number": "B2", "total": "2.00"})
    assert (result.data["number"], result.data["total"]) == ("A1", "2.00")
    assert status(result, "number") == status(result, "total") == "check_failed"
    assert failed(result) == [("pages_agree", "number"), ("pages_agree", "total")]


def test_the_same_value_in_another_dress_is_no_disagreement() -> None:
    assert not put_together({"total": "1,00 €"}, {"total": "EUR 1.00"}).checks


def test_repairs_reach_the_status_of_their_values() -> None:
    result = put_together('{"total": 1.10, "number": "A"}')
    assert (status(result, "total"), status(result, "number")) == ("repaired", "found")
    assert result.fields["total"].repairs == ("write_as_text",)
    fenced = put_together('```json\n{"total": "1.10"}\n```')
    assert fenced.fields["total"].repairs == ("strip_fences",)
    assert status(fenced, "number") == "absent"


def test_an_optional_object_without_values_is_none_in_the_record() -> None:
    assert put_together({"total": "1"}).record.buyer is None
    half = put_together({"total": "1", "buyer": {"city": "Bonn"}})
    assert half.record is None
    assert failed(half) == [("required", "buyer.name")]


@given(st.text(max_size=80) | st.from_regex(r"[0-9 .,/:()€$-]{1,20}", fullmatch=True))
def test_whatever_stands_in_one_value_changes_no_other(text: str) -> None:
    sure = {"number": "7", "day": "2024-02-01", "currency": "EUR", "total": "1,234.50"}
    for key in sure:
        result = put_together(sure | {key: text})
        for other, value in put_together(sure).data.items():
            if other != key:
                assert result.data[other] == value


class Summed(BaseModel):
    net: Money | None = None
    tax: Money | None = None
    total: Money
    rows: list[Row] = []

    rules: ClassVar[Rules] = (
        adds_up("rows.*.price", to="net"),
        adds_up("net", "tax", to="total"),
    )


def test_the_schemas_rules_are_checked_and_told_either_way() -> None:
    rows = [{"price": "4,00"}, {"price": "6,00"}]
    right = {"net": "10,00", "tax": "1,90", "total": "EUR 11,90", "rows": rows}
    result = put_together(right, schema=Summed)
    assert [(check.name, check.path, check.passed) for check in result.checks] == [
        ("adds_up", "net", True),
        ("adds_up", "total", True),
    ]
    assert {status(result, path) for path in ("net", "tax", "total")} == {"found"}


def test_a_broken_rule_casts_doubt_on_what_no_other_bears_out() -> None:
    rows = [{"price": "4,00"}, {"price": "6,00"}]
    result = put_together(
        {"net": "10,00", "tax": "1,90", "total": "17,90", "rows": rows}, schema=Summed
    )
    assert failed(result) == [("adds_up", "total")]
    assert result.data["total"] == "17.90" and result.record is not None  # nothing is corrected
    doubts = {path for path, value in result.fields.items() if value.status == "check_failed"}
    assert doubts == {"tax", "total"}
    alone = put_together({"net": "10,00", "tax": "1,90", "total": "17,90"}, schema=Summed)
    assert status(alone, "net") == "check_failed"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(pattern="^A")
    size: float = Field(0, ge=0)
    currency: str = "EUR"

    @field_validator("code")
    @classmethod
    def upper(cls, code: str) -> str:
        return code.upper()


def test_the_schemas_own_checks_run_on_converted_values() -> None:
    wrong = put_together({"code": "B1", "size": "-1,5"}, schema=Strict)
    assert wrong.data == {"code": "B1", "size": -1.5, "currency": None}
    assert status(wrong, "code") == status(wrong, "size") == "check_failed"
    assert failed(wrong) == [("valid", "code"), ("valid", "size")]


def test_the_record_is_what_the_schema_makes_of_it_and_null_is_never_a_default() -> None:
    right = put_together({"code": "Ab", "size": "1,5 kg"}, schema=Strict)
    assert right.data == {"code": "AB", "size": 1.5, "currency": None}
    assert right.fields["code"].value == "AB" and right.fields["code"].text == "Ab"
    assert right.record.currency == "EUR"
    assert status(right, "currency") == "absent"


class Whole(BaseModel):
    a: int
    b: int

    @model_validator(mode="after")
    def equal(self) -> "Whole":
        if self.a != self.b:
            raise ValueError("a is not b")
        return self


class Faulty(BaseModel):
    a: str

    @field_validator("a")
    @classmethod
    def fail(cls, a: str) -> str:
        raise ZeroDivisionError("oh")


def test_a_check_of_the_whole_record_has_no_path() -> None:
    result = put_together({"a": "1", "b": "2"}, schema=Whole)
    assert failed(result) == [("valid", None)]
    assert "a is not b" in result.checks[0].message


def test_a_fault_in_the_schemas_code_is_a_schema_error() -> None:
    with pytest.raises(SchemaError, match="ZeroDivisionError"):
        put_together({"a": "1"}, schema=Faulty)


def test_json_schemas_and_inline_fields_work_the_same() -> None:
    spec = "No.! text, due date, ok bool, way: cash or card"
    result = put_together({"No.": "7", "due": "2019-02-01", "ok": True}, schema=spec)
    assert result.data == {"No.": "7", "due": "2019-02-01", "ok": True, "way": None}
    assert result.record.model_dump(by_alias=True)["No."] == "7"
    assert result.fields["ok"].text is None
    chosen = put_together(
        {"way": "cash"}, schema='{"properties": {"way": {"enum": ["cash", "card"]}}}'
    )
    assert chosen.data == {"way": "cash"}


def test_keys_with_dots_are_kept_apart() -> None:
    result = put_together({"a.b": "1", "a": {"b": "2"}}, schema="a.b text, a{b}")
    assert result.data == {"a.b": "1", "a": {"b": "2"}}

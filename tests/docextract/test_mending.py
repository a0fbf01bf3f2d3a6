from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from docextract.answer import parse_answer
from docextract.assembly import Assembled, Doubt, PageAnswer, assemble
from docextract.mending import mend
from docextract.prompt import compact_answer, compact_question
from docextract.rules import Rules, adds_up
from docextract.schema import Schema, load_schema
from docextract.types import Iban, Money, PrintedDate


class Row(BaseModel):
    price: Money | None = None


class Seller(BaseModel):
    name: str | None = None
    account: Iban | None = None


class Bill(BaseModel):
    number: str | None = Field(None, pattern=r"^\d+$")
    day: PrintedDate | None = None
    net: Money | None = None
    tax: Money | None = None
    total: Money | None = None
    seller: Seller | None = None
    rows: list[Row] = []

    rules: ClassVar[Rules] = (
        adds_up("rows.*.price", to="net"),
        adds_up("net", "tax", to="total"),
    )


SCHEMA = load_schema(Bill)
IBAN = "GB82 WEST 1234 5698 7654 32"


class Asked:
    """Answers the second questions from a table, and remembers them."""

    def __init__(self, table: Mapping[str, dict[str, Any] | None]) -> None:
        self.questions: list[str] = []
        self.doubts: list[Doubt] = []
        self._table = table

    def __call__(self, schema: Schema[Any], doubt: Doubt) -> PageAnswer | None:
        question = compact_question(schema.tree).removeprefix("<|extract|>")
        self.questions.append(question)
        self.doubts.append(doubt)
        record = self._table.get(question)
        if record is None:
            return None
        return PageAnswer(doubt.source.pages, parse_answer(compact_answer(record), schema.fields))


def mended(
    *pages: dict[str, Any], again: Mapping[str, dict[str, Any] | None]
) -> tuple[Assembled[Bill], Asked]:
    ask = Asked(again)
    answers = [
        PageAnswer((number,), parse_answer(compact_answer(page), SCHEMA.fields))
        for number, page in enumerate(pages, 1)
    ]
    return mend(SCHEMA, answers, ask), ask


def failing(result: Assembled[Any]) -> list[tuple[str, str | None]]:
    return [(check.name, check.path) for check in result.checks if not check.passed]


def test_a_record_without_doubts_is_left_alone() -> None:
    result, ask = mended({"net": "10.00", "tax": "1.90", "total": "11.90"}, again={})
    assert ask.questions == []
    assert result.data["total"] == "11.90"


def test_a_value_that_is_not_readable_is_asked_again_and_repaired() -> None:
    result, ask = mended({"day": "1 Stk."}, again={"day": {"day": "15.03.2018"}})
    assert ask.questions == ["day"]
    assert ask.doubts[0].text == "1 Stk." and "is not a date" in ask.doubts[0].reason
    day = result.fields["day"]
    assert (day.value, day.text, day.status) == ("2018-03-15", "15.03.2018", "repaired")
    assert day.repairs == ("ask_again",)
    assert not failing(result)


@pytest.mark.parametrize("second", [None, {"day": "2 Stk."}, {"day": None}, {"day": "1 Stk."}])
def test_a_second_answer_that_settles_nothing_changes_nothing(
    second: dict[str, Any] | None,
) -> None:
    result, ask = mended({"day": "1 Stk."}, again={"day": second})
    assert ask.questions == ["day"]
    day = result.fields["day"]
    assert (day.value, day.text, day.status, day.repairs) == (None, "1 Stk.", "check_failed", ())
    assert failing(result) == [("readable", "day")]


def test_a_broken_sum_asks_for_its_values_until_it_holds() -> None:
    result, ask = mended(
        {"net": "10.00", "tax": "1.90", "total": "17.90"},
        again={"net": {"net": "10.00"}, "tax": {"tax": "7.90"}, "total": {"total": "11.90"}},
    )
    assert ask.questions == ["net", "tax"]
    assert result.data["tax"] == "7.90"
    assert [result.fields[key].status for key in ("net", "tax", "total")] == [
        "found",
        "repaired",
        "found",
    ]


def test_a_sum_is_not_mended_by_losing_a_value() -> None:
    result, _ = mended(
        {"net": "10.00", "tax": "1.90", "total": "17.90"},
        again={key: {key: None} for key in ("net", "tax", "total")},
    )
    assert result.data["tax"] == "1.90"
    assert failing(result) == [("adds_up", "total")]


def test_what_mends_one_check_and_breaks_another_is_not_taken() -> None:
    result, _ = mended(
        {"net": "10.00", "tax": "1.90", "total": "17.90", "rows": [{"price": "10.00"}]},
        again={"tax": {"tax": "x"}, "total": {"total": "y"}},
    )
    assert failing(result) == [("adds_up", "total")]
    assert (result.data["tax"], result.data["total"]) == ("1.90", "17.90")


def test_a_value_in_an_object_is_asked_alone_and_a_list_whole_and_last() -> None:
    first = {
        "net": "10.00",
        "seller": {"name": "A", "account": IBAN.replace("82", "28")},
        "rows": [{"price": "4.00"}, {"price": "5.00"}],
    }
    rows = [{"price": "4.00"}, {"price": "6.00"}]
    result, ask = mended(
        first,
        again={"seller{account}": {"seller": {"account": IBAN}}, "rows[price]": {"rows": rows}},
    )
    assert ask.questions == ["net", "seller{account}", "rows[price]"]
    assert result.data["seller"] == {"name": "A", "account": IBAN.replace(" ", "")}
    assert result.fields["seller.name"].status == "found"
    assert result.data["rows"] == rows
    assert result.fields["rows.1.price"].repairs == ("ask_again",)
    assert not failing(result)


def test_the_page_of_the_doubt_is_the_one_that_is_mended() -> None:
    result, ask = mended(
        {"number": "7"}, {"day": "soon", "number": "7"}, again={"day": {"day": "2018-03-15"}}
    )
    assert ask.doubts[0].source.pages == (2,)
    assert result.fields["day"].page == 2 and result.data["number"] == "7"


def test_a_dispute_between_pages_is_not_settled_by_asking_one() -> None:
    result, ask = mended({"number": "7"}, {"number": "8"}, again={"number": {"number": "8"}})
    assert ask.questions == []
    assert failing(result) == [("pages_agree", "number")]
    assert result.fields["number"].status == "check_failed"


def test_a_value_of_another_page_does_not_take_the_place_of_one_that_fails() -> None:
    result, _ = mended({"number": "x7"}, {"number": "8"}, again={"number": {"number": None}})
    assert result.fields["number"].text == "x7"


def test_every_field_is_asked_once() -> None:
    _, ask = mended({"number": "x", "day": "y", "net": "1", "tax": "1", "total": "3"}, again={})
    assert ask.questions == ["number", "day", "net", "tax", "total"]


TEXTS = st.one_of(st.none(), st.sampled_from(["10.00", "1.90", "11.90", "x", "7", "2018-03-15"]))


@given(
    st.fixed_dictionaries({key: TEXTS for key in ("number", "day", "net", "tax", "total")}),
    st.fixed_dictionaries({key: TEXTS for key in ("number", "day", "net", "tax", "total")}),
)
def test_mending_never_loses_a_value_or_adds_a_failure(
    first: dict[str, str | None], second: dict[str, str | None]
) -> None:
    answer = PageAnswer((1,), parse_answer(compact_answer(first), SCHEMA.fields))
    before = assemble(SCHEMA, [answer])
    after, _ = mended(first, again={key: {key: value} for key, value in second.items()})
    assert set(failing(after)) <= set(failing(before))
    for path, field in after.fields.items():
        if before.fields[path].value is not None:
            assert field.value is not None
        if field.text != before.fields[path].text:
            assert field.repairs == ("ask_again",)
            assert field.text == second[path]

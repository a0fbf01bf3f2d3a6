import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from docextract.errors import (
    DamagedFileError,
    UsageError,
)
from docextract.evaluation import (
    Judge,
    Judged,
    Labelled,
)
from docextract.records import Extraction, FieldEvidence, Outcome, Timings, Tokens
from docextract.schema import load_schema


class Slip(BaseModel):
    shop: str | None = None
    day: date | None = None
    total: Decimal | None = None
    items: list[str] | None = None


def label(
    file: str = "a.png", split: str = "dev", group: str | None = None, **truth: Any
) -> Labelled:
    return Labelled(file, truth, split, group)


def judge(*labels: Labelled, **options: Any) -> Judge:
    return Judge(load_schema(Slip), labels, options.pop("renamed", {}), **options)


def verdict(key: str, truth: Any, value: Any, printed: str | None = None, **options: Any) -> str:
    labelled = label(**{key: truth})
    judged = judge(labelled, **options).judge(labelled, outcome({key: value}, {key: printed}))
    return judged.verdicts[key]


def outcome(
    data: dict[str, Any] | None, printed: Mapping[str, str | None] | None = None
) -> Outcome:
    if data is None:
        return Outcome("a.png", error=DamagedFileError("a.png: damaged"))
    fields = {key: FieldEvidence(None, text, "found") for key, text in (printed or {}).items()}
    timings, tokens = Timings(0, 0, 0, 0, 0), Tokens(0, 0, 0)
    extraction: Extraction[Any] = Extraction(
        "0", "a.png", "Slip", "ok", data, None, fields, (), "none", timings, tokens
    )
    return Outcome("a.png", extraction)


@pytest.mark.parametrize(
    ("key", "truth", "value"),
    [
        ("total", "9.00", "9"),
        ("total", "RM 1,234.50", "1234.50"),
        ("total", "1,234", "1234"),
        ("day", "25/12/2018", "2018-12-25"),
        ("day", "03/04/2018", "2018-04-03"),
        ("day", "20181225", "2018-12-25"),
        ("day", "25 DEC 2018", "2018-12-25"),
        ("shop", "BOOK TA .K SDN BHD", "book ta .k  sdn bhd."),
        ("shop", "Café\nZoë", "CAFÉ ZOË"),
        ("shop", "(A & B)", "a & b"),
        ("shop", "ＡＢＣ", "abc"),
    ],
)
def test_what_means_the_same_is_right(key: str, truth: str, value: str) -> None:
    assert verdict(key, truth, value) == "right"


@pytest.mark.parametrize(
    ("key", "truth", "value"),
    [
        ("total", "9.00", "9.01"),
        ("total", "9.00", "-9.00"),
        ("day", "03/04/2018", "2018-03-04"),
        ("shop", "A-B", "AB"),
        ("shop", "A B", "AB"),
    ],
)
def test_what_differs_is_wrong(key: str, truth: str, value: str) -> None:
    assert verdict(key, truth, value) == "wrong"


def test_the_order_of_the_truths_dates_can_be_told() -> None:
    assert verdict("day", "03/04/2018", "2018-03-04", date_order="month first") == "right"


@pytest.mark.parametrize(
    ("truth", "value", "expected"),
    [
        ("9.00", None, "missed"),
        (None, "9.00", "invented"),
        ("", "9.00", "invented"),
        (None, None, "absent"),
    ],
)
def test_null_is_a_verdict_of_its_own(truth: Any, value: Any, expected: str) -> None:
    assert verdict("total", truth, value) == expected


def test_a_truth_of_another_kind_is_held_against_the_print() -> None:
    assert verdict("day", "202003311232", "2020-03-31", "202003311232") == "right"
    assert verdict("day", "202003311232", "2020-03-31") == "wrong"


def test_keys_are_paired_and_the_rest_is_named() -> None:
    labelled = label(company="A", total="1", phone="2", items=["x"])
    mine = judge(labelled, renamed={"company": "shop"})
    assert mine.not_scored == ["phone"]
    judged = mine.judge(labelled, outcome({"shop": "A", "total": "1"}))
    assert judged.verdicts == {"shop": "right", "total": "right"}
    assert judged.rows == {"items": ["missed"]}


@pytest.mark.parametrize(
    "renamed", [{"nothing": "shop"}, {"company": "nothing"}, {"company": "items"}]
)
def test_a_map_of_unknown_keys_is_a_usage_error(renamed: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        judge(label(company="A"), renamed=renamed)
    assert "choose from" in caught.value.hint


def test_nothing_in_common_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no key in common"):
        judge(label(company="A"))


class Bill(BaseModel):
    """With objects and lists in it."""

    class Row(BaseModel):
        name: str | None = None
        amount: Decimal | None = None

    class Seller(BaseModel):
        name: str | None = None

    seller: Seller | None = None
    rows: list[Row] = []
    tags: list[str] = []


def judged_bill(truth: dict[str, Any], record: dict[str, Any], **renamed: str) -> Judged:
    labelled = label(**truth)
    pairs = {key.replace("__", "."): own for key, own in renamed.items()}
    return Judge(load_schema(Bill), [labelled], pairs).judge(labelled, outcome(record))


def test_rows_are_paired_in_order_and_right_as_a_whole() -> None:
    truth = [{"name": "A", "amount": "1.00"}, {"name": "B", "amount": None}, {"name": "C"}]
    record = [
        {"name": "a", "amount": "1"},
        {"name": "X", "amount": "9"},
        {"name": "C", "amount": "3"},
        {"name": "D", "amount": "4"},
    ]
    one = judged_bill({"rows": truth}, {"rows": record})
    assert one.rows == {"rows": ["right", "wrong", "right", "invented"]}
    assert one.correct["rows.0.name"] and one.correct["rows.0.amount"]
    assert one.correct["rows.2.name"] and "rows.2.amount" not in one.correct
    assert not one.correct["rows.1.amount"] and not one.correct["rows.3.name"]
    assert not one.whole
    assert judged_bill({"rows": truth}, {"rows": []}).rows == {"rows": ["missed"] * 3}
    assert judged_bill({"rows": truth[:1]}, {"rows": record[:1]}).whole


def test_columns_and_objects_are_paired_by_their_paths() -> None:
    one = judged_bill(
        {"items": [{"text": "A", "code": "7"}], "seller": {"name": "Zoë"}},
        {"rows": [{"name": "A", "amount": None}], "seller": {"name": "ZOË"}},
        items="rows",
        items__text="rows.name",
    )
    assert one.rows == {"rows": ["right"]}
    assert one.verdicts == {"seller.name": "right"}
    assert judged_bill({"seller": {"name": "A"}}, {"seller": None}).verdicts == {
        "seller.name": "missed"
    }


def test_lists_of_single_values_are_rows_too() -> None:
    one = judged_bill({"tags": ["a", "b"]}, {"tags": ["b", "c"]})
    assert one.rows == {"tags": ["missed", "right", "invented"]}
    assert one.correct == {"tags.0": True, "tags.1": False}


def test_a_list_and_a_single_value_do_not_pair() -> None:
    with pytest.raises(UsageError, match="one is a list"):
        judged_bill({"tags": "a"}, {"tags": ["a"]})
    with pytest.raises(UsageError, match="one is a list"):
        judged_bill({"names": ["a"]}, {}, names="seller.name")


def test_a_letter_off_is_similar_and_wrong() -> None:
    labelled = label(shop="GERBANG ALAF")
    one = judge(labelled).judge(labelled, outcome({"shop": "Gerbang Alat"}))
    assert one.verdicts == {"shop": "wrong"}
    assert one.similar == {"shop": pytest.approx(11 / 12, abs=1e-4)}


def test_a_line_of_results_holds_all_that_is_known() -> None:
    labelled = label(total="9.00", group="g")
    line = json.loads(
        json.dumps(judge(labelled).judge(labelled, outcome({"total": "9"})).to_dict())
    )
    assert (line["verdicts"], line["correct"]) == ({"total": "right"}, {"total": True})
    assert (line["split"], line["group"], line["record"]) == ("dev", "g", {"total": "9"})

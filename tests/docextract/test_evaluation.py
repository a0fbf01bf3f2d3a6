import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from docextract.errors import (
    DamagedFileError,
    InputError,
    MissingFileError,
    NothingToDoError,
    UsageError,
)
from docextract.evaluation import Judge, Labelled, load_labels, score_table, scores
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
    assert mine.not_scored == ["items", "phone"]
    judged = mine.judge(labelled, outcome({"shop": "A", "total": "1"}))
    assert judged.verdicts == {"shop": "right", "total": "right"}


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


def four_files() -> dict[str, Any]:
    labels = [
        label("a", total="1", shop="A", group="x"),
        label("b", total="2", shop="B", group="x"),
        label("c", total="3", shop="C", group="y"),
        label("d", split="seen", total="4", shop=None),
    ]
    records = [
        {"total": "1", "shop": "A"},
        {"total": "9", "shop": "B"},
        None,
        {"total": "4", "shop": None},
    ]
    mine = judge(*labels)
    pairs = zip(labels, records, strict=True)
    return scores([mine.judge(one, outcome(record)) for one, record in pairs])


def test_scores_are_given_per_split_and_together() -> None:
    figures = four_files()
    assert list(figures) == ["dev", "seen", "all"]
    assert figures["dev"]["files"] == 3
    assert figures["dev"]["unreadable"] == 1
    total = figures["dev"]["fields"]["total"]
    assert (total["right"], total["wrong"], total["missed"]) == (1, 1, 1)
    assert total["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert total["f1"] == pytest.approx(2 / (2 + 3))
    assert total["by_group"] == pytest.approx((0.5 + 0) / 2)
    assert figures["dev"]["fields"]["shop"]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["all"]["fields"]["total"]["right"] == 2
    assert figures["all"]["fields"]["shop"]["accuracy"] == 0.75
    assert figures["dev"]["micro_f1"] == pytest.approx(6 / (4 + 6), abs=1e-4)
    low, high = figures["seen"]["fields"]["total"]["interval"]
    assert (low, high) == (pytest.approx(0.2065, abs=1e-3), 1.0)
    json.dumps(figures)


def test_the_table_names_every_figure() -> None:
    table = score_table(four_files())
    assert "dev: 3 files, 1 unreadable" in table
    assert "33.3%" in table
    assert "by group 25.0%" in table
    assert "micro F1" in table


def labels_file(folder: Path, *lines: Any) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_labels_are_read_by_split(tmp_path: Path) -> None:
    path = labels_file(
        tmp_path,
        {"file": "a", "truth": {"total": "1"}, "split": "dev", "pages": 3},
        {"file": "b", "truth": {"total": None}, "split": "train", "group": "g"},
        {"file": "c", "truth": {}},
    )
    assert [one.file for one in load_labels(path)] == ["a", "b", "c"]
    assert load_labels(path, ["train"]) == [Labelled("b", {"total": None}, "train", "g")]
    with pytest.raises(NothingToDoError, match="no file is in the split test"):
        load_labels(path, ["dev", "test"])


@pytest.mark.parametrize("line", ["text", ["a"], {"file": "a"}, {"file": "a", "truth": "9"}])
def test_what_is_no_label_is_named_by_its_line(tmp_path: Path, line: Any) -> None:
    path = labels_file(tmp_path, {"file": "a", "truth": {}}, line)
    with pytest.raises(InputError, match="line 2"):
        load_labels(path)


def test_missing_labels_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_labels(tmp_path / "labels.jsonl")
    with pytest.raises(NothingToDoError):
        load_labels(labels_file(tmp_path))

import json
from dataclasses import replace
from typing import Any

import pytest

from docextract.errors import DamagedFileError
from docextract.evaluation import (
    Judged,
    Labelled,
    Verdict,
    budget_table,
    f1,
    score_table,
    scores,
    wilson,
    worst_cases,
)
from docextract.records import Extraction, FieldEvidence, Outcome, Timings, Tokens


def judged(
    file: str,
    total: Verdict,
    shop: Verdict,
    group: str | None = None,
    split: str = "dev",
    confidence: float | None = None,
    seconds: float = 2.0,
) -> Judged:
    verdicts = {"total": total, "shop": shop}
    fields = {
        path: FieldEvidence(None, f"{path} as read", "found", confidence=confidence)
        for path in verdicts
    }
    extraction: Extraction[Any] = Extraction(
        version="0",
        file=file,
        schema="Slip",
        status="ok",
        data={},
        record=None,
        fields=fields,
        checks=(),
        model="none",
        timings=Timings(0, 0, 0, 0, seconds),
        tokens=Tokens(0, 0, 0),
    )
    return Judged(
        Labelled(file, {}, split, group),
        Outcome(file, extraction),
        verdicts,
        truths={"total": "9.00", "shop": "Zoë"},
        similar={} if shop == "missed" else {"shop": 0.95},
        correct={path: verdict in ("right", "absent") for path, verdict in verdicts.items()},
        pages=2,
    )


def unreadable(file: str, group: str) -> Judged:
    error = DamagedFileError(f"{file}: damaged")
    lost: dict[str, Verdict] = {"total": "missed", "shop": "missed"}
    label = Labelled(file, {}, "dev", group)
    return Judged(label, Outcome(file, error=error), lost, dict.fromkeys(lost))


FOUR = [
    judged("a", "right", "right", "x", confidence=0.9),
    judged("b", "wrong", "right", "x", confidence=0.6, seconds=4.0),
    unreadable("c", "y"),
    judged("d", "right", "absent", split="seen"),
]


def test_scores_are_given_per_split_and_together() -> None:
    figures = scores(FOUR)
    assert list(figures) == ["dev", "seen", "all"]
    assert (figures["dev"]["files"], figures["dev"]["unreadable"]) == (3, 1)
    total = figures["dev"]["fields"]["total"]
    assert (total["right"], total["wrong"], total["missed"]) == (1, 1, 1)
    assert total["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert (total["precision"], total["recall"]) == (0.5, pytest.approx(1 / 3, abs=1e-4))
    assert total["f1"] == pytest.approx(2 / (2 + 3))
    assert total["by_group"] == pytest.approx((0.5 + 0) / 2)
    assert figures["dev"]["fields"]["shop"]["similar"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["all"]["fields"]["shop"]["accuracy"] == 0.75
    assert figures["dev"]["micro_f1"] == pytest.approx(6 / (4 + 6), abs=1e-4)
    assert figures["dev"]["values"]["values"] == 6
    json.dumps(figures)


def test_documents_count_as_a_whole() -> None:
    figures = scores(FOUR)
    assert figures["dev"]["whole"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["seen"]["whole"] == 1
    assert figures["dev"]["seconds"] == {
        "document": 3.0, "document_median": 3.0, "page": 1.5, "pages": 4,
    }  # fmt: skip


def test_rows_count_for_themselves_and_for_the_whole() -> None:
    rows: dict[str, list[Verdict]] = {"items": ["right", "missed"]}
    figures = scores([replace(FOUR[0], rows=rows)])["dev"]
    assert figures["rows"]["items"]["accuracy"] == 0.5
    assert figures["micro_f1"] == 1
    assert figures["whole"] == 0


def test_confidences_are_held_against_the_verdicts() -> None:
    figures = scores(FOUR)["dev"]["calibration"]
    assert figures["values"] == 4
    assert figures["ece"] == pytest.approx((2 * 0.1 + 2 * 0.1) / 4)
    assert scores(FOUR[3:])["seen"]["calibration"] is None


def test_nulls_are_misses_and_wrong_values_count_twice() -> None:
    assert f1(["right", "missed"]) == pytest.approx(2 / 3, abs=1e-4)
    assert f1(["right", "wrong"]) == 0.5
    assert f1(["right", "invented"]) == pytest.approx(2 / 3, abs=1e-4)
    assert f1(["absent"]) == 1


def test_intervals_are_wilsons() -> None:
    assert wilson(8, 10) == [0.4902, 0.9433]
    assert wilson(1, 1) == [pytest.approx(0.2065, abs=1e-3), 1.0]


def test_the_table_names_every_figure() -> None:
    table = score_table(scores(FOUR))
    for words in ("dev: 3 files, 1 unreadable", "33.3%", "by group 25.0%", "similar 66.7%",
                  "whole documents 33.3%", "calibration error 0.100",
                  "at least 0.9 sure: 50%, 100.0% right", "1.50 s a page"):  # fmt: skip
        assert words in table


def test_budgets_stand_below_each_other() -> None:
    table = budget_table({"fast": scores(FOUR[:1]), "max": scores(FOUR[1:2])})
    fast, most = table.splitlines()[-2:]
    assert fast.split()[:4] == ["fast", "1.00", "1.000", "100.0%"]
    assert most.split()[:4] == ["max", "2.00", "0.500", "0.0%"]


def test_the_worst_come_first_and_say_what_was_read() -> None:
    lines = worst_cases(FOUR, 2).splitlines()
    assert lines[0] == "c: 2 of 2 wrong"
    assert lines[2] == "b: 1 of 2 wrong"
    assert lines[3].split() == ["total", "wrong", "0.60", "'total", "as", "read'", "for", "'9.00'"]
    assert worst_cases(FOUR[:1], 5) == ""


def test_fields_of_few_files_stand_among_all_others() -> None:
    odd: dict[str, Verdict] = {"odd": "right"}
    many = [judged(str(number), "right", "right") for number in range(19)]
    table = score_table(scores([*many, replace(many[0], verdicts=odd, similar={})]))
    assert "  total " in table and "  odd " not in table
    assert "all 3 fields" in table

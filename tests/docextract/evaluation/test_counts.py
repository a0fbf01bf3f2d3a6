import json
from pathlib import Path

import pytest
from PIL import Image

from docextract.evaluation import (
    CountLabel,
    JudgedCount,
    count_scores,
    count_table,
    judge_counts,
    worst_counts,
)
from docextract.readers.scripted import SCRIPT
from docextract.records import Count, Mark

SCRIPTED = "docextract.readers.scripted:reader"
BOXES = ((0.1, 0.4, 0.3, 0.6), (0.7, 0.4, 0.9, 0.6), (0.4, 0.0, 0.6, 0.2))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two marks are seen in every picture."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps("<loc_500><loc_200><loc_560><loc_800>"))
    monkeypatch.setenv(SCRIPT, str(script))
    Image.new("RGB", (100, 100), "white").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("none")
    return tmp_path


def label(count: int, file: str = "a.png", **others: object) -> CountLabel:
    fields = {"object": "can", "split": "dev", "group": None, "boxes": None, **others}
    return CountLabel(file, count=count, **fields)  # type: ignore[arg-type]


def judged(truth: int, counted: int | None, found: int | None = None) -> JudgedCount:
    marks = tuple(Mark(float(at), 0.0) for at in range(counted or 0))
    status = "failed" if counted is None else "ok"
    return JudgedCount(
        label(truth), Count("a.png", "can", 1, counted, status, marks=marks), 2.0, found
    )


def test_counts_are_held_against_truths_and_marks_against_boxes(folder: Path) -> None:
    labels = [label(2, boxes=BOXES[:2]), label(3, boxes=BOXES), label(1, "b.png")]
    right, wrong, unread = judge_counts(folder, labels, model=SCRIPTED)
    assert (right.right, right.error, right.found) == (True, 0, 2)
    assert (wrong.right, wrong.error, wrong.found) == (False, -1, 2)
    assert (unread.right, unread.error, unread.found) == (False, -1, None)
    line = json.loads(json.dumps(unread.to_dict()))
    assert (line["truth"], line["error"]["name"], line["signal"]) == (1, "not_a_document", None)


def test_a_mark_stands_on_one_thing_and_within_half_its_size(folder: Path) -> None:
    twice = ((0.1, 0.4, 0.3, 0.6), (0.11, 0.41, 0.31, 0.61))
    far = ((0.31, 0.4, 0.51, 0.6), (0.7, 0.4, 0.72, 0.42))
    for boxes, found in ((twice, 1), (far, 0)):
        [one] = judge_counts(folder, [label(2, boxes=boxes)], model=SCRIPTED)
        assert one.found == found


def test_figures_are_given_by_band() -> None:
    some = [judged(0, 0), judged(3, 3, 3), judged(5, 7, 4), judged(30, 29), judged(30, None)]
    figures = count_scores(some)["dev"]
    bands = figures["bands"]
    assert list(bands) == ["none", "1 to 10", "21 to 50"]
    few = bands["1 to 10"]
    assert (few["exact"], few["within_one"], few["mae"], few["bias"]) == (0.5, 0.5, 1.0, 1.0)
    assert few["marks"]["precision"] == 0.7 and few["marks"]["recall"] == 0.875
    many = bands["21 to 50"]
    assert (many["exact"], many["within_one"], many["mae"], many["bias"]) == (0, 0.5, 15.5, -15.5)
    assert many["unreadable"] == 1 and many["marks"] is None
    assert figures["all"]["counts"] == 5 and figures["all"]["seconds"] == 2.0
    assert figures["objects"] == {"can": figures["all"]}


def test_several_splits_are_also_scored_together() -> None:
    train = JudgedCount(label(3, split="train"), Count("b", "can", 1, 3, "ok"), 1.0, None)
    figures = count_scores([judged(3, 3), train])
    assert list(figures) == ["dev", "train", "all"] and figures["all"]["all"]["counts"] == 2


def test_what_was_not_read_is_not_within_one() -> None:
    assert count_scores([judged(1, None)])["dev"]["all"]["within_one"] == 0


def test_people_see_bands_and_the_worst() -> None:
    some = [judged(3, 3, 3), judged(30, 20), judged(5, 4), judged(2, None)]
    table = count_table(count_scores(some))
    assert "dev: 4 counts" in table and "21 to 50" in table and "-10.00" in table
    worst = worst_counts(some[:3], 2).splitlines()
    assert worst == ["  a.png: can, 20 for 30", "  a.png: can, 4 for 5"]

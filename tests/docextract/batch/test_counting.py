import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docextract.batch.counting import Counting, status_of
from docextract.batch.inputs import Inputs
from docextract.batch.job import Entry, Outcome
from docextract.batch.ledger import Ledger, files_of
from docextract.counting.assignment import Assignment
from docextract.counting.expected import Entry as Line
from docextract.counting.expected import Expected
from docextract.counting.zones import Zones
from docextract.errors import EncryptedError, UsageError
from docextract.pages import open_document
from docextract.readers.scripted import SCRIPT
from docextract.records import Count
from docextract.settings import Settings

LEFT = Zones((("", "left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),))
LIST = Expected((Line("", None, None, "dot", "007", 3),))


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Two marks in every picture, one in its left half."""
    script = tmp_path / "answer.json"
    script.write_text(json.dumps("<loc_500><loc_250><loc_500><loc_750>"))
    monkeypatch.setenv(SCRIPT, str(script))
    reader = "docextract.readers.scripted:reader"
    return Counting(Assignment(("dot",)), reader, "cpu", Settings(timeout=30))


def entry_of(job: Counting, path: Path) -> Entry:
    with open_document(path) as document:
        outcome = job.open().read(document)
    return Entry("a.png", "5" * 64, Outcome(**json.loads(json.dumps(vars(outcome)))))


def test_a_picture_has_a_line_for_each_object(
    counting: Counting, draw: Callable[..., Path]
) -> None:
    entry = entry_of(counting, draw("x.png"))
    assert entry.outcome.status == "ok" and entry.outcome.pages == 1
    [line] = counting.lines(entry)
    assert (line["file"], line["count"], line["sha256"]) == ("a.png", 2, "5" * 64)
    assert [mark["x"] for mark in line["marks"]] == pytest.approx([30, 90], abs=0.2)


def test_zones_and_what_is_expected_come_in_when_lines_are_written(
    counting: Counting, draw: Callable[..., Path]
) -> None:
    entry = entry_of(counting, draw("x.png"))
    zoned = replace(counting, assignment=Assignment(("dot",), LEFT))
    assert [(line["zone"], line["count"]) for line in zoned.lines(entry)] == [
        ("left", 1),
        ("outside", 1),
    ]
    listed = replace(counting, assignment=Assignment(("dot",), expected=LIST))
    [line] = listed.lines(entry)
    assert (line["sku"], line["expected"], line["difference"]) == ("007", 3, -1)
    layouts = {job.layout for job in (counting, zoned, listed)}
    detailed = replace(counting, details=True)
    assert len({*layouts, detailed.layout}) == 4
    [line] = detailed.lines(entry)
    assert line["form"] == "points" and line["size"] == [120, 80]
    assert counting.identity() == zoned.identity() == listed.identity()


def test_a_file_that_cannot_be_read_has_its_lines(counting: Counting) -> None:
    failed = Entry("a.pdf", None, Outcome.failed(EncryptedError("shut", hint="open")))
    both = replace(counting, assignment=Assignment(("dot", "dash"), expected=LIST))
    lines = list(both.lines(failed))
    assert [(line["object"], line["count"], line["status"]) for line in lines] == [
        ("dot", None, "failed"),
        ("dash", None, "failed"),
    ]
    assert lines[0]["error"]["code"] == 8 and lines[0]["expected"] == 3


def test_objects_may_be_those_that_are_expected(counting: Counting) -> None:
    lines = (Line("a.png", None, None, "dot", None, 1), Line("b.png", None, None, "dash", None, 1))
    assignment = Assignment(expected=Expected(lines))
    assert assignment.asked("x/a.png") == ["dot"]
    assert assignment.asked("c.png") == ["dot", "dash"]
    identity = replace(counting, assignment=assignment).identity()
    assert identity["the objects"] == "expected dash, dot"


def test_other_objects_are_another_job(counting: Counting, tmp_path: Path) -> None:
    results = tmp_path / "counts.jsonl"
    Ledger(results, counting).close()
    with pytest.raises(UsageError, match="the objects was dot and is now dash"):
        Ledger(results, replace(counting, assignment=Assignment(("dash",))))


def test_a_document_is_as_good_as_its_worst_count() -> None:
    ok, review = (Count("a", "x", status=status) for status in ("ok", "review"))
    failed = Count("a", "x")
    assert status_of([ok, ok]) == "ok"
    assert status_of([ok, review]) == status_of([ok, failed]) == "review"
    assert status_of([failed, failed]) == "failed"


def test_every_file_is_an_input_but_our_own(tmp_path: Path) -> None:
    for name in ("a.png", "notes.txt", ".hidden", "seen/a.png.png", "deep/b.jpg", "r.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    excluded = [tmp_path / "seen", *files_of(tmp_path / "r.jsonl")]
    inputs = Inputs([str(tmp_path)], excluded=excluded, every=True)
    names = [Path(file.path).name for file in inputs.find().files]
    assert names == ["a.png", "notes.txt", "b.jpg"]

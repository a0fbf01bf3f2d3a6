import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File
from docextract.batch.job import Entry, Outcome, Task
from docextract.batch.opener import Opener
from docextract.batch.worker import read_one
from docextract.errors import EncryptedError, ModelError, SchemaError
from docextract.pages import open_document
from docextract.readers.scripted import SCRIPT
from docextract.settings import Limits, Settings

RESULT = {"version": "1", "file": "read.png", "status": "ok", "record": {"total": "9.00"}}


def test_a_job_travels(job: Extracting) -> None:
    assert pickle.loads(pickle.dumps(job)) == job


def test_what_decides_a_record_decides_the_identity(job: Extracting, tmp_path: Path) -> None:
    script = tmp_path / "ticket.py"
    script.write_text(
        "from pydantic import BaseModel\n\nclass Ticket(BaseModel):\n    total: str | None = None\n"
    )
    other = replace(job, schema=str(script))
    before = other.identity()
    script.write_text(script.read_text() + "\n# a validator might stand here\n")
    settings: list[dict[str, Any]] = [
        {"budget": 64},
        {"pages": "1"},
        {"evidence": "none"},
        {"min_confidence": 0.5},
    ]
    jobs = [
        replace(job, schema="total number"),
        replace(job, model="bundled"),
        *(replace(job, settings=replace(job.settings, **setting)) for setting in settings),
    ]
    identities = [job.identity(), before, other.identity(), *(job.identity() for job in jobs)]
    assert len({json.dumps(identity) for identity in map(dict, identities)}) == len(identities)


def test_what_only_decides_who_may_be_read_does_not(job: Extracting) -> None:
    generous = Settings(limits=Limits(max_pages=1000), passwords=("sesame",), timeout=None)
    assert replace(job, settings=generous).identity() == job.identity()
    assert "sesame" not in repr(generous)


def test_what_cannot_be_loaded_has_no_identity(job: Extracting) -> None:
    with pytest.raises(SchemaError):
        replace(job, schema="nothing_like_it").identity()
    for model in ("nowhere:make", "no such model"):
        with pytest.raises(ModelError):
            replace(job, model=model).identity()


def test_a_line_has_the_record_and_with_details_all_there_is(job: Extracting) -> None:
    outcome = Outcome("ok", {"documents": [RESULT]}, pages=1, seconds=0.12345)
    entry = Entry("a.png", "5" * 64, outcome)
    tail = {"sha256": "5" * 64, "pages": 1, "seconds": 0.123}
    head = {"file": "a.png", "status": "ok", "record": {"total": "9.00"}, "error": None}
    assert list(job.lines(entry)) == [head | tail]
    [line] = replace(job, details=True).lines(entry)
    assert line == {**RESULT, "file": "a.png", "error": None, **tail}
    failed = Entry("a.png", None, Outcome.failed(EncryptedError("shut", hint="open")))
    for some in (job, replace(job, details=True)):
        [line] = some.lines(failed)
        assert (line["status"], line["record"], line["error"]["code"]) == ("failed", None, 8)


def test_each_document_of_a_file_has_a_line() -> None:
    parts = [RESULT | {"pages": [1, 2], "status": "review"}, RESULT | {"pages": [3, 3]}]
    outcome = Outcome("review", {"documents": parts}, pages=3, seconds=1.0)
    job = Extracting("invoice", "bundled", "cpu", Settings(), split=True)
    found = list(job.lines(Entry("pile.pdf", "5" * 64, outcome)))
    assert [(line["file"], line["status"], line["pages"]) for line in found] == [
        ("pile.pdf", "review", [1, 2]),
        ("pile.pdf", "ok", [3, 3]),
    ]
    failed = Entry("pile.pdf", None, Outcome.failed(EncryptedError("shut")))
    assert [line["status"] for line in job.lines(failed)] == ["failed"]
    assert job.identity() != replace(job, split=False).identity()


def test_where_the_schema_is_chosen_the_lines_name_it() -> None:
    job = Extracting("auto", "bundled", "cpu", Settings())
    assert job.identity()["the schema"].startswith("auto (")
    outcome = Outcome("ok", {"documents": [RESULT | {"schema": "receipt"}]}, pages=1)
    [line] = job.lines(Entry("a.png", None, outcome))
    assert line["schema"] == "receipt"


@pytest.mark.parametrize(("schema", "split"), [("auto", False), ("invoice_number, total", True)])
def test_a_pile_is_read_as_on_the_command_line(
    schema: str, split: bool, inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pymupdf.open() as pile:
        for number in (17, 18):
            page = pile.new_page()
            page.insert_text((50, 80), "INVOICE", fontsize=20)
            page.insert_text((50, 120), f"Number {number}-000 Total 9.00", fontsize=10)
        pile.save(inbox / "pile.pdf")
    lines = [{"invoice_number": f"{number}-000", "total": "9.00"} for number in (17, 18)]
    (tmp_path / "answers.json").write_text(json.dumps(lines))
    monkeypatch.setenv(SCRIPT, str(tmp_path / "answers.json"))
    settings = Settings(max_asks=0, pages=None if split else "1")
    job = Extracting(schema, "docextract.readers.scripted:reader", "cpu", settings, split=split)
    with open_document((inbox / "pile.pdf").read_bytes()) as document:
        outcome = job.open().read(document)
    found = list(job.lines(Entry("pile.pdf", None, outcome)))
    if split:
        assert [line["pages"] for line in found] == [[1, 1], [2, 2]]
    else:
        assert [line["schema"] for line in found] == ["invoice"]
    assert [line["record"]["invoice_number"] for line in found] == ["17-000", "18-000"][
        : len(found)
    ]


def test_an_opened_job_reads(job: Extracting, draw: Callable[[str], Path]) -> None:
    path = draw("a.png")
    opener, work = Opener(2**31), job.open()
    try:
        task = Task("file:a", File(str(path), "a.png"))
        outcome = read_one(work, opener, task, job)
    finally:
        opener.close()
    assert outcome.status == "ok"
    assert outcome.result
    assert [found["record"] for found in outcome.result["documents"]] == [{"total": "9.00"}]
    assert outcome.pages == 1
    assert outcome.seconds > 0
    json.dumps(outcome.result)

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File
from docextract.batch.job import Entry, Outcome, Task
from docextract.batch.opener import Opener
from docextract.batch.worker import read_one
from docextract.errors import EncryptedError, ModelError, SchemaError
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
    entry = Entry("a.png", "5" * 64, Outcome("ok", RESULT, pages=1, seconds=0.12345))
    tail = {"sha256": "5" * 64, "pages": 1, "seconds": 0.123}
    head = {"file": "a.png", "status": "ok", "record": {"total": "9.00"}, "error": None}
    assert list(job.lines(entry)) == [head | tail]
    [line] = replace(job, details=True).lines(entry)
    assert line == {**RESULT, "file": "a.png", "error": None, **tail}
    failed = Entry("a.png", None, Outcome.failed(EncryptedError("shut", hint="open")))
    for some in (job, replace(job, details=True)):
        [line] = some.lines(failed)
        assert (line["status"], line["record"], line["error"]["code"]) == ("failed", None, 8)


def test_an_opened_job_reads(job: Extracting, draw: Callable[[str], Path]) -> None:
    path = draw("a.png")
    opener, work = Opener(2**31), job.open()
    try:
        task = Task("file:a", File(str(path), "a.png"))
        outcome = read_one(work, opener, task, job)
    finally:
        opener.close()
    assert outcome.status == "ok"
    assert outcome.result and outcome.result["record"] == {"total": "9.00"}
    assert outcome.pages == 1
    assert outcome.seconds > 0
    json.dumps(outcome.result)

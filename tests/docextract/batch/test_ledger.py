import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from docextract.batch.inputs import File, Stamp
from docextract.batch.job import Entry, Outcome, Task
from docextract.batch.ledger import Ledger, ledger_of
from docextract.errors import EncryptedError, OutputError, UsageError
from docextract.settings import Settings

OK = Outcome("ok", {"total": "1"}, pages=2, seconds=3.0)
REVIEW = Outcome("review", {"total": None}, pages=1)
STAMP = Stamp(10, 1)
ONE, TWO = "1" * 64, "2" * 64


@dataclass(frozen=True)
class PlainJob:
    """What the ledger wants of a job."""

    flavour: str = "vanilla"
    layout: str = "plain"
    settings: Settings = Settings()

    def identity(self) -> Mapping[str, str]:
        return {"the flavour": self.flavour}

    def open(self) -> Any:
        raise NotImplementedError

    def lines(self, entry: Entry) -> Iterator[Mapping[str, Any]]:
        line = {"file": entry.file, "status": entry.outcome.status}
        yield line if self.layout == "plain" else line | {"sha256": entry.sha256}
        if entry.outcome.error:
            yield {"message": entry.outcome.error["message"]}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def a_file(name: str) -> File:
    return File(f"/nowhere/{name}", name)


def opened(out: Path, *files: File, job: PlainJob = PlainJob(), overwrite: bool = False) -> Ledger:
    ledger = Ledger(out, job, overwrite)
    ledger.expect(files)
    return ledger


def read_all(ledger: Ledger, outcome: Outcome = OK) -> list[str]:
    """Claim and finish what there is; the names, in order."""
    names = []
    while task := ledger.claim():
        assert ledger.finish(task.key, outcome)
        names.append(task.file.name)
    return names


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def statuses(out: Path) -> dict[str, str]:
    return {line["file"]: line["status"] for line in lines(out)}


def begun(out: Path) -> None:
    """Two files, read."""
    with opened(out, a_file("a"), a_file("b")) as ledger:
        ledger.admit(a_file("a"), STAMP, ONE)
        ledger.admit(a_file("b"), STAMP, TWO)
        assert read_all(ledger) == ["a", "b"]


def test_a_line_stands_in_the_results_as_soon_as_a_document_is_finished(out: Path) -> None:
    with opened(out, a_file("a"), a_file("b")) as ledger:
        assert out.read_bytes() == b""
        ledger.admit(a_file("a"), STAMP, ONE)
        ledger.admit(a_file("b"), STAMP, TWO)
        first = ledger.claim()
        assert first == Task(ONE, a_file("a"))
        assert ledger.finish(ONE, OK)
        assert lines(out) == [{"file": "a", "status": "ok"}]
        read_all(ledger, REVIEW)
        assert statuses(out) == {"a": "ok", "b": "review"}
        assert ledger.tally() == {"done": 1, "review": 1}


def test_many_may_begin_one_ledger_at_the_same_moment(tmp_path: Path) -> None:
    together = Barrier(4)

    def begin(out: Path) -> None:
        together.wait()
        opened(out).close()

    with ThreadPoolExecutor(4) as threads:
        for number in range(30):
            list(threads.map(begin, [tmp_path / f"{number}.jsonl"] * 4))


def test_what_is_finished_is_not_claimed_again(out: Path) -> None:
    begun(out)
    with opened(out, a_file("a"), a_file("b")) as ledger:
        assert ledger.known_key(a_file("a"), STAMP) == ONE
        assert ledger.known_key(a_file("a"), Stamp(11, 1)) is None
        ledger.admit(a_file("a"), STAMP, ONE)
        assert ledger.claim() is None
        assert ledger.seconds_per_page() == 1.5
        assert ledger.finished_keys() == {ONE, TWO}


def test_only_what_is_expected_is_claimed(out: Path) -> None:
    with opened(out, a_file("a"), a_file("b")) as ledger:
        ledger.admit(a_file("a"), STAMP, ONE)
        ledger.admit(a_file("b"), STAMP, TWO)
    with opened(out, a_file("b")) as ledger:
        assert read_all(ledger) == ["b"]


def test_what_was_being_read_is_given_back(out: Path) -> None:
    with opened(out, a_file("a")) as ledger:
        ledger.admit(a_file("a"), STAMP, ONE)
        assert ledger.claim()
        assert ledger.claim() is None
        ledger.release(ONE)
        assert ledger.claim()
    with opened(out, a_file("a")) as ledger:
        assert read_all(ledger) == ["a"]


def test_copies_are_read_once_and_have_a_line_each(out: Path) -> None:
    failed = Outcome.failed(EncryptedError("a: shut"))
    with opened(out, a_file("a"), a_file("b")) as ledger:
        ledger.admit(a_file("a"), STAMP, ONE)
        ledger.admit(a_file("b"), STAMP, ONE)
        assert read_all(ledger, failed) == ["a"]
    late = a_file("late")
    with opened(out, a_file("a"), a_file("b"), late) as ledger:
        ledger.admit(late, STAMP, ONE)
        assert read_all(ledger) == []
        assert ledger.failures() == {("encrypted", ""): 3}
    assert [line["message"] for line in lines(out)[1::2]] == ["a: shut", "b: shut", "late: shut"]


def test_a_moved_file_takes_its_line_along(out: Path) -> None:
    begun(out)
    with opened(out, a_file("b"), a_file("moved")) as ledger:
        ledger.admit(a_file("b"), STAMP, TWO)
        ledger.admit(a_file("moved"), STAMP, ONE)
        assert read_all(ledger) == []
        ledger.settle()
    assert list(statuses(out)) == ["moved", "b"]


def test_a_file_with_new_content_is_read_again(out: Path) -> None:
    begun(out)
    with opened(out, a_file("a")) as ledger:
        ledger.admit(a_file("a"), Stamp(12, 2), "3" * 64)
        assert read_all(ledger, REVIEW) == ["a"]
        ledger.settle()
    assert statuses(out) == {"b": "ok", "a": "review"}


def test_a_file_that_is_gone_keeps_its_line(out: Path) -> None:
    begun(out)
    with opened(out, a_file("a")) as ledger:
        ledger.admit(a_file("a"), Stamp(-1, 0), "file:gone")
        assert read_all(ledger) == []
    assert statuses(out) == {"a": "ok", "b": "ok"}


def test_a_retried_line_is_replaced_in_its_place_when_the_batch_ends(out: Path) -> None:
    with opened(out, a_file("a"), a_file("b")) as ledger:
        ledger.admit(a_file("a"), STAMP, ONE)
        read_all(ledger, Outcome.failed(EncryptedError("shut")))
        ledger.admit(a_file("b"), STAMP, TWO)
        read_all(ledger)
        assert ledger.again(["failed"]) == 1
        assert ledger.claim(again=False) is None
        assert read_all(ledger) == ["a"]
        assert lines(out)[0]["status"] == "failed"
        ledger.settle()
    assert lines(out) == [{"file": "a", "status": "ok"}, {"file": "b", "status": "ok"}]


def test_fresh_documents_come_before_those_that_are_read_again(out: Path) -> None:
    begun(out)
    files = a_file("a"), a_file("b"), a_file("c")
    with opened(out, *files) as ledger:
        ledger.again(["done"])
        ledger.admit(a_file("c"), STAMP, "3" * 64)
        assert read_all(ledger) == ["c", "a", "b"]
    assert [line["file"] for line in lines(out)] == ["a", "b", "c"]


@pytest.mark.parametrize("damage", ["", "a line without end", '{"file": "x", "status": "ok"}\n'])
def test_a_torn_end_is_mended_when_the_batch_goes_on(out: Path, damage: str) -> None:
    begun(out)
    whole = out.read_bytes()
    out.write_bytes(whole + damage.encode() if damage else whole[:-7])
    with opened(out):
        assert out.read_bytes() == whole


def test_an_end_that_nobody_knows_is_cut_away_before_the_next_line(out: Path) -> None:
    with opened(out, a_file("a")) as ledger:
        out.write_bytes(b'{"file": "from a process that was killed"')
        ledger.admit(a_file("a"), STAMP, ONE)
        read_all(ledger)
    assert list(statuses(out)) == ["a"]


def test_lost_results_are_written_anew(out: Path) -> None:
    begun(out)
    whole = out.read_bytes()
    out.unlink()
    with opened(out):
        assert out.read_bytes() == whole


def test_results_that_become_shorter_meanwhile_end_the_batch(out: Path) -> None:
    begun(out)
    with opened(out, a_file("c")) as ledger:
        out.write_bytes(b"")
        ledger.admit(a_file("c"), STAMP, "3" * 64)
        with pytest.raises(OutputError, match="shorter"):
            read_all(ledger)
    with opened(out, a_file("c")) as ledger:
        assert read_all(ledger) == ["c"]
    assert list(statuses(out)) == ["a", "b", "c"]


def test_results_that_somebody_has_edited_are_left_alone(out: Path) -> None:
    begun(out)
    edited = out.read_bytes().replace(b"ok", b"OK")
    out.write_bytes(edited)
    with pytest.raises(OutputError, match="somebody else has changed it") as caught:
        opened(out)
    assert "move it away" in caught.value.hint
    assert out.read_bytes() == edited


def test_results_without_a_ledger_are_not_touched(out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(OutputError, match="no ledger") as caught:
        opened(out)
    assert "--overwrite" in caught.value.hint
    assert out.read_text() == "mine"
    opened(out, overwrite=True).close()
    assert out.read_text() == ""


def test_another_job_is_refused_in_words_until_it_may_overwrite(out: Path) -> None:
    begun(out)
    with pytest.raises(UsageError, match="the flavour was vanilla and is now lemon"):
        opened(out, job=PlainJob("lemon"))
    with opened(out, a_file("a"), job=PlainJob("lemon"), overwrite=True) as ledger:
        assert out.read_bytes() == b""
        ledger.admit(a_file("a"), STAMP, ONE)
        assert read_all(ledger) == ["a"]


def test_another_layout_writes_the_results_anew(out: Path) -> None:
    begun(out)
    opened(out, job=PlainJob(layout="long")).close()
    assert [line["sha256"] for line in lines(out)] == [ONE, TWO]


def test_two_runs_never_claim_the_same(out: Path) -> None:
    files = a_file("a"), a_file("b")
    with opened(out, *files) as one, opened(out, *files) as other:
        for ledger in (one, other):
            ledger.admit(a_file("a"), STAMP, ONE)
            ledger.admit(a_file("b"), STAMP, TWO)
        first, second = one.claim(), other.claim()
        assert first and second
        assert {first.key, second.key} == {ONE, TWO}
        assert one.read_elsewhere() == other.read_elsewhere() == 1
        assert not one.finish(second.key, OK)
        assert other.finish(second.key, OK)
        assert one.finish(first.key, OK)
    assert sorted(statuses(out)) == ["a", "b"]


def test_a_running_batch_is_not_overwritten(out: Path) -> None:
    with opened(out), pytest.raises(OutputError, match="another batch"):
        opened(out, overwrite=True)


def test_what_a_dead_run_was_reading_is_read_by_others(out: Path) -> None:
    with opened(out, a_file("a")) as dead, opened(out, a_file("a")) as heir:
        dead.admit(a_file("a"), STAMP, ONE)
        assert dead.claim()
        heir.show_life()
        assert heir.claim() is None
        execute(out, "UPDATE runs SET alive = alive - 1000 WHERE id = 1")
        heir.show_life()
        assert read_all(heir) == ["a"]
        assert not dead.finish(ONE, OK)


@pytest.mark.skipif(os.name == "nt", reason="there only the signs of life tell")
def test_a_process_that_is_gone_is_known_to_be_dead_at_once(out: Path) -> None:
    with opened(out, a_file("a")) as dead, opened(out, a_file("a")) as heir:
        dead.admit(a_file("a"), STAMP, ONE)
        assert dead.claim()
        execute(out, "UPDATE runs SET process = 'other', pid = 999999999 WHERE id = 1")
        heir.show_life()
        assert heir.claim()


def execute(out: Path, statement: str) -> None:
    base = sqlite3.connect(ledger_of(out))
    with base:
        base.execute(statement)
    base.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no names but UTF-8")
def test_names_keep_their_bytes(out: Path) -> None:
    name = os.fsdecode(b"inv\xe9.pdf")
    with opened(out, a_file(name)) as ledger:
        ledger.admit(a_file(name), STAMP, ONE)
        assert read_all(ledger) == [name]
    assert os.fsencode(lines(out)[0]["file"]) == b"inv\xe9.pdf"
    out.read_text("utf-8")


@pytest.fixture
def disk_of() -> Iterator[Callable[[int], None]]:
    """Let no file of this process grow beyond so many bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [10, 40_000])
def test_a_full_disk_is_a_clear_error_and_the_batch_goes_on_later(
    out: Path, room: int, disk_of: Callable[[int], None]
) -> None:
    files = [a_file(f"{number:03}") for number in range(200)]
    keys = [f"{number:064x}" for number in range(200)]
    disk_of(room)
    with pytest.raises(OutputError) as caught, opened(out, *files) as ledger:
        for file, key in zip(files, keys, strict=True):
            ledger.admit(file, STAMP, key)
            read_all(ledger)
    assert "the same command" in caught.value.hint
    disk_of(2**40)
    with opened(out, *files) as ledger:
        for file, key in zip(files, keys, strict=True):
            ledger.admit(file, STAMP, key)
        read_all(ledger)
        assert ledger.tally() == {"done": 200}
    assert sorted(statuses(out)) == [file.name for file in files]
    base = sqlite3.connect(ledger_of(out))
    assert base.execute("SELECT max(finished), min(finished) FROM documents").fetchone() == (1, 1)
    base.close()


def test_a_ledger_that_is_none_is_an_error(out: Path) -> None:
    ledger_of(out).write_text("no database, " * 100)
    with pytest.raises(OutputError, match="not a database"):
        opened(out)

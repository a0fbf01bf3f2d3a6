import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from docextract.batch.driver import Options, Standing, Summary, run_batch
from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File, Inputs
from docextract.batch.job import Outcome
from docextract.batch.ledger import Ledger
from docextract.batch.planning import plan
from docextract.errors import ExitCode, MissingFileError, NothingToDoError

MEMORY = 2**31


@dataclass
class Listener:
    """Remembers what was read, and can do something then."""

    then: Callable[[File], None] = lambda _: None
    end: bool = False
    names: list[str] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    def tick(self, standing: Standing) -> None:
        self.standings.append(standing)

    def read(self, file: File, outcome: Outcome) -> None:
        self.names.append(Path(file.name).name)
        self.then(file)

    def wants_end(self) -> bool:
        return self.end


def run(job: Extracting, inbox: Path, listener: Listener | None = None, **options: Any) -> Summary:
    out = inbox.with_name("results.jsonl")
    with Ledger(out, job) as ledger:
        return run_batch(
            job,
            Inputs([str(inbox)]),
            ledger,
            Options(memory=MEMORY, **options),
            listener or Listener(),
        )


def lines(inbox: Path) -> list[dict[str, Any]]:
    text = inbox.with_name("results.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_a_folder_becomes_lines_and_a_summary(
    job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    page = draw("a.png")
    (inbox / "copy.png").write_bytes(page.read_bytes())
    (inbox / "broken.pdf").write_bytes(b"%PDF-1.4")
    (inbox / "note.txt").write_text("not a document")
    planned = plan(job, Inputs([str(inbox)]), inbox.with_name("results.jsonl"), MEMORY, print)
    assert (planned.files, planned.copies, planned.pages, planned.unreadable) == (3, 1, 1, 1)
    assert planned.seconds is None
    listener = Listener()
    summary = run(job, inbox, listener)
    assert sorted(listener.names) == ["a.png", "broken.pdf"]
    assert summary.states == {"done": 2, "review": 0, "failed": 1}
    assert (summary.files, summary.left, summary.read, summary.ended) == (3, 0, 2, None)
    assert [name for name, _ in summary.failures] == ["damaged"]
    assert summary.passed_over == {".txt": 1}
    assert summary.exit_code(strict=False) == ExitCode.SOME_FAILED
    by_name = {Path(line["file"]).name: line for line in lines(inbox)}
    assert by_name["a.png"]["record"] == by_name["copy.png"]["record"] == {"total": "9.00"}
    assert list(by_name["a.png"]) == [
        *("file", "status", "record", "error", "sha256", "pages", "seconds")
    ]
    assert by_name["broken.pdf"]["error"]["code"] == ExitCode.INPUT

    again = Listener()
    assert run(job, inbox, again).states == summary.states
    assert again.names == []
    assert run(job, inbox, again, retry=("failed",)).read == 1
    assert again.names == ["broken.pdf"]
    planned = plan(job, Inputs([str(inbox)]), inbox.with_name("results.jsonl"), MEMORY, print)
    assert (planned.files, planned.finished, planned.pages) == (3, 3, 0)
    assert planned.seconds == 0


@pytest.mark.slow
def test_one_wish_to_end_finishes_what_is_running_and_the_rest_comes_later(
    job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    for number in range(12):
        draw(f"{number}.png")
    listener = Listener()
    listener.then = lambda _: setattr(listener, "end", True)
    summary = run(job, inbox, listener)
    assert summary.ended == "interrupted"
    assert summary.exit_code(strict=False) == ExitCode.INTERRUPTED
    assert 0 < summary.read < 12
    assert summary.left == 12 - summary.read == 12 - len(lines(inbox))
    assert run(job, inbox).read == summary.left
    assert len({line["file"] for line in lines(inbox)}) == len(lines(inbox)) == 12


@pytest.mark.slow
def test_too_many_failures_end_it(job: Extracting, inbox: Path) -> None:
    for number in range(12):
        (inbox / f"{number}.pdf").write_text(f"broken {number}")
    summary = run(job, inbox, max_failures=2)
    assert summary.ended == "too many failures"
    assert 2 <= summary.states["failed"] < 12
    assert summary.exit_code(strict=False) == ExitCode.SOME_FAILED


@pytest.mark.slow
def test_a_folder_that_vanishes_ends_it_and_loses_nothing(
    job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    for number in range(12):
        draw(f"{number:02}.png")
    away = inbox.with_name("away")

    def take_away(_: File) -> None:
        if inbox.exists():
            inbox.rename(away)

    with pytest.raises(MissingFileError, match="vanished") as caught:
        run(job, inbox, Listener(take_away))
    assert "bring it back" in caught.value.hint
    assert {line["status"] for line in lines(inbox)} == {"ok"}
    away.rename(inbox)
    summary = run(job, inbox)
    assert summary.states == {"done": 12, "review": 0, "failed": 0}
    assert len(lines(inbox)) == 12


@pytest.mark.slow
def test_new_files_are_taken_up_when_they_have_come_to_rest(
    job: Extracting, inbox: Path, draw: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docextract.batch.watching.SECONDS", 0.3)
    draw("a.png")
    listener = Listener()
    deadline = time.monotonic() + 60

    def react(file: File) -> None:
        if file.name.endswith("a.png"):
            draw("b.png")
        else:
            listener.end = True

    listener.then = react
    summary = run(job, inbox, listener, watch=True)
    assert time.monotonic() < deadline
    assert listener.names == ["a.png", "b.png"]
    assert (summary.files, summary.ended) == (2, None)
    assert summary.exit_code(strict=False) == ExitCode.OK


def test_a_folder_without_documents_is_nothing_to_do(job: Extracting, inbox: Path) -> None:
    (inbox / "a.txt").touch()
    with pytest.raises(NothingToDoError, match="passed over: 1"):
        run(job, inbox)


@pytest.mark.parametrize(
    ("states", "strict", "code"),
    [
        ({"done": 2}, True, ExitCode.OK),
        ({"done": 1, "review": 1}, False, ExitCode.OK),
        ({"done": 1, "review": 1}, True, ExitCode.REVIEW),
        ({"review": 1, "failed": 1}, True, ExitCode.SOME_FAILED),
        ({"failed": 2}, False, ExitCode.ALL_FAILED),
        ({"failed": 1}, False, ExitCode.SOME_FAILED),
    ],
)
def test_the_exit_code_tells_the_truth(
    states: dict[str, int], strict: bool, code: ExitCode
) -> None:
    summary = Summary(2, Counter(states), 0, 1.0, Counter(), Counter(), None)
    assert summary.exit_code(strict) == code

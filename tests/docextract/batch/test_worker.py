"""Documents that harm the process that reads them; each of these tests loads a model or two."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docextract.batch import worker
from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File, key_of, stamp_of
from docextract.batch.job import Outcome, Task
from docextract.batch.worker import Workers
from docextract.errors import ModelError

MEMORY = 2**31

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]


def read_all(workers: Workers, paths: list[Path]) -> dict[str, Outcome]:
    """What becomes of each."""
    tasks = []
    for path in paths:
        file = File(str(path), path.name)
        tasks.append(Task(key_of(file, stamp_of(file), 2**20), file))
    outcomes: dict[str, Outcome] = {}
    while tasks or workers.busy:
        while tasks and workers.has_room:
            workers.submit(tasks.pop(0))
        for read in workers.wait(0.2):
            assert read.task.file.name not in outcomes
            outcomes[read.task.file.name] = read.outcome
    return outcomes


def test_a_document_that_ends_its_process_takes_no_other_with_it(
    odd_job: Extracting, draw: Callable[[str], Path]
) -> None:
    names = ["a.png", "b.png", "crash_1.png", "c.png", "fault_1.png", "d.png"]
    with Workers(odd_job, 1, MEMORY) as workers:
        outcomes = read_all(workers, [draw(name) for name in names])
    assert outcomes.keys() == set(names)
    assert [outcomes[f"{letter}.png"].status for letter in "abcd"] == ["ok"] * 4
    crashed, fault = outcomes["crash_1.png"].error, outcomes["fault_1.png"].error
    assert crashed and crashed["name"] == "crashed" and "SIGABRT" in crashed["message"]
    assert crashed["hint"]
    assert fault and fault["name"] == "internal" and "ZeroDivisionError: oh" in fault["message"]


def test_a_model_that_hangs_costs_the_document_its_time(
    odd_job: Extracting, draw: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(worker, "_GRACE", 1.0)
    hasty = replace(odd_job, settings=replace(odd_job.settings, timeout=6.0))
    with Workers(hasty, 1, MEMORY) as workers:
        outcomes = read_all(workers, [draw("hang_1.png"), draw("a.png")])
    assert outcomes["a.png"].status == "ok"
    error = outcomes["hang_1.png"].error
    assert error and error["name"] == "timed_out"
    assert "--timeout" in error["hint"]


@pytest.mark.parametrize(
    ("model", "said"),
    [("oddreader:die", "ended .SIGABRT"), ("oddreader:nothing", "no nothing to call")],
)
def test_a_model_that_does_not_load_ends_the_batch(
    odd_job: Extracting, draw: Callable[[str], Path], model: str, said: str
) -> None:
    with (
        Workers(replace(odd_job, model=model), 1, MEMORY) as workers,
        pytest.raises(ModelError, match=said),
    ):
        while True:
            workers.wait(1)

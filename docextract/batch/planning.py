"""What a batch would do, without doing it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docextract.batch.inputs import Inputs, key_of, stamp_of
from docextract.batch.job import Job, Task
from docextract.batch.ledger import Ledger, ledger_of
from docextract.batch.opener import Opener
from docextract.errors import DocextractError


@dataclass(frozen=True)
class Plan:
    """`files` are all inputs, of which `finished` need no reading and `copies` share a document
    with another; the rest are `pages`, and `unreadable` documents. `seconds` are what the pages
    will take in one process, None where nothing of the kind was read before.
    """

    files: int
    finished: int
    copies: int
    pages: int
    unreadable: int
    seconds: float | None


def plan(job: Job, inputs: Inputs, results: Path, memory: int, show: Callable[[str], None]) -> Plan:
    """Open every document that a batch would read, and count its pages.

    Raises what opening the ledger of `results` raises, if there is one.
    """
    files = inputs.find().files
    finished, per_page = _remembered(job, results)
    keys: set[str] = set()
    known = pages = unreadable = 0
    opener = Opener(memory)
    try:
        for number, file in enumerate(files, 1):
            show(f"opening {number} of {len(files)}")
            key = key_of(file, stamp_of(file), job.settings.limits.max_bytes)
            known += key in finished
            if key in keys or key in finished:
                continue
            keys.add(key)
            try:
                with opener.open(Task(key, file), job.settings) as document:
                    pages += len(document.numbers(job.settings.pages))
            except DocextractError:
                unreadable += 1
    finally:
        opener.close()
    copies = len(files) - known - len(keys)
    seconds = None if per_page is None else per_page * pages
    return Plan(len(files), known, copies, pages, unreadable, seconds)


def _remembered(job: Job, results: Path) -> tuple[frozenset[str], float | None]:
    """The keys of finished documents, and the seconds that a page took."""
    if not ledger_of(results).exists():
        return frozenset(), None
    with Ledger(results, job) as ledger:
        return ledger.finished_keys(), ledger.seconds_per_page()

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from docextract.batch.inputs import File, key_of, stamp_of
from docextract.batch.job import Task
from docextract.batch.opener import Opener
from docextract.batch.processes import alarm, limit_memory, share_of_threads, start
from docextract.errors import (
    ChangedError,
    CrashedError,
    EncryptedError,
    LimitError,
    MissingFileError,
    NotADocumentError,
    TimedOutError,
)
from docextract.pages import open_document
from docextract.settings import Limits, Settings

SETTINGS = Settings(timeout=20)
MEMORY = 2**31


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    """One for all tests: it must survive each of them."""
    opener = Opener(MEMORY)
    yield opener
    opener.close()


def task(path: Path) -> Task:
    file = File(str(path), path.name)
    return Task(key_of(file, stamp_of(file), 2**20), file)


def test_pages_come_as_if_they_were_drawn_here(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "two.pdf"
    with pymupdf.open() as document:
        for number in (1, 2):
            document.new_page().insert_text((100, 100), f"Page {number}")
        document.save(path)
    with open_document(path) as here, opener.open(task(path), SETTINGS) as there:
        assert there.name == "two.pdf"
        assert there.page_count == 2
        assert there.unit == here.unit
        assert there.repaired == here.repaired
        assert there.attached == here.attached
        page, twin = there.render(2, 64), here.render(2, 64)
        np.testing.assert_array_equal(page.pixels, twin.pixels)
        assert page.words == twin.words
        cut = there.render(1, 64, crop=(0, 0, 50, 50)).cut
        assert cut == (0, 0, 50, 50)


def test_limits_hold_there_too(opener: Opener, draw: Callable[[str], Path]) -> None:
    with pytest.raises(LimitError, match="10 that are allowed"):
        opener.open(task(draw("a.png")), replace(SETTINGS, limits=Limits(max_pixels=10))).render(
            1, 16
        )
    with pytest.raises(LimitError, match="10 bytes"):
        opener.open(task(draw("a.png")), replace(SETTINGS, limits=Limits(max_bytes=10)))


def test_what_is_wrong_with_a_file_is_raised_here(
    opener: Opener, inbox: Path, draw: Callable[[str], Path]
) -> None:
    with pytest.raises(MissingFileError):
        opener.open(task(inbox / "gone.pdf"), SETTINGS)
    with pytest.raises(NotADocumentError):
        opener.open(task(inbox), SETTINGS)
    shut = inbox / "shut.pdf"
    with pymupdf.open() as document:
        document.new_page()
        document.save(shut, encryption=pymupdf.mupdf.PDF_ENCRYPT_AES_256, user_pw="sesame")
    with pytest.raises(EncryptedError):
        opener.open(task(shut), SETTINGS)
    assert opener.open(task(shut), replace(SETTINGS, passwords=("sesame",))).page_count == 1
    assert opener.open(task(draw("a.png")), SETTINGS).page_count == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
def test_a_pipe_is_not_waited_for(opener: Opener, inbox: Path) -> None:
    os.mkfifo(inbox / "pipe.pdf")
    with pytest.raises(NotADocumentError, match="not an ordinary file"):
        opener.open(task(inbox / "pipe.pdf"), SETTINGS)


def test_a_file_that_has_changed_is_not_taken_for_what_it_was(
    opener: Opener, draw: Callable[[str], Path]
) -> None:
    old = task(draw("a.png"))
    Path(old.file.path).write_bytes(draw("b.png").read_bytes())
    with pytest.raises(ChangedError) as caught:
        opener.open(old, SETTINGS)
    assert "the same command" in caught.value.hint


def processes_of(opener: Opener) -> int:
    assert opener._process and opener._process.pid
    return opener._process.pid


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_crash_costs_one_document(opener: Opener, draw: Callable[[str], Path]) -> None:
    with opener.open(task(draw("a.png")), SETTINGS) as document:
        os.kill(processes_of(opener), signal.SIGSEGV)
        with pytest.raises(CrashedError, match=r"a.png.*SIGSEGV"):
            document.render(1, 16)
    assert opener.open(task(draw("b.png")), SETTINGS).page_count == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_endless_loop_costs_its_time_and_one_document(
    opener: Opener, draw: Callable[[str], Path]
) -> None:
    quick = replace(SETTINGS, timeout=0.5)
    with opener.open(task(draw("a.png")), SETTINGS):
        stuck = processes_of(opener)
        os.kill(stuck, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(TimedOutError, match=r"a.png: .*0.5 seconds"):
            opener.open(task(draw("a.png")), quick)
        assert time.monotonic() - started < 5
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)
    assert opener.open(task(draw("b.png")), SETTINGS).page_count == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_memory_is_limited() -> None:
    process, connection = start(_eat, 2**30, name="eater", threads=1)
    assert connection.recv() == "MemoryError"
    process.join()


def _eat(connection: Any, limit: int) -> None:
    limit_memory(limit)
    try:
        bytearray(2 * limit)
    except MemoryError as error:
        connection.send(type(error).__name__)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such alarm")
def test_a_process_ends_itself_where_nobody_else_does() -> None:
    process, _ = start(_loop, name="loop", threads=1)
    process.join(20)
    assert process.exitcode == -signal.SIGALRM


def _loop(connection: Any) -> None:
    with alarm(0.2):
        while True:
            pass


def test_processes_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("docextract.batch.processes.processors", lambda: 8)
    assert [share_of_threads(jobs) for jobs in (1, 2, 3, 100)] == [8, 4, 2, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert share_of_threads(1) == 3

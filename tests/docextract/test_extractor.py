import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pydantic import BaseModel

from docextract import Extractor, aextract
from docextract.asking import Progress
from docextract.errors import MissingFileError, ModelError, SchemaError, UsageError
from docextract.readers import Reading
from docextract.readers.scripted import ScriptedReader
from docextract.types import Money


class Ticket(BaseModel):
    total: Money
    name: str | None = None


def ticket(number: int) -> bytes:
    with pymupdf.open() as document:
        document.new_page().insert_text((50, 100), f"Stall {number} total {number}.00", fontsize=20)
        return bytes(document.tobytes())


class Slow(ScriptedReader):
    """Answers every question in a while, and counts who is being served."""

    def __init__(self, questions_at_once: int = 1, seconds: float = 0.02) -> None:
        super().__init__([])
        self.questions_at_once = questions_at_once
        self.seconds = seconds
        self.busy = self.busiest = 0
        self.closed = False
        self._count = threading.Lock()

    def read(
        self,
        images: Sequence[Any],
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        with self._count:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            time.sleep(self.seconds)
            if on_text:
                on_text("{")
            return Reading('{"total":null,"name":null}')
        finally:
            with self._count:
                self.busy -= 1

    def close(self) -> None:
        self.closed = True


def test_a_schema_and_a_model_are_loaded_once_for_many_documents() -> None:
    reader = ScriptedReader([{"total": "1.00"}, {"total": "2.00"}])
    with Extractor(Ticket, reader=reader) as extractor:
        records = [extractor.extract(ticket(number)).record for number in (1, 2)]
    assert [str(record.total) for record in records if record] == ["1.00", "2.00"]


def test_several_documents_of_a_file_get_a_record_each() -> None:
    with pymupdf.open() as document:
        for number in (1, 2):
            document.insert_pdf(pymupdf.open(stream=ticket(number)))
        content = document.tobytes()
    reader = ScriptedReader([{"total": "1.00"}, {"total": "2.00"}])
    found = Extractor(Ticket, reader=reader).extract_each(content, name="both.pdf")
    assert [(one.file, one.pages) for one in found] == [("both.pdf", (1, 1)), ("both.pdf", (2, 2))]


def test_threads_share_it_and_the_reader_has_no_more_questions_than_it_takes() -> None:
    reader = Slow(questions_at_once=2, seconds=0.3)
    extractor = Extractor(Ticket, reader=reader)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(extractor.extract, map(ticket, range(6))))
    assert [one.status for one in found] == ["review"] * 6  # the total is required
    assert reader.busiest == 2


def test_an_event_loop_goes_on_while_documents_are_read() -> None:
    async def read_all() -> tuple[int, list[Any]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        with Extractor(Ticket, reader=Slow()) as extractor:
            clock = asyncio.create_task(tick())
            found = await asyncio.gather(*(extractor.aextract(ticket(n)) for n in range(3)))
            clock.cancel()
        return ticks, found

    ticks, found = asyncio.run(read_all())
    assert len(found) == 3 and ticks > 3


def test_aextract_tells_its_progress_and_raises_what_extract_raises() -> None:
    told: list[Progress] = []
    reader = ScriptedReader([{"total": "1.00"}])
    found = asyncio.run(aextract(ticket(1), Ticket, reader, progress=told.append))
    assert found.data["total"] == "1.00"
    assert told[0].words == "reading page 1"
    with pytest.raises(MissingFileError):
        asyncio.run(aextract("nowhere.pdf", Ticket, reader))


def test_a_cancelled_task_ends_the_reading() -> None:
    class Endless(Slow):
        def read(self, *arguments: Any, on_text: Any = None) -> Reading:
            listen = on_text or arguments[-1]
            started.set()
            try:
                while True:
                    listen("{")
                    time.sleep(0.001)
            finally:
                ended.set()

    started, ended = threading.Event(), threading.Event()

    async def give_up() -> None:
        reading = asyncio.create_task(aextract(ticket(1), Ticket, Endless()))
        await asyncio.to_thread(started.wait, 10)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(give_up())
    assert ended.wait(10)


def test_a_reader_that_was_given_stays_open_and_one_that_was_made_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given, made = Slow(), Slow()
    Extractor(Ticket, reader=given).close()
    monkeypatch.setattr("docextract.extractor.open_reader", lambda *_: made)
    with Extractor(Ticket, model="mine") as extractor:
        pass
    extractor.close()
    assert (given.closed, made.closed) == (False, True)
    with pytest.raises(UsageError, match="closed"):
        extractor.extract(ticket(1))


def test_what_cannot_be_loaded_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SchemaError):
        Extractor("no_such_schema", reader=Slow())
    with pytest.raises(ModelError):
        Extractor(Ticket, model=str(tmp_path / "nothing"))

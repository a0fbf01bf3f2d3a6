"""Documents opened and drawn in a process of their own, which may die or hang without harm.

PDF libraries crash, loop and eat memory on files made to do so. Here that costs a process that
starts in a moment; the process with the model asks for pages through a pipe and never touches a
document.
"""

import hashlib
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from docextract.batch.inputs import File, is_hash
from docextract.batch.job import Task
from docextract.batch.processes import alarm, end, limit_memory, start, words_of_death
from docextract.batch.stores import is_url, reading
from docextract.errors import (
    ChangedError,
    CrashedError,
    DocextractError,
    NotADocumentError,
    TimedOutError,
    our_fault,
)
from docextract.pages import Box, Document, Page, open_document, read_content
from docextract.settings import Limits, Settings

MOST_SECONDS = 60.0
"""For opening a document, or for drawing one of its pages."""

_GRACE = 5.0  # seconds after which a process ends itself where nobody is left to end it


@dataclass(frozen=True)
class _Open:
    task: Task
    settings: Settings


@dataclass(frozen=True)
class _Render:
    number: int
    budget: int
    crop: Box | None


@dataclass(frozen=True)
class _Opened:
    unit: Literal["point", "pixel"]
    page_count: int
    repaired: bool
    attached: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Rendered:
    page: Page
    repaired: bool


class Opener:
    """A process that has one document open at a time. It is started when there is need of it.

    `memory`: bytes that it may take.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def open(self, task: Task, settings: Settings) -> "IsolatedDocument":
        """Open the document of a task.

        Raises what docextract.pages.open_document raises, CrashedError, TimedOutError, and
        ChangedError where the file is not what it was.
        """
        opened = self.ask(task.file.name, _Open(task, settings), settings)
        return IsolatedDocument(self, task.file.name, settings, opened)

    def ask(self, name: str, question: _Open | _Render, settings: Settings) -> Any:
        """The answer of the process; an error that it sends is raised here."""
        connection = self._connected()
        seconds = min(MOST_SECONDS, settings.timeout or MOST_SECONDS)
        try:
            connection.send((seconds, question))
            if not connection.poll(seconds):
                self.close()
                raise TimedOutError(
                    f"{name}: not opened or drawn within {seconds:g} seconds",
                    hint="the file may be damaged: save it anew with another program",
                )
            answer = connection.recv()
        except (EOFError, OSError) as error:
            assert self._process is not None
            how = words_of_death(self._process)
            self.close()
            raise CrashedError(
                f"{name}: opening or drawing it ended the process ({how})",
                hint="the file may be damaged: save it anew with another program",
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, in whatever state it is."""
        if self._process is not None and self._connection is not None:
            end(self._process, self._connection)
        self._process = self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            self._process, self._connection = start(
                serve, self._memory, name="docextract opener", threads=1
            )
        return self._connection


class IsolatedDocument(Document):
    """A document that an Opener has open."""

    def __init__(self, opener: Opener, name: str, settings: Settings, opened: _Opened) -> None:
        super().__init__(name, settings.limits)
        self.unit = opened.unit
        self._opener = opener
        self._settings = settings
        self._pages = opened.page_count
        self._repaired = opened.repaired
        self._attached = opened.attached

    @property
    def page_count(self) -> int:
        return self._pages

    @property
    def repaired(self) -> bool:
        return self._repaired

    @property
    def attached(self) -> Mapping[str, Sequence[str]]:
        return self._attached

    def close(self) -> None:
        """Nothing: the next document takes this one's place."""

    def render(self, number: int, budget: int, crop: Box | None = None) -> Page:
        question = _Render(number, budget, crop)
        rendered: _Rendered = self._opener.ask(self.name, question, self._settings)
        self._repaired = rendered.repaired
        return rendered.page


def serve(connection: Connection, memory: int) -> None:
    """The process: answer questions until nobody is left to ask."""
    limit_memory(memory)
    document: Document | None = None
    with suppress(EOFError, OSError):
        while True:
            seconds, question = connection.recv()
            with alarm(seconds + _GRACE):
                answer: object
                try:
                    if isinstance(question, _Open):
                        if document:
                            document.close()
                        document = None  # until the next one has been opened
                        document = _open(question.task, question.settings)
                        answer = _Opened(
                            document.unit,
                            document.page_count,
                            document.repaired,
                            document.attached,
                        )
                    else:
                        assert document is not None
                        page = document.render(question.number, question.budget, question.crop)
                        answer = _Rendered(page, document.repaired)
                except DocextractError as error:
                    answer = error
                except Exception as error:
                    answer = our_fault(error)
                connection.send(answer)


def _open(task: Task, settings: Settings) -> Document:
    limits, name = settings.limits, task.file.name
    content = _content(task.file, limits)
    whole = len(content) <= limits.max_bytes
    if whole and is_hash(task.key) and hashlib.sha256(content).hexdigest() != task.key:
        raise ChangedError(
            f"{name}: the file has changed since it was queued", hint="give the same command again"
        )
    return open_document(content, limits, settings.passwords, name)


def _content(file: File, limits: Limits) -> bytes:
    if is_url(file.path):
        with reading(file.path) as stream:
            return bytes(stream.read(limits.max_bytes + 1))
    path = Path(file.path)
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise NotADocumentError(f"{file.name}: not an ordinary file")
    return read_content(path, limits, file.name)

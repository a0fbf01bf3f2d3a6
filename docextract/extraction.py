"""Read a document's pages into one record."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from docextract import __version__
from docextract.answer import Answer, parse_answer
from docextract.assembly import PageAnswer, assemble
from docextract.confidence import (
    calibration_of,
    signals_of,
    unsure,
    with_confidence,
    written_logprobs,
)
from docextract.errors import AnswerError, TimedOutError
from docextract.grounding import ground, hidden_text
from docextract.grounding.attached import compare_attached
from docextract.pages import Document, Page, open_document
from docextract.prompt import render_question
from docextract.readers import Reader, Reading, open_reader
from docextract.records import Check, Extraction, Timings, Tokens
from docextract.schema import Schema, load_schema
from docextract.settings import Settings

M = TypeVar("M", bound=BaseModel)

MAX_TOKENS = 4096
"""Tokens of one answer: about fifty printed rows in the letters of the bundled model."""

_TOKEN_SIDE = 28

_DAMAGED = Check(
    "undamaged",
    None,
    False,
    "the file is damaged, and what could be saved of it was read: get it anew from where it came "
    "from, or open it in another program and print it to a new file",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an extraction is: `words` for a person, or a new piece of the answer's `text`."""

    words: str
    text: str = ""


Listener = Callable[[Progress], None]


@overload
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[M]: ...
@overload
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]: ...
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str] | type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = Settings(),
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]:
    """Read a PDF or a picture, a path or its bytes, into a record of `schema`.

    A Document that is open already is read and left open; it has its own limits and name.

    `schema`: a Pydantic class, or whatever `load_schema` takes. `reader`: the bundled model unless
    given. `name` is what the result and messages call the document. `progress` is told what goes
    on; what it raises ends the extraction and is raised from here.

    Raises:
        InputError, EncryptedError: the document cannot be read.
        SchemaError: the schema cannot be honoured.
        ModelError, DeviceError: the model cannot run.
        AnswerError: no page got an answer that holds a record.
    """
    clock = _Clock(settings.timeout)
    loaded = load_schema(schema)
    with _opened(source, settings, name) as document:
        numbers = document.numbers(settings.pages)
        reader = reader or _bundled_reader()
        calibration = calibration_of(reader, needed=settings.min_confidence is not None)
        run = _Run(loaded, reader, document, settings, clock, progress)
        answers, checks = run.read(numbers)
        attached = document.attached if settings.evidence == "words" else {}
    assembled = assemble(loaded, answers)
    checks = [*checks, *assembled.checks]
    for path, value, check in compare_attached(loaded.fields, assembled.fields, attached):
        assembled = replace(assembled, fields={**assembled.fields, path: value})
        checks.append(check)
    doubts = sum(not check.passed for check in checks)
    signals = signals_of(assembled.fields, assembled.kinds, assembled.logprobs, doubts)
    fields = with_confidence(assembled.fields, signals, calibration)
    checks += unsure(fields, settings.min_confidence)
    doubtful = any(value.needs_review for value in fields.values())
    return Extraction(
        version=__version__,
        file=document.name,
        schema=loaded.reference,
        status="review" if doubtful or not all(check.passed for check in checks) else "ok",
        data=assembled.data,
        record=assembled.record,
        fields=fields,
        checks=tuple(checks),
        model=reader.name,
        timings=run.timings(),
        tokens=run.tokens(),
        signals=signals,
    )


def _opened(
    source: str | PathLike[str] | bytes | Document, settings: Settings, name: str | None
) -> AbstractContextManager[Document]:
    if isinstance(source, Document):
        return nullcontext(source)
    name = name or ("document" if isinstance(source, bytes) else fspath(source))
    content = source if isinstance(source, bytes) else Path(source)
    return open_document(content, settings.limits, settings.password, name)


class _Clock:
    def __init__(self, timeout: float | None) -> None:
        self._started = time.perf_counter()
        self._timeout = timeout

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._started

    def check(self, name: str) -> None:
        if self._timeout is not None and self.elapsed > self._timeout:
            raise TimedOutError(
                f"{name}: not read within {self._timeout:g} seconds", hint="allow more: --timeout"
            )


class _Run:
    """One document on its way through a reader, and what that took."""

    def __init__(
        self,
        schema: Schema[Any],
        reader: Reader,
        document: Document,
        settings: Settings,
        clock: _Clock,
        progress: Listener | None,
    ) -> None:
        self._schema = schema
        self._reader = reader
        self._document = document
        self._budget = settings.budget or reader.default_budget
        self._evidence = settings.evidence
        self._clock = clock
        self._tell = progress or (lambda _: None)
        self._rasterise = 0.0
        self._visual = 0
        self._readings: list[Reading] = []

    def read(self, numbers: Sequence[int]) -> tuple[list[PageAnswer], list[Check]]:
        """An answer for each page with print, or for as many as the reader takes at once.

        Raises:
            AnswerError: something was asked, and nothing answered.
        """
        answers: list[PageAnswer] = []
        checks: list[Check] = []
        problem: AnswerError | None = None
        for some in _groups(numbers, self._reader.pages_at_once):
            words = _page_words(some, self._document.page_count)
            self._tell(Progress(f"reading {words}"))
            pages = [self._render(number) for number in some]
            printed = [page for page in pages if not page.blank]
            checks += [_blank(page, self._document) for page in pages if page.blank]
            if not printed:
                # Asked about an empty page, a model makes something up.
                continue
            reading = self._ask(printed)
            if reading.finish == "length":
                checks.append(
                    Check("complete", None, False, f"{words}: the answer reached its token limit")
                )
            try:
                answer = self._parsed(reading)
            except AnswerError as error:
                problem = AnswerError(
                    f"{self._document.name}: {words}: {error.message}", hint=error.hint
                )
                checks.append(Check("answered", None, False, f"{words}: {error.message}"))
                continue
            one = printed[0].number if len(printed) == 1 else None
            if self._evidence == "none":
                answers.append(PageAnswer(one, answer))
                continue
            grounded = ground(self._schema.fields, answer, printed)
            answers.append(PageAnswer(one, grounded.answer, grounded.places))
            checks += [_hidden(page, self._document) for page in printed if hidden_text(page)]
        if problem and not answers:
            raise problem
        if self._document.repaired:
            checks.append(_DAMAGED)
        return answers, checks

    def timings(self) -> Timings:
        return Timings(
            load=self._reader.load_seconds,
            rasterise=self._rasterise,
            first_token=sum(reading.first_token for reading in self._readings),
            decode=sum(reading.decode for reading in self._readings),
            total=self._clock.elapsed,
        )

    def tokens(self) -> Tokens:
        return Tokens(
            visual=self._visual,
            prompt=sum(reading.prompt_tokens for reading in self._readings),
            answer=sum(len(reading.token_ids) for reading in self._readings),
        )

    def _render(self, number: int) -> Page:
        self._clock.check(self._document.name)
        started = time.perf_counter()
        page = self._document.render(number, self._budget)
        self._rasterise += time.perf_counter() - started
        return page

    def _ask(self, pages: Sequence[Page]) -> Reading:
        def listen(text: str) -> None:
            self._clock.check(self._document.name)
            self._tell(Progress("writing", text))

        self._visual += sum(page.pixels[:, :, 0].size // _TOKEN_SIDE**2 for page in pages)
        reading = self._reader.read(
            [page.pixels for page in pages],
            render_question(self._schema, self._reader.dialect, len(pages)),
            self._schema.grammar,
            MAX_TOKENS,
            listen,
        )
        self._readings.append(reading)
        return reading

    def _parsed(self, reading: Reading) -> Answer:
        answer = parse_answer(reading.text, self._schema.fields)
        logprobs = written_logprobs(reading.text, reading.ends, reading.logprobs)
        return replace(answer, logprobs=logprobs)


def _groups(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _blank(page: Page, document: Document) -> Check:
    words = _page_words([page.number], document.page_count)
    return Check("printed", None, False, f"{words}: blank, and so not read")


def _hidden(page: Page, document: Document) -> Check:
    words = _page_words([page.number], document.page_count)
    return Check(
        "seen", None, False, f"{words}: holds words that cannot be seen: {hidden_text(page)!r}"
    )


def _page_words(numbers: Sequence[int], total: int) -> str:
    pages = f"page {numbers[0]}" if len(numbers) == 1 else f"pages {numbers[0]}-{numbers[-1]}"
    return f"{pages} of {total}" if total > 1 else pages


@lru_cache(maxsize=1)
def _bundled_reader() -> Reader:
    """The bundled model, loaded once for all documents of a process."""
    return open_reader()

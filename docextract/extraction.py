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
from docextract.assembly import Doubt, PageAnswer
from docextract.confidence import (
    calibration_of,
    signals_of,
    unsure,
    with_confidence,
    written_logprobs,
)
from docextract.errors import AnswerError, DocextractError, TimedOutError
from docextract.grounding import ground, hidden_text
from docextract.grounding.attached import compare_attached
from docextract.mending import mend
from docextract.pages import Document, Page, open_document
from docextract.prompt import Mistake, render_question
from docextract.readers import Reader, Reading, open_reader
from docextract.records import Check, Extraction, Timings, Tokens
from docextract.schema import Group, Leaf, Schema, load_schema
from docextract.settings import BUDGETS, Settings, higher_budget

M = TypeVar("M", bound=BaseModel)

MAX_TOKENS = 4096
"""Tokens of one answer: about fifty printed rows in the letters of the bundled model."""

_TOKEN_SIDE = 28

_UNSURE = -0.15
"""Mean log-probability of an answer below which the page may stand on its head."""
_PROBE_BUDGET = BUDGETS["fast"]
_PROBE_FIELDS = 3
_PROBE_TOKENS = 200

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
        assembled = mend(loaded, answers, run.ask_again)
        attached = document.attached if settings.evidence == "words" else {}
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
    return open_document(content, settings.limits, settings.passwords, name)


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
                f"{name}: not read within {self._timeout:g} seconds",
                hint=f"allow more: --timeout {2 * self._timeout:g}",
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
        self._asks_left = settings.max_asks
        self._tokens_left = settings.max_ask_tokens
        self._clock = clock
        self._tell = progress or (lambda _: None)
        self._turns: dict[int, int] = {}
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
            pages = [self._render(number, self._budget) for number in some]
            printed = [page for page in pages if not page.blank]
            checks += [_blank(page, self._document) for page in pages if page.blank]
            if not printed:
                # Asked about an empty page, a model makes something up.
                continue
            if len(printed) == 1:
                printed, reading = self._read_upright(printed[0])
            else:
                reading = self._ask(printed, self._schema, MAX_TOKENS)
            checks += [_turned(page, self._document) for page in printed if page.turned]
            if reading.finish == "length":
                checks.append(
                    Check("complete", None, False, f"{words}: the answer reached its token limit")
                )
            try:
                answer = _parsed(reading, self._schema)
            except AnswerError as error:
                problem = AnswerError(
                    f"{self._document.name}: {words}: {error.message}", hint=error.hint
                )
                checks.append(Check("answered", None, False, f"{words}: {error.message}"))
                continue
            answers.append(self._grounded(answer, printed, self._schema))
            if self._evidence != "none":
                checks += [_hidden(page, self._document) for page in printed if hidden_text(page)]
        if problem and not answers:
            raise problem
        if self._document.repaired:
            checks.append(_DAMAGED)
        return answers, checks

    def _read_upright(self, page: Page) -> tuple[list[Page], Reading]:
        """Read a page the way round that its print stands.

        Which way its lines run shows in the pixels. Which end is up the model knows: it is unsure
        of what stands on its head.
        """
        if page.turns[0]:
            page = self._likelier(page)
        reading = self._ask([page], self._schema, MAX_TOKENS)
        if 0 in page.turns and _sureness(reading) < _UNSURE:
            other = self._likelier(page)
            if other.turned != page.turned:
                page, reading = other, self._ask([other], self._schema, MAX_TOKENS)
        return [page], reading

    def _likelier(self, page: Page) -> Page:
        """The page turned the way of which the model is surest, asked for a few fields."""
        if len(page.turns) > 1:
            small = self._document.render(page.number, _PROBE_BUDGET)
            few = replace(self._schema, fields=_few(self._schema.fields), rules=())
            sureness = {
                turn: _sureness(self._ask([small.upright(turn)], few, _PROBE_TOKENS))
                for turn in page.turns
            }
            best = max(page.turns, key=sureness.__getitem__)
        else:
            best = page.turns[0]
        self._turns[page.number] = best
        return page.upright(best)

    def ask_again(self, schema: Schema[Any], doubt: Doubt) -> PageAnswer | None:
        """A second look at one field, sharper than the first; see docextract.mending.Ask.

        Whatever goes wrong here, running out of time included, must not cost what has been read:
        it ends the asking, and the doubt remains.
        """
        budget = higher_budget(self._budget)
        left = self._tokens_left - len(doubt.source.pages) * budget
        if self._asks_left < 1 or left < 1:
            return None
        self._asks_left -= 1
        self._tell(Progress(f"asking again for {doubt.path}"))
        try:
            pages = [self._render(number, budget) for number in doubt.source.pages]
            reading = self._ask(
                pages,
                schema,
                min(left, self._ample),
                Mistake(doubt.text, doubt.reason),
            )
            self._tokens_left -= reading.prompt_tokens + len(reading.token_ids)
            if reading.finish == "length":
                return None
            return self._grounded(_parsed(reading, schema), pages, schema)
        except AnswerError:
            return None
        except DocextractError:
            self._asks_left = 0
            return None

    @property
    def _ample(self) -> int:
        """Tokens enough for a part of a record, unless the model has lost its way."""
        written = max(len(reading.token_ids) for reading in self._readings)
        return min(2 * written, MAX_TOKENS) or MAX_TOKENS

    def _grounded(self, answer: Answer, pages: Sequence[Page], schema: Schema[Any]) -> PageAnswer:
        numbers = tuple(page.number for page in pages)
        if self._evidence == "none":
            return PageAnswer(numbers, answer)
        grounded = ground(schema.fields, answer, pages)
        return PageAnswer(numbers, grounded.answer, grounded.places)

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

    def _render(self, number: int, budget: int) -> Page:
        self._clock.check(self._document.name)
        started = time.perf_counter()
        page = self._document.render(number, budget)
        self._rasterise += time.perf_counter() - started
        return page.upright(self._turns.get(number, page.turns[0]))

    def _ask(
        self,
        pages: Sequence[Page],
        schema: Schema[Any],
        max_tokens: int,
        mistake: Mistake | None = None,
    ) -> Reading:
        def listen(text: str) -> None:
            self._clock.check(self._document.name)
            if schema is self._schema:
                self._tell(Progress("writing", text))

        self._visual += sum(page.pixels[:, :, 0].size // _TOKEN_SIDE**2 for page in pages)
        reading = self._reader.read(
            [page.pixels for page in pages],
            render_question(schema, self._reader.dialect, len(pages), mistake),
            schema.grammar,
            max_tokens,
            listen,
        )
        self._readings.append(reading)
        return reading


def _parsed(reading: Reading, schema: Schema[Any]) -> Answer:
    answer = parse_answer(reading.text, schema.fields)
    logprobs = written_logprobs(reading.text, reading.ends, reading.logprobs)
    return replace(answer, logprobs=logprobs)


def _sureness(reading: Reading) -> float:
    """Mean log-probability of the tokens that were not forced; 0 where nothing is known."""
    chosen = [logprob for logprob in reading.logprobs if logprob]
    return sum(chosen) / len(chosen) if chosen else 0.0


def _few(group: Group) -> Group:
    """The first values of a record, or all of it where it has none outside of lists."""
    leaves = [(key, field) for key, field in group.fields.items() if isinstance(field, Leaf)]
    return replace(group, fields=dict(leaves[:_PROBE_FIELDS])) if leaves else group


def _turned(page: Page, document: Document) -> Check:
    words = _page_words([page.number], document.page_count)
    return Check("upright", None, True, f"{words}: turned by {page.turned} degrees to be read")


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

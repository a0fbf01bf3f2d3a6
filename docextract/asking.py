"""One document's pages put before a reader: what it answers, and what that took."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docextract.answer import Answer, parse_answer
from docextract.assembly import Doubt, PageAnswer
from docextract.confidence import written_logprobs
from docextract.errors import AnswerError, DocextractError, TimedOutError
from docextract.grounding import ground, hidden_text
from docextract.grounding.lettering import Lettering
from docextract.pages import Document, Page, Word
from docextract.prompt import Mistake, render_question
from docextract.readers import Reader, Reading
from docextract.recognition import with_words
from docextract.records import Check, Timings, Tokens
from docextract.schema import Group, Leaf, Listing, Schema
from docextract.settings import BUDGETS, Settings, higher_budget
from docextract.splitting import page_count_of

MAX_TOKENS = 4096
"""Tokens of one answer: about fifty printed rows in the letters of the bundled model."""

_TOKEN_SIDE = 28

_UNSURE = -0.15
"""Mean log-probability of an answer below which the page may stand on its head."""
_PROBE_BUDGET = BUDGETS["fast"]
_PROBE_FIELDS = 3
_PROBE_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an extraction is: `words` for a person, or a new piece of the answer's `text`.

    `pages` are those that an answer is about; without a text, it is going to begin.
    """

    words: str
    text: str = ""
    pages: tuple[int, ...] = ()


Listener = Callable[[Progress], None]


@dataclass(frozen=True)
class Asked:
    """What came of some pages that were looked at together.

    `answer` is None where they are blank, or where `problem` says why there is none. `count`:
    which page of how many the page says it is.
    """

    pages: tuple[int, ...]
    answer: PageAnswer | None
    checks: tuple[Check, ...]
    problem: AnswerError | None = None
    count: tuple[int, int] | None = None


class Asker:
    """Asks a reader about the pages of one document, and keeps account."""

    def __init__(
        self,
        schema: Schema[Any],
        reader: Reader,
        document: Document,
        settings: Settings,
        progress: Listener | None,
    ) -> None:
        """`settings.timeout` begins to run."""
        self.settings = settings
        self._schema = schema
        self._reader = reader
        self._document = document
        self._budget = settings.budget or reader.default_budget
        self._tell = progress or (lambda _: None)
        self._started = time.perf_counter()
        self._turns: dict[int, int] = {}
        self._words: dict[int, tuple[Word, ...]] = {}
        self._rasterise = 0.0
        self._visual = 0
        self._readings: list[Reading] = []

    def ask_all(self, numbers: Sequence[int]) -> list[Asked]:
        """Look at these pages, as many at once as the reader takes."""
        size = self._reader.pages_at_once
        return [self._asked(numbers[at : at + size]) for at in range(0, len(numbers), size)]

    def _asked(self, numbers: Sequence[int]) -> Asked:
        words = _page_words(numbers, self._document.page_count)
        self._tell(Progress(f"reading {words}"))
        pages = [self._render(number, self._budget) for number in numbers]
        printed = [page for page in pages if not page.blank]
        checks = [_blank(page, self._document) for page in pages if page.blank]
        if not printed:
            # Asked about an empty page, a model makes something up.
            return Asked(tuple(numbers), None, tuple(checks))
        if len(printed) == 1:
            page, reading = self._read_upright(printed[0])
            printed = [page]
        else:
            reading = self._ask(printed, self._schema, MAX_TOKENS)
        checks += [_turned(page, self._document) for page in printed if page.turned]
        if reading.finish == "length":
            checks.append(
                Check("complete", None, False, f"{words}: the answer reached its token limit")
            )
        try:
            answer = self._grounded(reading, self._schema, printed)
        except AnswerError as error:
            checks.append(Check("answered", None, False, f"{words}: {error.message}"))
            problem = AnswerError(
                f"{self._document.name}: {words}: {error.message}", hint=error.hint
            )
            return Asked(tuple(numbers), None, tuple(checks), problem)
        first = printed[0]
        if self.settings.evidence != "none":
            checks += [_hidden(page, self._document) for page in printed if hidden_text(page)]
            first = self._with_words(first)
        lines = (line.text for line in Lettering(first).pieces())
        return Asked(tuple(numbers), answer, tuple(checks), count=page_count_of(lines))

    def _read_upright(self, page: Page) -> tuple[Page, Reading]:
        """Read a page the way round that its print stands.

        Which way its lines run shows in the pixels. Which end is up the model knows: it is unsure
        of what stands on its head.
        """
        if page.turns[0]:
            page = self._likelier(page)
        reading = self._ask([page], self._schema, MAX_TOKENS)
        if 0 in page.turns and len(page.turns) > 1 and _sureness(reading) < _UNSURE:
            other = self._likelier(page)
            if other.turned != page.turned:
                return other, self._ask([other], self._schema, MAX_TOKENS)
        return page, reading

    def _likelier(self, page: Page) -> Page:
        """The page turned the way of which the model is surest, asked for a few fields."""
        best = page.turns[0]
        if len(page.turns) > 1:
            small = self._document.render(page.number, _PROBE_BUDGET)
            few = replace(self._schema, fields=_few(self._schema.fields), rules=())
            best = max(
                page.turns,
                key=lambda turn: _sureness(self._ask([small.upright(turn)], few, _PROBE_TOKENS)),
            )
        self._turns[page.number] = best
        return page.upright(best)

    def look_again(
        self, schema: Schema[Any], doubt: Doubt, max_tokens: int
    ) -> tuple[PageAnswer | None, int]:
        """Ask about the pages of a doubt for a schema of one field, at a higher budget.

        Gives the answer, or None where it breaks off at `max_tokens` of pictures, question and
        answer together, and the tokens that it took.

        Raises:
            AnswerError: the answer holds no record.
            DocextractError: whatever else the document and the reader raise.
        """
        numbers, budget = doubt.source.pages, higher_budget(self._budget)
        left = max_tokens - len(numbers) * budget
        if left < 1:
            return None, 0
        self._tell(Progress(f"asking again for {doubt.path}"))
        # A part of a record takes no more words than all of it, unless the model loses its way.
        ample = 2 * max(reading.answer_tokens for reading in self._readings) or MAX_TOKENS
        pages = [self._render(number, budget) for number in numbers]
        mistake = Mistake(doubt.text, doubt.reason)
        reading = self._ask(pages, schema, min(left, ample, MAX_TOKENS), mistake)
        whole = reading.finish == "stop"
        answer = self._grounded(reading, schema, pages) if whole else None
        return answer, reading.prompt_tokens + reading.answer_tokens

    def _grounded(self, reading: Reading, schema: Schema[Any], pages: Sequence[Page]) -> PageAnswer:
        answer = _parsed(reading, schema)
        numbers = tuple(page.number for page in pages)
        if self.settings.evidence == "none":
            return PageAnswer(numbers, answer)
        grounded = ground(schema.fields, answer, [self._with_words(page) for page in pages])
        return PageAnswer(numbers, grounded.answer, grounded.places)

    def _with_words(self, page: Page) -> Page:
        """Recognised once, whatever the budget that the page is looked at again with."""
        if page.number not in self._words:
            self._words[page.number] = with_words(page).words
        return replace(page, words=self._words[page.number])

    def timings(self) -> Timings:
        """Seconds so far."""
        return Timings(
            load=self._reader.load_seconds,
            rasterise=self._rasterise,
            first_token=sum(reading.first_token for reading in self._readings),
            decode=sum(reading.decode for reading in self._readings),
            total=time.perf_counter() - self._started,
        )

    def tokens(self) -> Tokens:
        """Tokens so far."""
        return Tokens(
            visual=self._visual,
            prompt=sum(reading.prompt_tokens for reading in self._readings),
            answer=sum(reading.answer_tokens for reading in self._readings),
        )

    def _check_time(self) -> None:
        timeout = self.settings.timeout
        if timeout is not None and time.perf_counter() - self._started > timeout:
            raise TimedOutError(
                f"{self._document.name}: not read within {timeout:g} seconds",
                hint=f"allow more: --timeout {max(60, 2 * timeout):g}",
            )

    def _render(self, number: int, budget: int) -> Page:
        self._check_time()
        started = time.perf_counter()
        page = self._document.render(number, budget)
        self._rasterise += time.perf_counter() - started
        self._check_time()
        return page.upright(self._turns.get(number, page.turns[0]))

    def _ask(
        self,
        pages: Sequence[Page],
        schema: Schema[Any],
        max_tokens: int,
        mistake: Mistake | None = None,
    ) -> Reading:
        numbers = tuple(page.number for page in pages)
        told = schema is self._schema

        def listen(text: str) -> None:
            self._check_time()
            if told:
                self._tell(Progress("writing", text, numbers))

        if told:
            words = _page_words(numbers, self._document.page_count)
            self._tell(Progress(f"reading {words}", pages=numbers))
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


class SecondLook:
    """Asks again for single fields of one record, within the limits of the settings.

    See docextract.mending.Ask. Whatever goes wrong here, running out of time included, must not
    cost what has been read: it ends the asking, and the doubts remain.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._asks = asker.settings.max_asks
        self._tokens = asker.settings.max_ask_tokens

    def __call__(self, schema: Schema[Any], doubt: Doubt) -> PageAnswer | None:
        listed = any(isinstance(field, Listing) for field in schema.fields.fields.values())
        if self._asks < 1 or (listed and not self._asker.settings.ask_lists):
            return None
        self._asks -= 1
        try:
            answer, tokens = self._asker.look_again(schema, doubt, self._tokens)
        except AnswerError:
            return None
        except DocextractError:
            self._asks = 0
            return None
        self._tokens -= tokens
        return answer


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

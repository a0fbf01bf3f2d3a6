"""One object on one page: looked at as a whole, and in tiles where it is dense."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from docextract.counting.answers import Marked, grammar, marked, parsed
from docextract.counting.tiles import Places, Tile, cut_tiles, merge, wants_tiles
from docextract.errors import ModelError, TimedOutError
from docextract.objects import Pointer, canonical
from docextract.pages import WHOLE, Box, Document, Page, Pixels
from docextract.pointing import ruled
from docextract.prompt import render_count
from docextract.readers import Reader
from docextract.records import Count, CountSignal, Mark
from docextract.settings import Settings

MOST_MARKS = 200
"""Marks of one answer; a picture with more is one for tiles."""

_MOST_TOKENS = {"compact": 2 * MOST_MARKS + 1, "instruct": 4096}

UNSURE_STOP = math.log(0.5)
"""Log-probability of the end of an answer below which something may have been left out, though the
end was taken (docextract.readers.marking)."""

UNSURE_NONE = math.log(0.85)
"""The same of an answer without any mark, which says that there is nothing of the kind.

Of the bundled weights' 33 wrong answers of this kind about drawn scenes 31 lie below it; so do 100
of 159 about photos, nearly all of them right: the weights end too readily to be believed at less.
"""

DISAGREEMENT = 0.2
"""Share by which the marks of tiles may differ from those of the whole page."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class View:
    """A part of a page that was looked at; `marks` are in units of the page."""

    page: Page
    answer: Marked
    marks: tuple[Mark, ...]

    @property
    def places(self) -> Places:
        return np.array([(mark.x, mark.y) for mark in self.marks], np.float64).reshape(-1, 2)

    @property
    def shown(self) -> float:
        """Pixels that one page unit had."""
        left, _, right, _ = self.page.cut
        return float(self.page.pixels.shape[1] / (right - left))


class Looker:
    """Asks a reader where things are on the pages of one document."""

    def __init__(self, reader: Reader, document: Document, settings: Settings, tell: Tell) -> None:
        """`settings.timeout` begins to run.

        Raises:
            ModelError: the reader's weights were taught to read alone.
        """
        self._reader = reader
        self._document = document
        self._settings = settings
        self._tell = tell
        self._started = time.perf_counter()
        self._budget = settings.budget or reader.default_budget
        self._taught = reader.objects if isinstance(reader, Pointer) else None
        if self._taught is not None and not self._taught:
            if reader.dialect == "compact":
                raise ModelError(
                    f"the weights of {reader.name} were not taught to count",
                    hint="name weights that were, which have an objects.json: --model FOLDER",
                )
            self._taught = None  # published weights do not say what they know
        self._page: Page | None = None

    def count(self, name: str, number: int) -> Count:
        """How many of `name` page `number` shows.

        Raises:
            InputError: the page cannot be drawn, or time is up.
            AnswerError: the answer holds neither marks nor a number.
            ModelError, DeviceError: the model cannot run.
        """
        known = None if self._taught is None else canonical(name, self._taught)
        doubts = []
        if self._taught is not None and known is None:
            doubts.append(f"the weights were not taught to count {name!r}")
        self._tell(f"{name}, page {number}")
        asked = known or name
        whole = self._look(asked, self._whole(number))
        views, kept = [whole], [(0, mark) for mark in range(len(whole.marks))]
        tiles: list[Tile] = []
        if self._wants_tiles(whole):
            tiles = cut_tiles(whole.places, *whole.page.size)
            views = [self._look(asked, self._drawn(number, tile.view)) for tile in tiles]
            kept = merge([(tile, view.places) for tile, view in zip(tiles, views, strict=True)])
            if abs(len(kept) - len(whole.marks)) > DISAGREEMENT * max(len(kept), len(whole.marks)):
                doubts.append(f"{len(whole.marks)} in the whole picture, {len(kept)} in its tiles")
        doubts += dict.fromkeys(doubt for view in views for doubt in _doubts(view.answer))
        forms = [view.answer.form for view in views if view.marks] or [whole.answer.form]
        return Count(
            file=self._document.name,
            object=name,
            page=number,
            count=whole.answer.stated if forms == ["number"] else len(kept),
            status="review" if doubts else "ok",
            reason="; ".join(doubts) or None,
            marks=tuple(views[view].marks[mark] for view, mark in kept),
            form=forms[0],
            size=whole.page.size,
            tiles=tuple(tile.core for tile in tiles),
            signal=_signal([view.answer for view in views], kept, len(doubts)),
        )

    def _wants_tiles(self, whole: View) -> bool:
        if whole.answer.form == "number":
            return False
        if self._settings.tiles != "auto":
            return self._settings.tiles == "always"
        # A picture has a pixel of its own for each of its units, a page as many as it is drawn at.
        detail = 1.0 if whole.page.unit == "pixel" else math.inf
        return wants_tiles(whole.places, whole.shown, detail)

    def _whole(self, number: int) -> Page:
        """The whole page, drawn once for all objects."""
        if self._page is None or self._page.number != number:
            self._page = self._drawn(number, WHOLE)
        return self._page

    def _drawn(self, number: int, part: Box) -> Page:
        timeout = self._settings.timeout
        if timeout is not None and time.perf_counter() - self._started > timeout:
            raise TimedOutError(
                f"{self._document.name}: not counted within {timeout:g} seconds",
                hint="allow more: --timeout",
            )
        return self._document.render(number, self._budget, part)

    def _look(self, name: str, page: Page) -> View:
        height, width = page.pixels.shape[:2]
        compact = self._reader.dialect == "compact"
        reading = self._reader.read(
            [_ruled(page.pixels) if compact else page.pixels],
            render_count(name, self._reader.dialect, width, height),
            grammar() if compact else None,
            _MOST_TOKENS[self._reader.dialect],
        )
        answer = (marked if compact else parsed)(reading, width, height)
        return View(page, answer, tuple(_on_page(answer, page)))


def _signal(answers: Sequence[Marked], kept: Sequence[tuple[int, int]], doubts: int) -> CountSignal:
    """What is known of a count by the answers that it comes from; `kept`: (answer, mark)."""
    ends = [answer.stop for answer in answers if answer.stop is not None]
    told = len(ends) == len(answers)
    return CountSignal(
        marks=tuple(round(answers[at].logprobs[mark], 5) for at, mark in kept) if told else (),
        stop=round(min(ends), 5) if told else None,
        tiled=len(answers) > 1,
        doubts=doubts,
    )


def _ruled(pixels: Pixels) -> Pixels:
    """As the bundled model was taught: grey, and two channels that tell the place."""
    return ruled(np.asarray(Image.fromarray(pixels).convert("L")))


def _on_page(answer: Marked, page: Page) -> Iterator[Mark]:
    left, top, right, bottom = page.cut
    height, width = page.pixels.shape[:2]
    for at, (x, y) in enumerate(answer.points):
        score = float(f"{math.exp(answer.logprobs[at]):.3g}") if answer.logprobs else None
        across, down = (right - left) / width, (bottom - top) / height
        yield Mark(left + x * across, top + y * down, score)


def _doubts(answer: Marked) -> Iterator[str]:
    """Reasons of one answer for a person to look."""
    yield from answer.doubts
    if answer.form == "number":
        yield "the model gave a number without marks"
    elif answer.stated is not None and answer.stated != len(answer.points):
        yield f"the model says {answer.stated} and marks {len(answer.points)}"
    if answer.stop is not None and answer.stop < UNSURE_STOP:
        yield "the model was not sure that it had marked all"
    elif answer.stop is not None and answer.stop < UNSURE_NONE and not answer.points:
        yield "the model was not sure that there are none"

"""Where on the page the values of an answer stand, and what the page's own words say about them.

The model says which value it is; the words witness its letters. A value that stands in the visible
words is grounded. Where they hold it but for a few letters, theirs win, and the value counts as
repaired. A value that they do not hold, though all print is among them, they contradict. Words that
cannot be seen prove nothing: a value that stands among these alone is marked as hidden.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from docextract.answer import Answer
from docextract.grounding.lettering import Lettering, Span, fold, trimmed
from docextract.grounding.placing import Wanted, label_score, place_rows, place_values
from docextract.grounding.surer import hesitated, spaced_like
from docextract.pages import Box, Page
from docextract.printed import CONVERTERS, NO_HINTS, AmbiguousError, Kind, NotReadableError
from docextract.records import Evidence
from docextract.schema import Field, Group, Leaf, Listing

LETTERS = "letters_from_words"
RECOGNISED = "letters_from_recognition"
IBAN = "iban_from_words"

_DAYS = ("date", "datetime")
_SUMS = ("amount", "number", "float")
# Letters of which one may be mended. A digit more or less is soon another number.
_ONE_IN, _ONE_IN_DIGITS = 4, 5
_SURER = 0.25  # what a label must have on the next best to decide between two texts
_EXCERPT = 60  # letters of a hidden text that a message quotes
_MOSTLY_PICTURE = 0.5  # of a page, from which its words are not all of its print


@dataclass(frozen=True)
class Place:
    """What the words of a page say of a value: `box` in units of the page with this number."""

    evidence: Evidence
    page: int | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Grounded:
    """An answer with the letters that the words witness, and the places of its values by path."""

    answer: Answer
    places: Mapping[str, Place] = field(default_factory=dict)


def ground(fields: Group, answer: Answer, pages: Sequence[Page]) -> Grounded:
    """Hold an answer against the words of the pages that it was read from."""
    if not any(page.words for page in pages):
        return Grounded(answer)
    return _Witness(pages).hear(fields, answer)


def hidden_text(page: Page) -> str:
    """The beginning of what the text layer says and no one sees: a sign of an attack, or "".

    Under a scan it is the letters that somebody's machine has read there, and a sign of nothing.
    """
    if page.pictured >= _MOSTLY_PICTURE:
        return ""
    unseen = " ".join(word.text for word in page.words if not word.visible and fold(word.text))
    return unseen if len(unseen) <= _EXCERPT else unseen[:_EXCERPT] + "…"


@dataclass(frozen=True)
class _Value:
    """A text of the answer; `row` is the list that it is in, and the number of its item there."""

    path: str
    key: str
    leaf: Leaf
    text: str
    row: tuple[str, int] | None

    @property
    def letters(self) -> str:
        return fold(self.text)

    @property
    def most_edits(self) -> int:
        mixed = any(letter.isalpha() for letter in self.letters)
        return len(self.letters) // (_ONE_IN if mixed else _ONE_IN_DIGITS)


class _Witness:
    """The words of some pages, heard about one answer."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages
        self._lettering = {page.number: Lettering(page) for page in pages}
        self._unseen = [Lettering(page, visible=False) for page in pages]

    def hear(self, fields: Group, answer: Answer) -> Grounded:
        values = list(_values(fields, answer.record, "", "", None))
        wanted = {value.path: self._wanted(value) for value in values}
        alone = {value.path: wanted[value.path] for value in values if value.row is None}
        spans = place_values(alone, self._lettering)
        for rows in _lists(values):
            for row in place_rows(
                [{path: wanted[path] for path in row} for row in rows], self._lettering
            ):
                spans |= row
        places: dict[str, Place] = {}
        texts: dict[str, tuple[str, str]] = {}
        for value in values:
            span = spans.get(value.path)
            if span is None or not self._convinces(value, span, wanted[value.path].spans):
                places[value.path] = Place(self._without(value))
                continue
            places[value.path] = Place("grounded", span.page, span.box)
            if value.leaf.kind == "iban" and span.distance:
                texts[value.path] = span.text, IBAN
            elif span.recognised and span.distance:
                if hesitated(value.text, answer.logprobs.get(value.path, ()), span.letters):
                    texts[value.path] = spaced_like(value.text, span.text), RECOGNISED
                else:
                    places[value.path] = Place("none", span.page, span.box)
            elif not span.recognised and _differs(value, span):
                texts[value.path] = span.text, LETTERS
        return Grounded(_with_texts(answer, texts), places)

    def _wanted(self, value: _Value) -> Wanted:
        spans = [
            span
            for page in self._lettering.values()
            for span in page.find(value.text, value.most_edits, value.leaf.kind in _DAYS)
            if value.leaf.kind == "text" or span.in_one_piece
        ]
        stands_so = any(not span.distance for span in spans)
        if value.leaf.kind == "iban" and not stands_so and not _readable("iban", value.text):
            # Its check digits tell a right one, however much of it was misread.
            spans = [
                replace(span, distance=1)
                for page in self._lettering.values()
                for span in page.matching(_IBAN_START, 34, lambda text: _readable("iban", text))
            ]
        least = min((span.distance for span in spans), default=0)
        return Wanted(
            value.key,
            value.leaf.kind in _SUMS,
            [span for span in spans if span.distance == least],
        )

    def _convinces(self, value: _Value, span: Span, others: Sequence[Span]) -> bool:
        """Whether the words may correct the value to what stands at `span`."""
        if not span.distance:
            return True
        if not _same_form(value, span.text):
            return False
        rivals = [other for other in others if other.letters != span.letters]
        if value.row is not None:
            return not any(abs(other.top - span.top) < span.height for other in rivals)
        score = label_score(value.key, span, self._lettering)
        return all(
            score - label_score(value.key, other, self._lettering) >= _SURER for other in rivals
        )

    def _without(self, value: _Value) -> Evidence:
        """What it means that no visible words hold the value."""
        if any(page.find(value.text, 0) for page in self._unseen):
            return "hidden"
        if not any(
            word.visible and not word.letters for page in self._pages for word in page.words
        ):
            # What was recognised in the pixels need not be all that stands there.
            return "none"
        pictured = max(page.pictured for page in self._pages)
        in_words = not pictured or (pictured < _MOSTLY_PICTURE and _has_digit(value.text))
        return "contradicted" if in_words else "none"


_IBAN_START = re.compile(r"[A-Z]{2}\d{2}", re.ASCII)


def _values(
    node: Field, value: Any, path: str, key: str, row: tuple[str, int] | None
) -> Iterator[_Value]:
    """The texts of an answer; choices and booleans are literals that need not be printed."""
    if isinstance(node, Group):
        for name, inner in node.fields.items():
            below = f"{path}.{name}" if path else name
            yield from _values(inner, value[name], below, name, row)
    elif isinstance(node, Listing):
        for number, item in enumerate(value):
            yield from _values(node.element, item, f"{path}.{number}", key, (path, number))
    elif isinstance(value, str) and not node.choices:
        yield _Value(path, key, node, value, row)


def _lists(values: Sequence[_Value]) -> Iterator[list[list[str]]]:
    """For each list, the paths of each of its items."""
    lists: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        if value.row:
            lists[value.row[0]][value.row[1]].append(value.path)
    for rows in lists.values():
        yield list(rows.values())


def _same_form(value: _Value, text: str) -> bool:
    """Whether a text can be what the value was read as: of its kind, with digits if it has any."""
    if value.leaf.kind != "text":
        return _readable(value.leaf.kind, text)
    return _has_digit(value.text) == _has_digit(text)


def _differs(value: _Value, span: Span) -> bool:
    """Whether the words spell the value otherwise than the model did.

    Lines that the model joined may have got commas; a currency may stand apart from its amount.
    """
    if span.distance:
        return True
    if value.leaf.kind == "text":
        return span.in_one_line and trimmed(" ".join(value.text.split())) != span.text
    return _NO_MARKS.sub("", value.text) != _NO_MARKS.sub("", span.text)


_NO_MARKS = re.compile(r"[^\d.,'’]|[.,'’](?!\d)|(?<!\d)[.,'’]")


def _readable(kind: Kind, text: str) -> bool:
    try:
        CONVERTERS[kind](text, NO_HINTS)
    except NotReadableError:
        return False
    except AmbiguousError:
        return True
    return True


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _with_texts(answer: Answer, texts: Mapping[str, tuple[str, str]]) -> Answer:
    """The answer with other texts at some paths, each with the name of the repair."""
    if not texts:
        return answer
    touched = dict(answer.touched)
    for path, (_, repair) in texts.items():
        touched[path] = (*touched.get(path, ()), repair)
    letters = {path: text for path, (text, _) in texts.items()}
    return replace(answer, record=_rewritten(answer.record, "", letters), touched=touched)


def _rewritten(value: Any, path: str, texts: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        below = f"{path}." if path else ""
        return {key: _rewritten(inner, below + key, texts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rewritten(inner, f"{path}.{at}", texts) for at, inner in enumerate(value)]
    return texts.get(path, value)

"""A real page with other values: wiped, printed anew, and labelled with what now stands there.

A few hundred pages shown hundreds of times are learned by heart: every name is then recalled, not
read. With other names, dates and amounts on them, only their layout, paper and ink can be.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.real import paint
from training.real.find import squeezed
from training.real.fresh import AMOUNTS, NAMES, Fresh, amount, shuffled
from training.real.sorts import TypeCase
from training.real.store import Grey, Line, Points, Printing, RealPage, Record, Span, letters
from training.synthetic.fonts import Face, FontShelf
from training.synthetic.values import chance, pick
from training.synthetic.words import Words

_SWAPPED = 0.95
"""Share of values that are swapped on a page that is rewritten."""
_OWN_LETTERS = 0.6
"""Share of rewritten pages whose values are printed in letters cut out of the page, where it has
them."""
_OWN_FACE = 0.25
_HEAVY = 0.42  # share of ink in a line from which on it is printed bold
_ANY_LETTERS = {*NAMES, "merchant_address", "seller_address", "buyer_address"}
"""What may hold any letters: some are replaced by others that the page has."""
_UNASKED = {"currency", "payment_method"}
_MOST_OTHERS = 8
_AMOUNT_LINE = re.compile(r"(?:RM|\$|€)?-?\d[\d,]*[.,]\d\d")
_MOMENT = re.compile(r"\d:\d\d|\d[/.-]\d\d?[/.-]\d|\d[-/ ]?[A-Za-z]{3,9}[-/ ,]?(?:19|20)?\d\d")
_LONG_NUMBER = re.compile(r"\d{5,}|\d{2,3}-\d{5,}")
_WORDS_LINE = re.compile(r"[A-Z][A-Z&'.]{5,24}")
_LABEL = re.compile(
    r"TOTAL|CASH|RM|TAX|GST|SST|DATE|TIME|CHANGE|ROUND|INV|RECEIPT|AMOUNT|CARD|VISA|MASTER|PAY|"
    r"DISC|QTY|PRICE|ITEM|DESC|TEL|FAX|THANK|SDN|BHD|JALAN|TAMAN|CREDIT|DEBIT|SALE|BILL|NO\."
)


@dataclass
class _Job:
    """A page being rewritten: its sheet, what was written, and which letters are gone."""

    sheet: Grey
    lines: list[Line]
    face: Face
    case: TypeCase | None
    rng: np.random.Generator
    gone: set[Span] = field(default_factory=set)
    written: list[Points] = field(default_factory=list)

    def glyphs(self) -> Points:
        """(n, 3): the letters that stand on the sheet now."""
        found = [np.empty((0, 3)), *self.written]
        for number, line in enumerate(self.lines):
            stays = np.ones(len(line.text), bool)
            for span in self.gone:
                if span.line == number:
                    stays[span.start : span.end] = False
            found.append(letters(line)[stays])
        return np.concatenate(found)


class Rewriter:
    """Prints other values on real pages, in the faces of `shelf`, out of `words`."""

    def __init__(self, shelf: FontShelf, words: Words) -> None:
        self._shelf, self._words = shelf, words
        self._plain = [face for face in shelf.faces if not face.hand and "A" in face.covers]

    def rewritten(
        self, rng: np.random.Generator, page: RealPage, grey: Grey
    ) -> tuple[Grey, Points, Record]:
        """The picture with some values swapped, its (n, 3) letters, and its record.

        What can't be rewritten so that it looks right stays as it was.
        """
        case = TypeCase.of(grey, page.lines, rng) if chance(rng, _OWN_LETTERS) else None
        job = _Job(grey.copy(), page.lines, pick(rng, self._plain), case, rng)
        record = dict(page.record)
        fresh = Fresh(
            self._words, "my" if page.kind == "receipt" else pick(rng, ("de", "fr", "gb"))
        )
        for old, keys in _by_value(page).items():
            if chance(rng, _SWAPPED):
                new = self._swap(job, fresh, keys[0], old, _all_printings(page, keys))
                if new is not None:
                    record.update(dict.fromkeys(keys, new))
        self._others(job, fresh, page)
        return job.sheet, job.glyphs(), record

    def _swap(
        self, job: _Job, fresh: Fresh, key: str, old: str, printings: list[Printing]
    ) -> str | None:
        """Another value in all places where the old one is printed; None where one resists."""
        if len({len(spans) for spans in printings}) != 1:
            return None
        printed = "".join(job.lines[span.line].text for span in printings[0])
        for free in (chance(job.rng, 0.7), False):
            parts = fresh.value(job.rng, key, old, printed, len(printings[0]), free)
            if job.case and key in _ANY_LETTERS:
                parts = [job.case.spelled(part, job.rng) or part for part in parts]
            spans = [
                (span, text) for spans in printings for span, text in zip(spans, parts, strict=True)
            ]
            if all(text for _, text in spans) and self._print_all(job, key, spans):
                return " ".join(parts)
        return None

    def _print_all(self, job: _Job, key: str, spans: list[tuple[Span, str]]) -> bool:
        """Print all or nothing."""
        before, count = job.sheet.copy(), len(job.written)
        for span, text in spans:
            if not self._print(job, span, text, "right" if key in AMOUNTS else None):
                job.sheet[:] = before
                del job.written[count:]
                return False
        job.gone |= {span for span, _ in spans}
        return True

    def _print(self, job: _Job, span: Span, text: str, anchor: str | None) -> bool:
        where = paint.place(job.lines, span, job.sheet.shape)
        if where is None:
            return False
        line = job.lines[span.line]
        old = line.text[span.start : span.end]
        seen = paint.look(job.sheet, where, old, job.rng)
        if seen is None:
            return False
        if anchor is None:
            anchor = (
                "middle" if _centred(line, job.lines) and len(old) == len(line.text) else "left"
            )
        strip = job.case.set(text, seen.cap, job.rng) if job.case else None
        if strip is not None:
            squeeze = job.rng.uniform(0.94, 1.06)
            glyphs = paint.lay(job.sheet, where, seen, strip, anchor, squeeze, 0.0, job.rng)
        else:
            face = self._face(job, text, seen.mass > _HEAVY)
            if face is None:
                return False
            pitch = where.width / max(len(old), len(squeezed(text)), 1)
            glyphs = paint.write(job.sheet, where, seen, text, face, anchor, pitch, job.rng)
        if glyphs is None:
            return False
        job.written.append(glyphs)
        return True

    def _face(self, job: _Job, text: str, bold: bool) -> Face | None:
        face = pick(job.rng, self._plain) if chance(job.rng, _OWN_FACE) else job.face
        if bold and not face.bold:
            face = self._shelf.bold(face, text)
        elif face.bold and not bold:
            lean = [f for f in self._plain if f.family == face.family and not f.bold]
            face = lean[0] if lean else face
        if set(text) <= face.covers:
            return face
        able = [other for other in self._plain if set(text) <= other.covers]
        return pick(job.rng, able) if able else None

    def _others(self, job: _Job, fresh: Fresh, page: RealPage) -> None:
        """Other numbers and words in lines that no value is printed in."""
        kept = {
            s.line for all_of_it in page.printings.values() for spans in all_of_it for s in spans
        }
        known = all(key in page.printings for key in page.record.keys() - _UNASKED)
        words = known and page.kind == "receipt"
        numbers = [number for number in range(len(job.lines)) if number not in kept]
        job.rng.shuffle(numbers)
        for number in numbers[: int(job.rng.integers(0, _MOST_OTHERS + 1))]:
            text = job.lines[number].text
            whole = Span(number, 0, len(text))
            if _AMOUNT_LINE.fullmatch(text):
                self._print_all(job, "total", [(whole, amount(job.rng, text, False))])
            elif words and _WORDS_LINE.fullmatch(text) and not _LABEL.search(text):
                self._print_all(job, "words", [(whole, fresh.phrase(job.rng, text))])
            elif not _MOMENT.search(text) and (match := _LONG_NUMBER.search(text)):
                span = Span(number, match.start(), match.end())
                self._print_all(job, "number", [(span, shuffled(job.rng, match.group()))])


def _by_value(page: RealPage) -> dict[str, list[str]]:
    """The keys of each value that can be swapped; keys whose printings cross others' are left."""
    groups: dict[str, list[str]] = {}
    for key in page.printings:
        value = page.record.get(key)
        if value and key not in _UNASKED:
            groups.setdefault(value, []).append(key)
    taken: list[Span] = []
    free: dict[str, list[str]] = {}
    for value, keys in groups.items():
        spans = [span for spans in _all_printings(page, keys) for span in spans]
        if not any(_cross(span, other) for span in spans for other in taken):
            free[value] = keys
        taken += spans
    return free


def _all_printings(page: RealPage, keys: Sequence[str]) -> list[Printing]:
    """Every printing of a value that several keys share, once."""
    found: list[Printing] = []
    for key in keys:
        found += [spans for spans in page.printings[key] if spans not in found]
    return found


def _cross(one: Span, other: Span) -> bool:
    return one.line == other.line and one.start < other.end and other.start < one.end


def _centred(line: Line, lines: Sequence[Line]) -> bool:
    left = min(other.box[:, 0].min() for other in lines)
    right = max(other.box[:, 0].max() for other in lines)
    middle = (line.box[:, 0].min() + line.box[:, 0].max()) / 2
    return bool(abs(middle - (left + right) / 2) < 0.06 * (right - left))

"""The words of a page as places for a value: along lines, down columns, in the order of the file.

Letters are compared folded: without case, blanks and punctuation, but with the marks inside numbers
and dates, of which the point and the comma count as one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from rapidfuzz.distance import Levenshtein

from docextract.pages import Box, Page, Word

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,'’/:-](?=\d)")
_SIGN = re.compile(r"(?<!\S)[^\w\s]*[-−–](?=\d)")
# Labels and signs that stand against their value: "Nr.4711", "IBAN:DE89", "€90.00", "RM153.35".
_SEAMS = re.compile(
    r"(?<=[:=#])(?=\w)(?<!\d:)|(?<=[€$£¥₹])(?=\d)|(?<=\d)(?=[€$£¥₹])"
    r"|(?<=[^\W\d]\.)(?=\d{2})|(?<=[^\W\d_])(?=\d+[.,]\d\d$)"
)
_AROUND = re.compile(r"^[^\w(+€$£¥₹−–-]+|(?:[^\w).%€$£¥₹-]|(?<!\w)-|(?<![^\W\d])\.)+$")
_GAP = 1.5  # heights of a line: a wider blank parts two columns
_NEXT_LINE = 1.0  # heights of a line between the lower edge of one and the upper of the next
_MOST_LINES = 6  # of one value


def fold(text: str) -> str:
    """The letters and digits that count."""
    return "".join(fold_each(unicodedata.normalize("NFC", text)))


def fold_each(text: str) -> Iterator[str]:
    """What counts of each letter."""
    signs = {match.end() - 1 for match in _SIGN.finditer(text)}
    for at, letter in enumerate(text):
        plain = unicodedata.normalize("NFKC", letter).casefold()
        if plain.isalnum():
            yield plain
        elif at in signs:
            yield "-"
        elif _BETWEEN_DIGITS.match(text, at):
            yield "." if letter in ".," else letter
        else:
            yield ""


@dataclass(frozen=True, eq=False)
class Atom:
    """A word, a part of one that may stand for itself, or a letter of a recognised line."""

    text: str
    letters: str
    box: Box
    word: int
    recognised: bool = False

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class Span:
    """Neighbouring atoms of a page that may be a value, `distance` edits away from it."""

    page: int
    atoms: tuple[Atom, ...]
    distance: int

    @cached_property
    def box(self) -> Box:
        lefts, tops, rights, bottoms = zip(*(atom.box for atom in self.atoms), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    @cached_property
    def text(self) -> str:
        """As printed, its lines joined by blanks, without punctuation around it."""
        joined = self.atoms[0].text
        for before, atom in pairwise(self.atoms):
            joined += ("" if before.word == atom.word else " ") + atom.text
        return trimmed(joined)

    @cached_property
    def letters(self) -> str:
        return "".join(atom.letters for atom in self.atoms)

    @property
    def recognised(self) -> bool:
        """Whether its letters were read off the pixels, and may be wrong as the model's may."""
        return self.atoms[0].recognised

    @property
    def top(self) -> float:
        return self.atoms[0].middle

    @property
    def height(self) -> float:
        return self.atoms[0].height

    @property
    def in_one_line(self) -> bool:
        return all(abs(atom.middle - self.top) < self.height / 2 for atom in self.atoms)

    @property
    def in_one_piece(self) -> bool:
        """Whether it is one line without a gap: numbers and dates do not go on elsewhere."""
        gaps = (atom.box[0] - before.box[2] for before, atom in pairwise(self.atoms))
        return self.in_one_line and all(gap < self.height for gap in gaps)


class Lettering:
    """Words of a page, ready to be searched: those that can be seen, or those that cannot."""

    def __init__(self, page: Page, visible: bool = True) -> None:
        self.number = page.number
        self._atoms = atoms = [
            atom
            for at, word in enumerate(page.words)
            if word.visible is visible
            for atom in (_letters(word, at) if word.letters else _atoms(word.text, word.box, at))
        ]
        self._at = {id(atom): number for number, atom in enumerate(atoms)}
        self.rows = _rows(atoms)
        columns = [list(chain) for chain in _columns(self.rows)]
        across = [atom for row in self.rows for atom in row]
        self._streams = [_Stream(one) for one in (atoms, across, *columns)]

    def find(self, text: str, most: int, may_go_on: bool = False) -> list[Span]:
        """Where a value stands with the fewest edits, at most so many; in order down the page.

        It is no part of a longer number, unless it `may_go_on`: a recognised line has no blank
        between a date and a time.
        """
        letters = fold(text)
        if not letters:
            # Signs alone: "€", "%".
            return [Span(self.number, (atom,), 0) for atom in self._atoms if text in atom.text]
        for limit in dict.fromkeys((0, most)):
            found = [
                span
                for span in self._spans(stream.find(letters, limit) for stream in self._streams)
                if not self._cuts_number(span, may_go_on)
            ]
            if found:
                least = min(span.distance for span in found)
                return [span for span in found if span.distance == least]
        return []

    def _cuts_number(self, span: Span, may_go_on: bool) -> bool:
        first, last = self._at[id(span.atoms[0])], self._at[id(span.atoms[-1])]
        cuts = [(first - 1, first)] if may_go_on else [(first - 1, first), (last, last + 1)]
        return any(self._touch(*cut) for cut in cuts)

    def _touch(self, one: int, other: int) -> bool:
        """Whether two atoms, one after the other in the file, are parts of one number."""
        if one < 0 or other == len(self._atoms) or self._atoms[one].word != self._atoms[other].word:
            return False
        digits = self._atoms[one].letters[-1:], self._atoms[other].letters[:1]
        return all(letter.isdigit() or letter == "." for letter in digits)

    def matching(
        self, start: re.Pattern[str], most: int, accepts: Callable[[str], bool]
    ) -> list[Span]:
        """Where texts of at most so many letters begin with `start` and are accepted."""
        return self._spans(stream.matching(start, most, accepts) for stream in self._streams)

    def _spans(self, found: Iterable[Iterable[tuple[tuple[Atom, ...], int]]]) -> list[Span]:
        spans = {
            frozenset(map(id, atoms)): Span(self.number, atoms, distance)
            for some in found
            for atoms, distance in some
        }
        return sorted(spans.values(), key=lambda span: (span.box[1], span.box[0]))

    def pieces(self) -> list[Span]:
        """The lines, each parted where a wide blank stands in it, down the page."""
        return [Span(self.number, tuple(one), 0) for row in self.rows for one in _pieces(row)]

    def beside(self, span: Span) -> list[str]:
        """The words that lead to a value from the left: of its own piece of the line, and of the
        last piece before that says anything."""
        row = next(row for row in self.rows if span.atoms[0] in row)
        before = row[: row.index(span.atoms[0])]
        label: list[str] = []
        for piece in reversed(list(_pieces([*before, span.atoms[0]]))):
            words = _words(atom for atom in piece if atom is not span.atoms[0])
            label = words + label
            if piece[-1] is not span.atoms[0] and any(map(_says_something, words)):
                break
        return label

    def above(self, span: Span, far: bool = False) -> list[str]:
        """The words over a value: of the line above, or `far` up where its column has a heading."""
        left, top, right, _ = span.box
        for row in reversed(self.rows):
            if row[0].box[3] > top + span.height / 4:
                continue
            if not far and top - row[0].box[3] > _NEXT_LINE * span.height:
                break
            for piece in _pieces(row):
                words = _words(piece)
                over = piece[0].box[0] < right and piece[-1].box[2] > left
                if over and any(map(_says_something, words)) and not (far and _has_digits(words)):
                    return words
        return []


class _Stream:
    """Atoms in an order in which a value may run. Signs alone belong to what stands around them."""

    def __init__(self, atoms: Sequence[Atom]) -> None:
        self._atoms = atoms
        self._lettered = [number for number, atom in enumerate(atoms) if atom.letters]
        self._text = "".join(atom.letters for atom in atoms)
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        at = 0
        for number in self._lettered:
            self._starts[at] = number
            at += len(atoms[number].letters)
            self._ends[at] = number

    def find(self, letters: str, most: int) -> Iterator[tuple[tuple[Atom, ...], int]]:
        yield from self._near(letters, most) if most else self._exact(letters)

    def _exact(self, letters: str) -> Iterator[tuple[tuple[Atom, ...], int]]:
        at = self._text.find(letters)
        while at >= 0:
            first, last = self._starts.get(at), self._ends.get(at + len(letters))
            if first is not None and last is not None:
                yield tuple(self._atoms[first : last + 1]), 0
            at = self._text.find(letters, at + 1)

    def _near(self, letters: str, most: int) -> Iterator[tuple[tuple[Atom, ...], int]]:
        for start, first in enumerate(self._lettered):
            text = ""
            for last in self._lettered[start:]:
                text += self._atoms[last].letters
                if len(text) > len(letters) + most:
                    break
                if len(text) < len(letters) - most:
                    continue
                distance = Levenshtein.distance(letters, text, score_cutoff=most)
                if distance <= most:
                    yield tuple(self._atoms[first : last + 1]), distance

    def matching(
        self, start: re.Pattern[str], most: int, accepts: Callable[[str], bool]
    ) -> Iterator[tuple[tuple[Atom, ...], int]]:
        """Runs of atoms that begin with `start` and, written as one, are accepted."""
        for first, atom in enumerate(self._atoms):
            if not start.match(atom.text):
                continue
            text = ""
            for last in range(first, len(self._atoms)):
                text += self._atoms[last].text
                if len(text) > most:
                    break
                if accepts(text):
                    yield tuple(self._atoms[first : last + 1]), 0


def _letters(word: Word, number: int) -> Iterator[Atom]:
    """The letters of a recognised line, but for its blanks, of which it never has all."""
    for text, letters, box in zip(word.text, fold_each(word.text), word.letters, strict=True):
        if not text.isspace():
            yield Atom(text, letters, box, number, recognised=True)


def _atoms(text: str, box: Box, word: int) -> Iterator[Atom]:
    """The parts of a word; each has the share of its box that its letters have of the word."""
    left, top, right, bottom = box
    cuts = [0, *(match.start() for match in _SEAMS.finditer(text)), len(text)]
    for start, end in pairwise(cuts):
        part = text[start:end]
        across = (
            left + (right - left) * start / len(text),
            left + (right - left) * end / len(text),
        )
        yield Atom(part, fold(part), (across[0], top, across[1], bottom), word)


def _rows(atoms: Sequence[Atom]) -> list[list[Atom]]:
    rows: list[list[Atom]] = []
    for atom in sorted(atoms, key=lambda atom: atom.middle):
        if rows and atom.middle - rows[-1][0].middle < min(atom.height, rows[-1][0].height) / 2:
            rows[-1].append(atom)
        else:
            rows.append([atom])
    return [sorted(row, key=lambda atom: atom.box[0]) for row in rows]


def _columns(rows: Sequence[Sequence[Atom]]) -> Iterator[Iterator[Atom]]:
    """From every piece of a line down through the pieces below it that begin or end alike."""
    pieces = [list(_pieces(row)) for row in rows]

    def below(piece: Sequence[Atom], number: int) -> Iterator[Atom]:
        yield from piece
        for _ in range(_MOST_LINES - 1):
            height, bottom = piece[0].height, piece[0].box[3]
            number += 1
            if number >= len(pieces) or pieces[number][0][0].box[1] - bottom > _NEXT_LINE * height:
                return
            follow = [one for one in pieces[number] if _aligned(piece, one)]
            if len(follow) != 1:
                return
            [piece] = follow
            yield from piece

    for number, row in enumerate(pieces):
        for piece in row:
            yield below(piece, number)


def _pieces(row: Sequence[Atom]) -> Iterator[list[Atom]]:
    piece = [row[0]]
    for before, atom in pairwise(row):
        if atom.box[0] - before.box[2] > _GAP * atom.height:
            yield piece
            piece = []
        piece.append(atom)
    yield piece


def _words(atoms: Iterable[Atom]) -> list[str]:
    """The texts, those of one word as one."""
    return ["".join(atom.text for atom in some) for _, some in groupby(atoms, lambda a: a.word)]


def _aligned(one: Sequence[Atom], other: Sequence[Atom]) -> bool:
    tolerance = one[0].height
    return (
        abs(one[0].box[0] - other[0].box[0]) < tolerance
        or abs(one[-1].box[2] - other[-1].box[2]) < tolerance
    )


def _says_something(word: str) -> bool:
    return any(letter.isalpha() for letter in word)


def _has_digits(words: Sequence[str]) -> bool:
    return any(letter.isdigit() for word in words for letter in word)


def trimmed(text: str) -> str:
    """A text without punctuation around it, but for signs and for brackets that belong together."""
    inside = _AROUND.sub("", text)
    if inside.count("(") != inside.count(")"):
        inside = inside.removeprefix("(").removesuffix(")")
    return inside

"""Where on a page a value is printed, letter by letter."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from training.real.store import Line, Printing, Span

_ALIKE = 0.8
"""Share of letters that agree where a machine that misreads some read what a person wrote."""
_MOST_LINES = 6
_DATE = re.compile(r"\d{1,4}[-/.]\d\d[-/.]\d{2,4}|.*[A-Za-z]{3}.*(?:19|20)\d\d")


def squeezed(text: str) -> str:
    """`text` without blanks, as the lines of a page hold it."""
    return "".join(text.split())


def exactly(value: str, lines: Sequence[Line]) -> list[Printing]:
    """Every printing of a value within one line, where it is not part of a longer number or word.

    Capitals and small letters are taken for the same.
    """
    wanted = squeezed(value)
    if not wanted:
        return []
    pattern = re.compile(re.escape(wanted), re.IGNORECASE)
    return [
        [Span(number, match.start(), match.end())]
        for number, line in enumerate(lines)
        for match in pattern.finditer(line.text)
        # A time or a number may follow a date without a blank that was read.
        if _DATE.fullmatch(wanted) or _alone(line, match.start(), match.end())
    ]


def _alone(line: Line, start: int, end: int) -> bool:
    """Whether no number or word goes on across the ends of a span."""
    before, after = line.text[max(0, start - 2) : start], line.text[end : end + 2]
    first, last = line.text[start], line.text[end - 1]
    if first.isdigit() and re.search(r"\d[.,]?$", before):
        return False
    if last.isdigit() and re.match(r"[.,]?\d", after):
        return False
    glued_before = first.isalpha() and before[-1:].isalpha() and not _gap(line, start)
    glued_after = last.isalpha() and after[:1].isalpha() and not _gap(line, end)
    return not (glued_before or glued_after)


def _gap(line: Line, at: int) -> bool:
    """Whether the letter at this place stands further off from the one before it than most do."""
    steps = np.diff(line.xs)
    return bool(steps[at - 1] > 1.3 * np.median(steps))


def nearly(value: str, lines: Sequence[Line]) -> list[Printing]:
    """The one printing within a line that differs from a short value in one letter, if any."""
    wanted = squeezed(value).upper()
    found: list[Printing] = []
    for number, line in enumerate(lines):
        text = line.text.upper()
        for start in range(len(text) - len(wanted) + 1):
            part = text[start : start + len(wanted)]
            if sum(a != b for a, b in zip(part, wanted, strict=True)) == 1:
                found.append([Span(number, start, start + len(wanted))])
    return found if len(found) == 1 else []


def running(value: str, lines: Sequence[Line]) -> list[Printing]:
    """The printing of a name or an address that fills one line or several that follow each other.

    The letters need not agree all: a machine read the lines.
    """
    wanted = _plain(value)
    texts = [_plain(line.text) for line in lines]
    best: tuple[float, int, int] = (_ALIKE, 0, 0)
    for start in range(len(lines)):
        for end in range(start + 1, min(start + _MOST_LINES, len(lines)) + 1):
            joined = "".join(texts[start:end])
            if len(joined) > 1.4 * len(wanted) + 4:
                break
            if len(joined) * 1.4 + 4 < len(wanted):
                continue
            match = SequenceMatcher(None, joined, wanted, autojunk=False)
            if match.real_quick_ratio() > best[0] and match.quick_ratio() > best[0]:
                best = max(best, (match.ratio(), start, end))
    _, start, end = best
    if start == end:
        return []
    return [[Span(number, 0, len(lines[number].text)) for number in range(start, end)]]


def readable(value: str, lines: Sequence[Line]) -> bool:
    """Whether most letters of a value stand on the page, in order and close together."""
    wanted, text = _plain(value), "".join(_plain(line.text) for line in lines)
    blocks = SequenceMatcher(None, text, wanted, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size > 2) >= _ALIKE * len(wanted)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalnum())


def as_printed(value: str, printed: str) -> str:
    """`value`, noted in capitals, with small letters in the words that the page has them in.

    Word by word, since a machine that reads takes a single capital for a small letter at times.
    """
    match = SequenceMatcher(None, printed.upper(), value.upper(), autojunk=False)
    shown = list(value)
    for block in match.get_matching_blocks():
        shown[block.b : block.b + block.size] = printed[block.a : block.a + block.size]

    def word(found: re.Match[str]) -> str:
        seen = "".join(shown[found.start() : found.end()])
        small = sum(letter.islower() for letter in seen)
        return found.group().capitalize() if 2 * small >= len(seen) > 1 else found.group()

    return re.sub(r"[^\W\d_]+", word, value)

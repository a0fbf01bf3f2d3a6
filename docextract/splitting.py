"""Where in a file one document ends and the next begins.

A page that counts itself ("page 2 of 3") says so. Otherwise a page begins another document where
its number is another than on the pages before, or, where it has none, a date, a sum or most of its
names. A first page says who writes, and gives a number, a date or a sum: a page without goes on.
What the words of the page contradict was made up, and decides nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from docextract.assembly import PageAnswer
from docextract.schema import Group, Leaf

_SUMS = ("amount", "number", "float")
_TIMES = ("date", "datetime", "time")
_ALIKE = 0.75  # of the letters of a name, of which some may be misread
_MOSTLY = 0.4  # of the letters of a number are digits, of a name with a number in it fewer

_COUNTED = re.compile(
    r"\b(?:page|seite|blatt|pagina|página|pág|side|sida|muka surat|halaman)\W{0,3}(\d{1,3})"
    r"\s*(?:/|of|von|de|di|van|af|av|sur|dari|daripada)\s*(\d{1,3})\b",
    re.IGNORECASE,
)


def page_count_of(lines: Iterable[str]) -> tuple[int, int] | None:
    """Which page of how many a page says it is, in the lines that can be seen on it."""
    counts = {(int(match[1]), int(match[2])) for match in _COUNTED.finditer(" ".join(lines))}
    [count] = counts if len(counts) == 1 else [(0, 0)]
    return count if 1 <= count[0] <= count[1] else None


def divide(
    fields: Group,
    answers: Sequence[PageAnswer],
    counts: Mapping[int, tuple[int, int]],
) -> list[list[PageAnswer]]:
    """The answers of each document, in order.

    `counts`: for a page's number, which page of how many it says it is.
    """
    parts: list[list[PageAnswer]] = []
    for answer in answers:
        if not parts or _begins(fields, answer, parts[-1], counts.get(answer.pages[0])):
            parts.append([])
        parts[-1].append(answer)
    return parts


def _begins(
    fields: Group, answer: PageAnswer, before: Sequence[PageAnswer], count: tuple[int, int] | None
) -> bool:
    if count is not None:
        return count[0] == 1
    known: dict[str, tuple[str, str]] = {}
    for earlier in before:
        for path, role, text in _header(fields, earlier):
            known.setdefault(path, (role, text))
    shown = set()
    others: dict[str, list[bool]] = {"number": [], "date": [], "name": [], "sum": []}
    for path, role, text in _header(fields, answer):
        shown.add(role)
        if path in known:
            alike = _likeness(known[path][1], text)
            others[role].append(alike < (_ALIKE if role == "name" else 1))
    if others["number"]:
        return others["number"][0]  # a paper's own number comes before those that it refers to
    if "name" not in shown and any(role == "name" for role, _ in known.values()):
        return False
    most_names = shown > {"name"} and 2 * sum(others["name"]) > len(others["name"])
    return any(others["date"]) or any(others["sum"]) or most_names


def _header(fields: Group, answer: PageAnswer) -> Iterator[tuple[str, str, str]]:
    """Path, role and text of the printed values outside of lists."""
    for path, leaf, text in _leaves(fields, answer.answer.record):
        place = answer.places.get(path)
        if place is None or place.evidence in ("grounded", "none"):
            yield path, _role(leaf, text), text


def _leaves(
    group: Group, record: Mapping[str, object], path: str = ""
) -> Iterator[tuple[str, Leaf, str]]:
    for key, field in group.fields.items():
        value, place = record[key], f"{path}{key}"
        if isinstance(field, Group) and isinstance(value, Mapping):
            yield from _leaves(field, value, f"{place}.")
        elif isinstance(field, Leaf) and isinstance(value, str):
            yield place, field, value


def _role(leaf: Leaf, text: str) -> str:
    if leaf.kind in _SUMS:
        return "sum"
    if leaf.kind in _TIMES:
        return "date"
    letters = re.sub(r"[\W_]+", "", text)
    digits = sum(map(str.isdigit, letters))
    return "number" if digits > 1 and digits >= _MOSTLY * len(letters) else "name"


def _likeness(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 1, case and marks left out."""
    one, other = (re.sub(r"[\W_]+", "", text.casefold()) for text in (one, other))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()

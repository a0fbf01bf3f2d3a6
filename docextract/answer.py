"""A model's text becomes a record as printed. Each repair is a function, and its name is reported.

Answers under a grammar need none of this. Text from anywhere else comes in fences, after a preface,
with numbers for texts, cut short. Repairs mend the form; they invent no value.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docextract.errors import AnswerError
from docextract.schema import Field, Group, Leaf, Listing

_MAX_LENGTH = 1_000_000


class _Number(str):
    """A JSON number in its own digits: 1.10 stays 1.10."""

    __slots__ = ()


@dataclass(frozen=True)
class Answer:
    """`record` has the shape of the schema: texts, literals and None at its leaves, and all lists.

    `repairs` were made to the whole text, `touched` to the value or object at a path. `logprobs`
    are those of the tokens that the value at a path was written with, where they are known.
    """

    record: dict[str, Any]
    repairs: tuple[str, ...] = ()
    touched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    logprobs: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def repairs_of(self, path: str) -> tuple[str, ...]:
        """All repairs that the value at `path` went through."""
        steps = path.split(".")
        above = [".".join(steps[:length]) for length in range(1, len(steps) + 1)]
        return (*self.repairs, *(name for place in above for name in self.touched.get(place, ())))


def parse_answer(text: str, fields: Group) -> Answer:
    """The record in a model's text, in the shape of `fields`.

    Raises:
        AnswerError: there is none in it.
    """
    if len(text) > _MAX_LENGTH:
        raise AnswerError(f"the answer is longer than {_MAX_LENGTH} letters")
    value, repairs = _decode(text)
    value, more = _unwrap(value, fields)
    shaper = _Shaper()
    return Answer(shaper.group(value, fields, ""), (*repairs, *more), shaper.touched)


def strip_thoughts(text: str) -> str:
    """Drop what a model thought aloud before it answered."""
    return re.sub(r"^.*</think>", "", text, flags=re.DOTALL)


def strip_fences(text: str) -> str:
    """Take the inside of a fenced code block, which may lack its end."""
    match = re.search(r"```[a-zA-Z]*\s*\n?(.*?)(?:```|$)", text, flags=re.DOTALL)
    return match[1].strip() if match else text


def cut_out_object(text: str) -> str:
    """Drop words before and after the first object."""
    start = text.find("{")
    if start < 0:
        return text
    scan = _Scan(text[start:])
    return text[start : start + scan.end] if scan.end else text[start:]


def close_open_ends(text: str) -> str:
    """End an answer that was cut short after its last whole value; the one begun is dropped."""
    scan = _Scan(text)
    if scan.end or not scan.safe_closing:
        return text
    return text[: scan.safe] + scan.safe_closing


def mend_json(text: str) -> str:
    """Let json-repair make JSON of what nearly is."""
    from json_repair import repair_json

    try:
        return str(repair_json(text, ensure_ascii=False))
    except Exception:
        # It is a heuristic over arbitrary text, and promises no type of error.
        return text


_TEXT_REPAIRS: tuple[Callable[[str], str], ...] = (
    strip_thoughts,
    strip_fences,
    cut_out_object,
    close_open_ends,
    mend_json,
)


def _decode(text: str) -> tuple[Any, tuple[str, ...]]:
    """The JSON in `text`, and the names of the repairs that it took."""
    repairs: list[str] = []
    value = _loads(text)
    for repair in _TEXT_REPAIRS:
        if value:
            break
        changed = repair(text)
        if changed != text:
            text, value = changed, _loads(changed)
            repairs.append(repair.__name__)
    if not value:
        raise AnswerError(
            "the model's answer holds no JSON object", hint="try another model or a larger budget"
        )
    return value, tuple(repairs)


def _loads(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        value = json.loads(
            text, parse_float=_Number, parse_int=_Number, parse_constant=lambda name: None
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _unwrap(value: Any, fields: Group) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The object that has the asked keys: the value, the only item of a list, or one inside."""
    repairs: list[str] = []
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
        repairs.append("unwrap_list")
    if isinstance(value, dict) and not _knows(value, fields) and len(value) == 1:
        value = next(iter(value.values()))
        repairs.append("unwrap_object")
    if not isinstance(value, dict) or not _knows(value, fields):
        raise AnswerError("the model's answer has none of the keys that were asked for")
    return value, tuple(repairs)


def _knows(value: dict[str, Any], fields: Group) -> bool:
    wanted = {_plain_key(key) for key in fields.fields}
    return any(_plain_key(key) in wanted for key in value)


def _plain_key(key: str) -> str:
    return re.sub(r"[\W_]", "", key.casefold())


class _Shaper:
    """Bends values to the shape of the schema, and notes where it had to."""

    def __init__(self) -> None:
        self.touched: dict[str, tuple[str, ...]] = {}

    def group(self, value: Any, group: Group, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            if value is not None:
                self._touch(path, "drop_misfit")
            value = {}
        loosely = {_plain_key(key): inner for key, inner in value.items()}
        record: dict[str, Any] = {}
        for key, field_ in group.fields.items():
            inner_path = f"{path}.{key}" if path else key
            if key not in value and _plain_key(key) in loosely:
                self._touch(inner_path, "match_key")
            inner = value[key] if key in value else loosely.get(_plain_key(key))
            record[key] = self._field(inner, field_, inner_path)
        return record

    def _field(self, value: Any, field_: Field, path: str) -> Any:
        if isinstance(field_, Group):
            return self.group(value, field_, path)
        if isinstance(field_, Listing):
            return self._list(value, field_, path)
        return self._leaf(value, field_, path)

    def _list(self, value: Any, listing: Listing, path: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._touch(path, "wrap_in_list")
            value = [value]
        return [
            self._field(item, listing.element, f"{path}.{number}")
            for number, item in enumerate(value)
        ]

    def _leaf(self, value: Any, leaf: Leaf, path: str) -> Any:
        if isinstance(value, dict | list):
            self._touch(path, "drop_misfit")
            return None
        if leaf.choices:
            return self._choice(value, leaf, path)
        if value is None or (isinstance(value, bool) and leaf.kind == "boolean"):
            return value
        if not isinstance(value, str) or isinstance(value, _Number):
            self._touch(path, "write_as_text")
            value = json.dumps(value) if isinstance(value, bool) else str(value)
        text = _valid_letters(value).strip()
        if text.casefold() in ("null", "none"):
            self._touch(path, "read_null")
            return None
        return text or None

    def _choice(self, value: Any, leaf: Leaf, path: str) -> Any:
        if value is None:
            return None
        written = json.dumps(value) if isinstance(value, bool) else str(value).strip()
        for choice in leaf.choices:
            if written == (choice if isinstance(choice, str) else json.dumps(choice)):
                return choice
        for choice in leaf.choices:
            if _plain_key(written) == _plain_key(str(choice)):
                self._touch(path, "match_choice")
                return choice
        return written or None

    def _touch(self, path: str, repair: str) -> None:
        self.touched[path] = (*self.touched.get(path, ()), repair)


def _valid_letters(text: str) -> str:
    """Halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Scan:
    """Reads JSON up to where it ends or breaks off.

    `end`: after the object, 0 if it does not end. `safe`: after the last whole value, and
    `safe_closing` the brackets that are open there ("" where no value is whole).
    """

    def __init__(self, text: str) -> None:
        self.end = 0
        self.safe = 0
        self.safe_closing = ""
        closers: list[str] = []
        at, value_expected = 0, True
        while at < len(text):
            letter = text[at]
            if letter in "{[":
                closers.append("}" if letter == "{" else "]")
                value_expected = letter == "["
                at += 1
                self._mark(at, closers)
                continue
            if letter in "}]":
                if not closers or closers.pop() != letter:
                    return
                at += 1
                if not closers:
                    self.end = at
                    return
                self._mark(at, closers)
                continue
            if letter == ",":
                value_expected = closers[-1:] == ["]"]
            elif letter == ":":
                value_expected = True
            elif not letter.isspace():
                word = _WORD.match(text, at)
                if not word:
                    return
                at = word.end()
                # A bare word at the very end may lack letters: 15 of 153.35, tru of true.
                whole = letter == '"' or at < len(text)
                if value_expected and whole and closers:
                    self._mark(at, closers)
                continue
            at += 1

    def _mark(self, at: int, closers: list[str]) -> None:
        self.safe = at
        self.safe_closing = "".join(reversed(closers))


_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+', re.DOTALL)

"""Fields in one line: `name, age int, paid bool, total! money: to pay, rows[text, price money]`.

A field is a name and perhaps a type, then perhaps a colon and a description. `!` behind the name
requires it. `[]` makes a list, `[a, b]` a list of objects, `{a, b}` an object. Commas and line
breaks separate.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from docextract.errors import SchemaError, did_you_mean

TYPES: Mapping[str, dict[str, str]] = {
    "text": {"type": "string"},
    "str": {"type": "string"},
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "datetime": {"type": "string", "format": "date-time"},
    "money": {"type": "string", "format": "money"},
    "decimal": {"type": "string", "format": "quantity"},
    "quantity": {"type": "string", "format": "quantity"},
    "currency": {"type": "string", "format": "currency"},
    "iban": {"type": "string", "format": "iban"},
    "taxid": {"type": "string", "format": "tax-id"},
    "measure": {"type": "string", "format": "measure"},
}

_NAME = re.compile(r"[^\s,\[\]{}:!]+")
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"[\s,]*")


def parse_inline(text: str) -> dict[str, Any]:
    """The JSON Schema of fields written in one line.

    Raises:
        SchemaError: with the column of what cannot be read.
    """
    parser = _Parser(text)
    schema = parser.fields(closing="")
    parser.expect_end()
    return schema


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def fields(self, closing: str) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required: list[str] = []
        while True:
            self._skip(_GAP)
            if self._peek() == closing:
                break
            name = self._take(_NAME, "a field name")
            if name in properties:
                self._fail(f"the field {name} stands twice")
            if self._peek() == "!":
                self._at += 1
                required.append(name)
            properties[name] = self._field()
            if self._peek() not in (",", "\n", "\r", closing):
                self._fail(f"{self._peek()!r} is not expected here")
        if not properties:
            self._fail("there are no fields")
        return {"type": "object", "properties": properties, "required": required}

    def expect_end(self) -> None:
        if self._at < len(self._text):
            self._fail(f"{self._peek()!r} is not expected here")

    def _field(self) -> dict[str, Any]:
        schema = self._brackets() or self._type()
        self._skip(_BLANK)
        if self._peek() == ":":
            self._at += 1
            end = re.compile(r"[^,\n\]}]*")
            return {**schema, "description": self._take(end, "a description").strip()}
        return schema

    def _brackets(self) -> dict[str, Any] | None:
        self._skip(_BLANK)
        bracket = self._peek()
        if bracket not in ("[", "{"):
            return None
        self._at += 1
        if bracket == "{":
            schema = self.fields(closing="}")
            self._close("}")
            return schema
        self._skip(_GAP)
        if self._peek() == "]":
            self._close("]")
            return {"type": "array", "items": self._type()}
        schema = {"type": "array", "items": self.fields(closing="]")}
        self._close("]")
        return schema

    def _type(self) -> dict[str, Any]:
        self._skip(_BLANK)
        if not _NAME.match(self._text, self._at):
            return dict(TYPES["text"])
        start = self._at
        word = self._take(_NAME, "a type")
        if word not in TYPES:
            self._at = start
            known = did_you_mean(word, TYPES, f"types are {', '.join(TYPES)}")
            self._fail(f"there is no type {word}", known)
        return dict(TYPES[word])

    def _close(self, bracket: str) -> None:
        if self._peek() != bracket:
            self._fail(f"{bracket} is missing")
        self._at += 1
        self._skip(_BLANK)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self._text, self._at)
        if not match:
            self._fail(f"{what} is missing")
        self._at = match.end()
        return match[0]

    def _fail(self, reason: str, hint: str = "") -> NoReturn:
        raise SchemaError(
            f"inline schema, column {self._at + 1}: {reason}",
            hint=hint or "write fields as 'name, total money, paid bool'",
        )

"""The values of an answer, one by one, while a model still writes it."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

_VALUE_MAY_END = re.compile(r"[,}\]]")
_BARE_END = re.compile(r'[^\s{}\[\],:"]+$')


class Unfolding:
    """Takes the pieces of one JSON answer.

    What is not JSON, such as thoughts before it, only delays its values: the finished answer is
    parsed with more patience (docextract.answer).
    """

    def __init__(self) -> None:
        self._text = ""
        self._given: set[str] = set()

    def feed(self, text: str) -> Iterator[tuple[str, Any]]:
        """The values that this piece completes, with their paths, as `line_items.0.amount`."""
        self._text += text
        start = self._text.find("{")
        if start < 0 or not _VALUE_MAY_END.search(text):
            return
        # A bare word at the very end may lack letters: 15 of 153, tru of true.
        whole = _BARE_END.sub("", self._text[start:])
        try:
            record = from_json(whole, allow_partial=True)
        except ValueError:
            return
        for path, value in _leaves(record, ""):
            if path not in self._given:
                self._given.add(path)
                yield path, value


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict | list):
        inside = node.items() if isinstance(node, dict) else enumerate(node)
        for key, inner in inside:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, node

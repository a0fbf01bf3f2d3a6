"""The question that a reader is asked, in the dialect that it speaks.

`compact` is what the bundled model was taught: a task token, then the key names in one line.
`instruct` is prose for published and foreign models, from the Jinja templates in prompts/.
Training imports this module, so that what is taught is what is asked; it stays light for that.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Node: TypeAlias = "Mapping[str, Node] | Sequence[Node] | None"
"""A field: None (a leaf), a mapping (an object), or a list of one (a list of such)."""

Tree: TypeAlias = Mapping[str, Node]
"""The keys of a record in order: `{"seller": {"name": None}, "items": [{"amount": None}]}`."""

EXTRACT = "<|extract|>"

# Anything else could be read as the dialect's own punctuation or as a special token.
_PLAIN_KEY = re.compile(r"[^\s,{}\[\]\"\\<>]+( [^\s,{}\[\]\"\\<>]+)*")


def compact_question(tree: Tree) -> str:
    """Ask for the keys of `tree`: `<|extract|>name,seller{name},items[amount],tags[]`."""
    return EXTRACT + _compact_keys(tree)


def compact_answer(record: Mapping[str, object]) -> str:
    """The answer that the compact dialect expects for `record`: JSON without blanks, raw UTF-8."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _compact_keys(tree: Tree) -> str:
    return ",".join(_compact_key(key) + _compact_inside(node) for key, node in tree.items())


def _compact_key(key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return key
    return json.dumps(key, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def _compact_inside(node: Node) -> str:
    if node is None:
        return ""
    if isinstance(node, Mapping):
        return "{" + _compact_keys(node) + "}"
    [element] = node
    if element is None:
        return "[]"
    if isinstance(element, Mapping):
        return "[" + _compact_keys(element) + "]"
    raise TypeError("the compact dialect has no lists of lists")

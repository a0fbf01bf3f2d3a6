"""What a model may answer: the schema's as-printed twin, and the grammar that holds it to that.

The twin has the same keys in the same order. Every leaf is a text as printed or null, choices and
booleans are their literals or null, lists are arrays. What the schema says beyond that is checked
afterwards, in code.
"""

import json
from typing import Any

from docextract.schema.fields import Field, Group, Leaf, Listing

LEAF_LENGTH = 200
LIST_LENGTH = 60
MOST_LENGTH = 4000
MOST_ITEMS = 1000
"""Limits of the grammar, in letters and items a page, so that a model that has lost its way cannot
write forever. A schema that declares more with maxLength or maxItems gets more, up to the most."""


def as_printed(group: Group) -> dict[str, Any]:
    """The JSON Schema of the answers to be given."""
    return {
        "type": "object",
        "properties": {key: _twin(field) for key, field in group.fields.items()},
        "required": list(group.fields),
        "additionalProperties": False,
    }


def answer_grammar(twin: dict[str, Any]) -> str:
    """An llguidance grammar: the twin as compact JSON in raw UTF-8."""
    from llguidance import LLMatcher

    return LLMatcher.grammar_from_json_schema(
        json.dumps(twin),
        overrides={"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"},
    )


def twin_of(grammar: str) -> dict[str, Any] | None:
    """The JSON Schema inside of an `answer_grammar`; None where the grammar is of another kind."""
    try:
        [part] = json.loads(grammar)["grammars"]
        twin = dict(part["json_schema"])
    except (ValueError, KeyError, TypeError):
        return None
    twin.pop("x-guidance", None)
    return twin


def _twin(field: Field) -> dict[str, Any]:
    if isinstance(field, Group):
        return as_printed(field)
    if isinstance(field, Listing):
        limit = _limit(field.keywords.get("maxItems"), LIST_LENGTH, MOST_ITEMS)
        return {"type": "array", "items": _element(field.element), "maxItems": limit}
    return _leaf(field, "null")


def _element(element: Leaf | Group) -> dict[str, Any]:
    return as_printed(element) if isinstance(element, Group) else _leaf(element)


def _leaf(leaf: Leaf, *others: str) -> dict[str, Any]:
    if leaf.choices:
        return {"enum": [*leaf.choices, *(None for _ in others)]}
    if leaf.kind == "boolean":
        return {"type": ["boolean", *others]}
    limit = _limit(leaf.keywords.get("maxLength"), LEAF_LENGTH, MOST_LENGTH)
    return {"type": ["string", *others], "maxLength": limit}


def _limit(declared: object, usual: int, most: int) -> int:
    return min(max(usual, declared), most) if isinstance(declared, int) else usual

"""The question that a reader is asked, in the dialect that it speaks.

`compact` is what the bundled model was taught: a task token, then the key names in one line, or
the object to count.
`instruct` is prose for published and foreign models, from the Jinja templates in prompts/.
Training imports this module, so that what is taught is what is asked; it stays light for that.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from docextract.resources import bundled

if TYPE_CHECKING:
    from docextract.schema import Field, Schema

Dialect: TypeAlias = Literal["compact", "instruct"]

Node: TypeAlias = "Mapping[str, Node] | Sequence[Node] | None"
"""A field: None (a leaf), a mapping (an object), or a list of one (a list of such)."""

Tree: TypeAlias = Mapping[str, Node]
"""The keys of a record in order: `{"seller": {"name": None}, "items": [{"amount": None}]}`."""

EXTRACT = "<|extract|>"
COUNT = "<|count|>"


class Mistake(NamedTuple):
    """What a field was read as, and why that cannot be."""

    text: str | None
    reason: str


_SPECIAL = re.compile("[<>]")
# Anything else could be read as the dialect's own punctuation or as a special token.
_PLAIN_KEY = re.compile(r"[^\s,{}\[\]\"\\<>]+( [^\s,{}\[\]\"\\<>]+)*")


def render_question(
    schema: "Schema[Any]", dialect: Dialect, pages: int = 1, mistake: Mistake | None = None
) -> str:
    """The question for `schema` about so many page pictures.

    `mistake`: what was wrong with an earlier answer to it. It may hold words of the page, so it
    is quoted as JSON without `<` and `>`, which could make a special token. The compact dialect
    has no words for it.
    """
    if dialect == "compact":
        return compact_question(schema.tree)
    return _render(
        "extract.jinja",
        fields=schema.fields,
        pages=pages,
        example=json.dumps(_blank(schema.fields), ensure_ascii=False),
        mistake=mistake,
    )


def compact_question(tree: Tree) -> str:
    """Ask for the keys of `tree`: `<|extract|>name,seller{name},items[amount],tags[]`."""
    return EXTRACT + _compact_keys(tree)


def compact_count(name: str) -> str:
    """Ask where the objects of one name are: `<|count|>playing card`.

    The answer is `docextract.pointing`'s. `name` is one of those that the weights were taught, or
    any other words; what could make a special token of them is left out.
    """
    return COUNT + " ".join(_SPECIAL.sub(" ", name).split())


def render_count(name: str, dialect: Dialect, width: int, height: int) -> str:
    """The question where the objects of one name are in a picture of so many pixels."""
    if dialect == "compact":
        return compact_count(name)
    plain = " ".join(_SPECIAL.sub(" ", name).split())
    return _render("count.jinja", name=plain, width=width, height=height)


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


def _blank(field: "Field") -> Any:
    """The shape of an answer, everything absent; a list shows one of its items."""
    from docextract.schema import Group, Listing

    if isinstance(field, Group):
        return {key: _blank(inner) for key, inner in field.fields.items()}
    if isinstance(field, Listing):
        return [_blank(field.element)]
    return None


def _render(template: str, **values: object) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    prompts = Environment(
        loader=FileSystemLoader(bundled("prompts")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return prompts.get_template(template).render(values)

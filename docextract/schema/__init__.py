"""Every way to say what a record is, and the one thing that they all become: a `Schema`."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin, overload

from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from docextract.errors import SchemaError, did_you_mean
from docextract.resources import bundled, bundled_schemas
from docextract.rules import Rule, Rules, inside
from docextract.schema.fields import Field, Group, Leaf, Listing, read_fields
from docextract.schema.inline import parse_inline
from docextract.schema.json_schema import model_of
from docextract.schema.python_file import load_model
from docextract.schema.twin import answer_grammar, as_printed

__all__ = [
    "Field",
    "Group",
    "Leaf",
    "Listing",
    "Schema",
    "bundled_schemas",
    "load_schema",
]

M = TypeVar("M", bound=BaseModel)

_PYTHON_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<model>\w+))?", re.DOTALL)


@dataclass(frozen=True)
class Schema(Generic[M]):
    """What a record is: its fields, and the Pydantic class that holds it to them.

    `reference` is what `load_schema` was given; another process loads the same schema with it.
    """

    reference: str
    model: type[M]
    fields: Group
    rules: Rules = ()

    @property
    def name(self) -> str:
        """The name of the record type."""
        return self.model.__name__

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The keys in order: None for a value, a dict for an object, a list of one for a list."""
        return _tree(self.fields)

    @cached_property
    def twin(self) -> dict[str, Any]:
        """The JSON Schema of a model's answer: same keys, every value as printed or null."""
        return as_printed(self.fields)

    @cached_property
    def grammar(self) -> str:
        """The llguidance grammar of a model's answer."""
        return answer_grammar(self.twin)


@overload
def load_schema(spec: str | PathLike[str]) -> Schema[Any]: ...
@overload
def load_schema(spec: type[M] | Schema[M]) -> Schema[M]: ...
@overload
def load_schema(spec: str | PathLike[str] | type[M] | Schema[M]) -> Schema[Any]: ...
def load_schema(spec: str | PathLike[str] | type[M] | Schema[M]) -> Schema[Any]:
    """The schema that `spec` names or is.

    A bundled name, `file.py:Model`, the path of a JSON Schema, a JSON Schema itself, fields in
    one line (`'name, total money, paid bool'`), or in Python a Pydantic class.

    Raises:
        SchemaError: there is none, or it asks for what cannot be honoured.
    """
    if isinstance(spec, Schema):
        return spec
    if isinstance(spec, type):
        return _of_model(f"{spec.__module__}.{spec.__qualname__}", spec)
    spec = fspath(spec)
    text = spec.strip()
    if text.startswith("{"):
        return _of_json(text, spec, "Record")
    if match := _PYTHON_FILE.fullmatch(text):
        return _of_model(spec, load_model(Path(match["path"]), match["model"]))
    if text.endswith(".json"):
        return _of_json(_text_of(Path(text)), spec, Path(text).stem)
    if text in bundled_schemas():
        return _of_model(spec, load_model(bundled("schemas") / f"{text}.py"))
    if re.search(r"[\s,:\[{!]", text):
        model, fields = model_of(parse_inline(text), "Record")
        return Schema(spec, model, fields)
    raise _unknown(text)


def _of_model(reference: str, model: type[M]) -> Schema[M]:
    if not issubclass(model, BaseModel):
        raise SchemaError(f"{reference} is no Pydantic model", hint="derive it from BaseModel")
    try:
        described = model.model_json_schema()
    except PydanticUserError as error:
        reason = str(error).split("\n", 1)[0]
        raise SchemaError(f"{reference}: {reason}") from error
    fields = _named(reference, described)
    return Schema(reference, model, fields, _rules(reference, model, fields))


def _rules(reference: str, model: type[BaseModel], fields: Group) -> Rules:
    """What the class and those nested in it declare in `rules`, about fields that there are."""
    rules = tuple(_declared(model))
    known = set(_paths(fields))
    for rule in rules:
        for path in rule.paths:
            if path not in known:
                raise SchemaError(
                    f"{reference}: a rule names {path}, which is no field",
                    hint=f"fields are {', '.join(sorted(known))}",
                )
    return rules


def _declared(model: type[BaseModel]) -> Iterator[Rule]:
    yield from getattr(model, "rules", ())
    for name, field in model.model_fields.items():
        for place, nested in _nested(field.annotation, field.alias or name):
            yield from (inside(place, rule) for rule in _declared(nested))


def _nested(annotation: Any, place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The classes in a type like `list[Row] | None`, each with the path of its records."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield place, annotation
    listed = get_origin(annotation) in (list, tuple, set, frozenset, Sequence)
    for part in get_args(annotation):
        yield from _nested(part, f"{place}.*" if listed else place)


def _paths(field: Field, path: str = "") -> Iterator[str]:
    """The paths of all leaves, with `*` for the rows of a list."""
    if isinstance(field, Group):
        for key, inner in field.fields.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(field, Listing):
        yield from _paths(field.element, f"{path}.*")
    else:
        yield path


def _named(reference: str, described: dict[str, Any]) -> Group:
    try:
        return read_fields(described)
    except SchemaError as error:
        raise SchemaError(f"{reference}: {error.message}", hint=error.hint) from error


def _of_json(text: str, reference: str, name: str) -> Schema[Any]:
    source = reference if reference.endswith(".json") else "the JSON Schema"
    try:
        described = json.loads(text)
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{source}, line {error.lineno}, column {error.colno}: {error.msg}",
            hint="it is not valid JSON",
        ) from error
    except RecursionError as error:
        raise SchemaError(f"{source}: nested too deeply") from error
    if not isinstance(described, dict):
        raise SchemaError(f"{source}: a JSON Schema is an object", hint='start with {"type": ...}')
    title = described.get("title")
    label = re.sub(r"\W+", "_", title if isinstance(title, str) else name).strip("_") or "Record"
    try:
        model, fields = model_of(described, label)
    except SchemaError as error:
        raise SchemaError(f"{source}: {error.message}", hint=error.hint) from error
    return Schema(reference, model, fields)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SchemaError(
            f"{path} cannot be read: {error.strerror}", hint="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error


def _unknown(text: str) -> SchemaError:
    names = bundled_schemas()
    rest = (
        f"bundled are {', '.join(names)}; or give file.py:Model, schema.json, or "
        f"fields like '{text or 'name'} text, total money'"
    )
    return SchemaError(f"there is no schema {text!r}", hint=did_you_mean(text, names, rest))


def _tree(group: Group) -> dict[str, Any]:
    return {key: _node(field) for key, field in group.fields.items()}


def _node(field: Field) -> Any:
    if isinstance(field, Group):
        return _tree(field)
    if isinstance(field, Listing):
        return [_node(field.element)]
    return None

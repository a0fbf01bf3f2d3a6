"""A user's JSON Schema: every keyword is honoured or refused by name, then it becomes a class."""

import keyword
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from docextract.errors import did_you_mean
from docextract.printed import Kind
from docextract.schema.fields import Field as SchemaField
from docextract.schema.fields import (
    Group,
    JsonSchema,
    Leaf,
    Listing,
    read_fields,
    refuse,
    refuse_keyword,
)
from docextract.types import (
    Currency,
    Iban,
    Measure,
    Money,
    PrintedDate,
    PrintedTime,
    Quantity,
    TaxId,
)

# Keywords that say nothing about validity. `default` is one: what is absent stays null.
_ANNOTATIONS = (
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
)
_STRUCTURE = ("$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf")
_BY_TYPE: Mapping[str, list[str]] = {
    "object": ["properties", "required", "additionalProperties"],
    "array": ["items", "minItems", "maxItems", "uniqueItems"],
    "string": ["format", "minLength", "maxLength", "pattern"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
    "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
    "boolean": [],
}
_KNOWN = {*_ANNOTATIONS, *_STRUCTURE, *(word for words in _BY_TYPE.values() for word in words)}
_VALUES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "minItems": (int, "a whole number"),
    "maxItems": (int, "a whole number"),
    "minLength": (int, "a whole number"),
    "maxLength": (int, "a whole number"),
    **{word: ((int, float), "a number") for word in _BY_TYPE["number"]},
    **{word: (str, "a text") for word in ("format", "pattern", "$ref", "title", "description")},
    "uniqueItems": (bool, "true or false"),
}

_TEXT_FORMATS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
}
_TYPED_FORMATS = (
    "date",
    "time",
    "date-time",
    "money",
    "quantity",
    "measure",
    "currency",
    "iban",
    "tax-id",
)

_TYPES: Mapping[Kind, Any] = {
    "text": str,
    "amount": Money,
    "number": Quantity,
    "float": float,
    "integer": int,
    "boolean": bool,
    "date": PrintedDate,
    "time": PrintedTime,
    "datetime": datetime,
    "currency": Currency,
    "iban": Iban,
    "tax_id": TaxId,
    "measure": Measure,
}


def model_of(schema: JsonSchema, name: str) -> tuple[type[BaseModel], Group]:
    """The Pydantic class that holds records to `schema`, and its fields.

    Raises:
        SchemaError: naming the place and the keyword that cannot be honoured.
    """
    _check_keywords(schema, "")
    group = read_fields(schema)
    return _model(group, name), group


def _check_keywords(schema: Any, place: str) -> None:
    if not isinstance(schema, Mapping):
        refuse(place, f"a schema is an object, not {schema!r}")
    kinds = _types_of(schema, place)
    for word, value in schema.items():
        if word.startswith("x-"):
            continue
        if word not in _KNOWN:
            refuse_keyword(place, word, did_you_mean(word, _KNOWN))
        owners = [kind for kind, words in _BY_TYPE.items() if word in words]
        if owners and kinds and not set(owners) & set(kinds):
            refuse(place, f"{word} has no meaning for the type {' or '.join(kinds)}")
        kind, words = _VALUES.get(word, (object, ""))
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            refuse(place, f"{word} is {words}, not {value!r}")
        if kind is int and isinstance(value, int) and value < 0:
            refuse(place, f"{word} cannot be negative")
    _check_text(schema, place)
    for inner, path in _inner_schemas(schema, place):
        _check_keywords(inner, path)


def _types_of(schema: JsonSchema, place: str) -> list[str]:
    kind = schema.get("type", [])
    kinds = [kind] if isinstance(kind, str) else kind
    if not isinstance(kinds, list) or not all(isinstance(name, str) for name in kinds):
        refuse(place, f"type is a name, not {kind!r}")
    for name in kinds:
        if name not in _BY_TYPE and name != "null":
            refuse(place, f"there is no type {name!r}", did_you_mean(name, _BY_TYPE))
    return [name for name in kinds if name != "null"]


def _check_text(schema: JsonSchema, place: str) -> None:
    form = schema.get("format")
    if form in _TYPED_FORMATS:
        for word in ("pattern", "minLength", "maxLength"):
            if word in schema:
                refuse(place, f"{word} beside the format {form!r} is not supported")
    elif form is not None and form not in _TEXT_FORMATS:
        known = ", ".join([*_TYPED_FORMATS, *_TEXT_FORMATS])
        refuse(place, f"the format {form!r} is not supported", f"formats are {known}")
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except (re.error, TypeError) as error:
            refuse(place, f"the pattern {schema['pattern']!r} cannot be read: {error}")


def _inner_schemas(schema: JsonSchema, place: str) -> list[tuple[Any, str]]:
    inner: list[tuple[Any, str]] = []
    for word in ("properties", "$defs", "definitions"):
        named = schema.get(word, {})
        if not isinstance(named, Mapping):
            refuse(place, f"{word} is an object, not {named!r}")
        prefix = f"{place}." if place else ""
        label = prefix if word == "properties" else f"{prefix}{word}."
        inner += [(value, f"{label}{name}") for name, value in named.items()]
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(word, []), list):
            inner += [(option, place) for option in options if option != {"type": "null"}]
    if "items" in schema:
        inner.append((schema["items"], f"{place}[]"))
    return inner


def _model(group: Group, name: str) -> type[BaseModel]:
    definitions: dict[str, Any] = {}
    for number, (key, field) in enumerate(group.fields.items()):
        attribute = key if _is_attribute(key) else f"field_{number}"
        definitions[attribute] = _definition(field, key, name)
    config = ConfigDict(regex_engine="python-re", validate_by_name=True, validate_by_alias=True)
    return cast(type[BaseModel], create_model(name, __config__=config, **definitions))


def _is_attribute(key: str) -> bool:
    """Whether `record.key` can be written, and means the field."""
    taken = hasattr(BaseModel, key) or key.startswith(("_", "model_"))
    return key.isidentifier() and not keyword.iskeyword(key) and not taken


def _definition(field: SchemaField, key: str, owner: str) -> tuple[Any, Any]:
    annotation = _annotation(field, f"{owner}_{key}")
    if field.required:
        return annotation, Field(alias=key, description=field.description or None)
    return Optional[annotation], Field(  # noqa: UP045 (built at run time)
        None, alias=key, description=field.description or None
    )


def _annotation(field: SchemaField, name: str) -> Any:
    if isinstance(field, Group):
        return _model(field, re.sub(r"\W", "_", field.title or name))
    if isinstance(field, Listing):
        return _list(field, name)
    if field.choices:
        return Literal[field.choices]
    return _constrained(field)


def _list(field: Listing, name: str) -> Any:
    words = field.keywords
    limits = Field(min_length=words.get("minItems"), max_length=words.get("maxItems"))
    element: Any = _annotation(field.element, name)
    checks = [AfterValidator(_unique)] if words.get("uniqueItems") else []
    return Annotated[list[element], limits, *checks]


def _constrained(leaf: Leaf) -> Any:
    words = leaf.keywords
    base = _TYPES[leaf.kind]
    if leaf.kind == "text":
        limits = Field(
            min_length=words.get("minLength"),
            max_length=words.get("maxLength"),
            pattern=words.get("pattern"),
        )
        if form := _TEXT_FORMATS.get(words.get("format", "")):
            return Annotated[base, limits, AfterValidator(_matching(form, words["format"]))]
        return Annotated[base, limits]
    if leaf.kind in ("float", "integer"):
        return Annotated[
            base,
            Field(
                ge=words.get("minimum"),
                le=words.get("maximum"),
                gt=words.get("exclusiveMinimum"),
                lt=words.get("exclusiveMaximum"),
            ),
            AfterValidator(_multiple_of(words.get("multipleOf"))),
        ]
    return base


def _matching(pattern: re.Pattern[str], name: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"{text!r} is no {name}")
        return text

    return check


def _multiple_of(step: float | None) -> Callable[[float], float]:
    def check(value: float) -> float:
        # In decimals: 0.1 + 0.2 must not decide whether 0.3 is a multiple of 0.1.
        if step and Decimal(str(value)) % Decimal(str(step)):
            raise ValueError(f"{value} is no multiple of {step}")
        return value

    return check


def _unique(items: list[Any]) -> list[Any]:
    if any(item in items[:number] for number, item in enumerate(items)):
        raise ValueError("the items are not all different")
    return items

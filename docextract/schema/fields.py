"""The fields of a record: what every kind of schema comes down to.

They are read off a JSON Schema, the one that a user wrote or the one that Pydantic makes of a
class. What a field cannot be is refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeAlias

from docextract.errors import SchemaError
from docextract.printed import Kind

JsonSchema: TypeAlias = Mapping[str, Any]
Choice: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class Leaf:
    """A single value. `choices`, where there are any, are all that it can be."""

    kind: Kind
    choices: tuple[Choice, ...]
    required: bool
    nullable: bool
    description: str
    keywords: JsonSchema


@dataclass(frozen=True)
class Group:
    """An object."""

    fields: Mapping[str, "Field"]
    required: bool
    nullable: bool
    description: str
    title: str


@dataclass(frozen=True)
class Listing:
    """A list of values or objects."""

    element: Leaf | Group
    required: bool
    nullable: bool
    description: str
    keywords: JsonSchema


Field: TypeAlias = Leaf | Group | Listing
"""`required`: must not be null. `nullable`: None is a valid value for the Pydantic model."""

_KIND_OF_FORMAT: Mapping[str, Kind] = {
    "date": "date",
    "time": "time",
    "date-time": "datetime",
    "money": "amount",
    "quantity": "number",
    "currency": "currency",
    "iban": "iban",
    "tax-id": "tax_id",
    "measure": "measure",
}
_KIND_OF_TYPE: Mapping[str, Kind] = {"number": "float", "integer": "integer", "boolean": "boolean"}

_UNSUPPORTED = (
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "discriminator",
    "if",
    "not",
    "contains",
)


def read_fields(schema: JsonSchema) -> Group:
    """The fields of the objects that a JSON Schema describes.

    Raises:
        SchemaError: naming the place and the keyword that cannot be honoured.
    """
    root = _Walker(schema).field(schema, "", required=True)
    if not isinstance(root, Group):
        raise SchemaError(
            "the schema describes no object",
            hint='records have named fields: {"type": "object", "properties": {...}}',
        )
    return root


class _Walker:
    def __init__(self, root: JsonSchema) -> None:
        self._root = root
        self._open_references: list[str] = []

    def field(self, schema: Any, place: str, required: bool) -> Field:
        if not isinstance(schema, Mapping):
            refuse(place, f"a schema is an object, not {schema!r}")
        if "$ref" in schema:
            return self._referenced(schema, place, required)
        for keyword in _UNSUPPORTED:
            if keyword in schema:
                refuse_keyword(place, keyword)
        if "allOf" in schema:
            return self.field(_only_part(schema, place), place, required)
        schema, nullable = self._without_null(schema, place)
        if "$ref" in schema or "allOf" in schema:
            field = self.field(schema, place, required and not nullable)
            return _with_null(field) if nullable else field
        return self._plain(schema, place, required and not nullable, nullable)

    def _referenced(self, schema: JsonSchema, place: str, required: bool) -> Field:
        reference = schema["$ref"]
        if reference in self._open_references:
            refuse(place, f"$ref {reference} contains itself; a record has a fixed depth")
        target = self._resolve(reference, place)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        self._open_references.append(reference)
        try:
            return self.field({**target, **beside}, place, required)
        finally:
            self._open_references.pop()

    def _resolve(self, reference: Any, place: str) -> JsonSchema:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            refuse(place, f"$ref {reference!r} does not point into this schema (#/$defs/...)")
        target: Any = self._root
        for step in reference[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or step not in target:
                refuse(place, f"$ref {reference} points nowhere")
            target = target[step]
        if not isinstance(target, Mapping):
            refuse(place, f"$ref {reference} points at no schema")
        return target

    def _without_null(self, schema: JsonSchema, place: str) -> tuple[JsonSchema, bool]:
        """The schema of the values that are not null, and whether null is one of them."""
        for keyword in ("anyOf", "oneOf"):
            if keyword not in schema:
                continue
            options = _list_of(schema[keyword], place, keyword)
            rest = [option for option in options if option != {"type": "null"}]
            beside = {key: value for key, value in schema.items() if key != keyword}
            nullable = len(rest) < len(options)
            if len(rest) == 1 and isinstance(rest[0], Mapping):
                inner, inner_null = self._without_null({**rest[0], **beside}, place)
                return inner, nullable or inner_null
            if _is_decimal(rest):
                return {**beside, "type": "string", "format": "quantity"}, nullable
            refuse_keyword(place, keyword, "only a choice between one type and null is supported")
        kind = schema.get("type")
        if isinstance(kind, list):
            rest = [name for name in kind if name != "null"]
            if len(rest) != 1:
                refuse(place, f"several types {kind}; only one type, or one and null")
            return {**schema, "type": rest[0]}, "null" in kind
        if "enum" in schema and None in (choices := _list_of(schema["enum"], place, "enum")):
            return {**schema, "enum": [choice for choice in choices if choice is not None]}, True
        return schema, False

    def _plain(self, schema: JsonSchema, place: str, required: bool, nullable: bool) -> Field:
        description = str(schema.get("description", ""))
        if "enum" in schema or "const" in schema:
            choices = _choices(schema, place)
            return Leaf("text", choices, required, nullable, description, schema)
        kind = schema.get("type")
        if kind == "object" or (kind is None and "properties" in schema):
            fields = self._properties(schema, place)
            return Group(fields, required, nullable, description, str(schema.get("title", "")))
        if kind == "array":
            if "items" not in schema:
                refuse(place, 'an array needs "items"')
            element = self.field(schema["items"], f"{place}[]", required=True)
            if isinstance(element, Listing):
                refuse(place, "lists of lists are not supported")
            return Listing(element, required, nullable, description, schema)
        if kind == "string":
            form = schema.get("format")
            if form in ("duration", "binary", "base64url"):
                refuse(place, f"the format {form!r} is not supported")
            return Leaf(
                _KIND_OF_FORMAT.get(form or "", "text"), (), required, nullable, description, schema
            )
        if isinstance(kind, str) and kind in _KIND_OF_TYPE:
            return Leaf(_KIND_OF_TYPE[kind], (), required, nullable, description, schema)
        refuse(place, f"the type {kind!r} is not supported" if kind else "the field has no type")

    def _properties(self, schema: JsonSchema, place: str) -> dict[str, Field]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            if "additionalProperties" in schema:
                refuse_keyword(place, "additionalProperties", "name the fields in properties")
            refuse(place, "an object needs properties")
        if isinstance(schema.get("additionalProperties"), Mapping):
            refuse_keyword(place, "additionalProperties", "name the fields in properties")
        if any(not str(name).strip() for name in properties):
            refuse(place, "a field has no name")
        required = _list_of(schema.get("required", []), place, "required")
        for name in required:
            if not isinstance(name, str) or name not in properties:
                refuse(place, f"required names {name!r}, which is not among the properties")
        return {
            str(name): self.field(inner, f"{place}.{name}" if place else name, name in required)
            for name, inner in properties.items()
        }


def _with_null(field: Field) -> Field:
    return replace(field, required=False, nullable=True)


def _only_part(schema: JsonSchema, place: str) -> JsonSchema:
    parts = _list_of(schema["allOf"], place, "allOf")
    if len(parts) != 1 or not isinstance(parts[0], Mapping):
        refuse_keyword(place, "allOf", "write its parts as one schema")
    return {**parts[0], **{key: value for key, value in schema.items() if key != "allOf"}}


def _is_decimal(options: list[Any]) -> bool:
    """Whether this is how Pydantic describes a Decimal: a number or a string."""
    types = [option.get("type") for option in options if isinstance(option, Mapping)]
    return sorted(map(str, types)) == ["number", "string"]


def _choices(schema: JsonSchema, place: str) -> tuple[Choice, ...]:
    values = [schema["const"]] if "const" in schema else _list_of(schema["enum"], place, "enum")
    for value in values:
        if not isinstance(value, str | int | float | bool):
            refuse(place, f"the choice {value!r} is neither a text, a number, true nor false")
    if not values:
        refuse(place, "enum has no choices")
    return tuple(values)


def _list_of(value: Any, place: str, keyword: str) -> list[Any]:
    if not isinstance(value, list):
        refuse(place, f"{keyword} is a list, not {value!r}")
    return value


def refuse(place: str, reason: str, hint: str = "") -> NoReturn:
    """Raise the SchemaError for a place in a schema ("" is the whole of it)."""
    raise SchemaError(f"{place}: {reason}" if place else reason, hint=hint)


def refuse_keyword(place: str, keyword: str, hint: str = "") -> NoReturn:
    """Raise the SchemaError for a keyword that nothing here could hold an answer to."""
    refuse(place, f"the keyword {keyword!r} is not supported", hint or f"leave {keyword} out")

import contextlib
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from docextract.errors import SchemaError
from docextract.schema import load_schema


def schema_of(**properties: Any) -> str:
    return json.dumps({"type": "object", "properties": properties, "required": list(properties)})


def record(spec: str, **values: object) -> Any:
    return load_schema(spec).model.model_validate(values)


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ({"type": "string", "pattern": "^(?=A)A[0-9]+$"}, "A12", "B12"),
        ({"type": "string", "minLength": 2}, "ab", "a"),
        ({"type": "string", "maxLength": 2}, "ab", "abc"),
        ({"type": "string", "format": "email"}, "a@b.example", "a@b"),
        ({"type": "string", "format": "uri"}, "https://example.org", "example.org"),
        ({"type": "number", "minimum": 1, "maximum": 2}, 1.5, 2.5),
        ({"type": "number", "exclusiveMinimum": 0}, 1, 0),
        ({"type": "number", "exclusiveMaximum": 3}, 1, 3),
        ({"type": "number", "multipleOf": 0.1}, 0.3, 0.35),
        ({"type": "integer", "multipleOf": 5}, 10, 12),
        ({"enum": ["a", 2, True]}, "a", "b"),
        ({"const": "a"}, "a", "b"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, ["a"], []),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a"], ["a", "b"]),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a"], ["a", "a"]),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "",
)
def test_every_keyword_is_checked(field: dict[str, Any], right: object, wrong: object) -> None:
    spec = schema_of(value=field)
    assert record(spec, value=right).value == right
    with pytest.raises(ValidationError):
        record(spec, value=wrong)


def test_formats_become_types() -> None:
    spec = schema_of(
        day={"type": "string", "format": "date"}, due={"type": "string", "format": "money"}
    )
    found = record(spec, day="27 MAY 2018", due="RM153.35")
    assert (found.day, found.due) == (date(2018, 5, 27), Decimal("153.35"))


def test_keys_that_are_no_python_names_are_aliases() -> None:
    spec = schema_of(**{"Invoice No.": {"type": "string"}, "json": {"type": "string"}})
    found = record(spec, **{"Invoice No.": "1", "json": "2"})
    assert found.model_dump(by_alias=True) == {"Invoice No.": "1", "json": "2"}


def test_references_and_nested_objects_are_followed() -> None:
    spec = json.dumps(
        {
            "properties": {"seller": {"$ref": "#/$defs/Party", "description": "who sells"}},
            "$defs": {"Party": {"properties": {"name": {"type": ["string", "null"]}}}},
        }
    )
    schema = load_schema(spec)
    assert schema.tree == {"seller": {"name": None}}
    assert schema.fields.fields["seller"].description == "who sells"


def test_a_default_never_fills_what_is_absent() -> None:
    spec = '{"properties": {"currency": {"type": "string", "default": "EUR"}}}'
    assert load_schema(spec).model.model_validate({}).model_dump() == {"currency": None}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"type": "string", "contentEncoding": "base64"}, "contentEncoding"),
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
        ({"type": "string", "if": {}}, "'if'"),
        ({"type": "string", "not": {}}, "'not'"),
        ({"type": "string", "requird": True}, "requird"),
        ({"type": "strin"}, "no type 'strin'"),
        ({"type": "string", "minimum": 3}, "minimum has no meaning"),
        ({"type": "string", "format": "hostname"}, "hostname"),
        ({"type": "string", "format": "date", "pattern": "^2"}, "pattern beside"),
        ({"type": "string", "pattern": "("}, "pattern"),
        ({"type": "string", "minLength": "3"}, "minLength is a whole number"),
        ({"type": "string", "minLength": True}, "minLength is a whole number"),
        ({"type": "string", "minLength": -1}, "minLength cannot be negative"),
        ({"type": "string", "format": ["date"]}, "format is a text"),
        ({"type": [["string"]]}, "type is a name"),
        ({"type": ["string", "number"]}, "several types"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "anyOf"),
        ({"allOf": [{"type": "string"}, {"minLength": 2}]}, "allOf"),
        ({"$ref": "#/$defs/Missing"}, "points nowhere"),
        ({"$ref": "#/properties/value"}, "contains itself"),
        ({"$ref": "other.json"}, "does not point into this schema"),
        ({"enum": []}, "no choices"),
        ({"enum": [[1]]}, "choice"),
        ({}, "no type"),
        (True, "a schema is an object"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_place(field: Any, words: str) -> None:
    with pytest.raises(SchemaError, match=r"value: .*") as caught:
        load_schema(schema_of(value=field))
    assert words in caught.value.message


def test_a_field_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match="has no name"):
        load_schema('{"properties": {"": {"type": "string"}}}')


def test_a_misspelt_keyword_gets_a_hint() -> None:
    with pytest.raises(SchemaError) as caught:
        load_schema('{"propertys": {}}')
    assert caught.value.hint == "did you mean properties?"


def test_required_must_be_properties() -> None:
    with pytest.raises(SchemaError, match="'b', which is not among"):
        load_schema('{"properties": {"a": {"type": "string"}}, "required": ["b"]}')


KEYWORDS = (
    "type properties items enum const anyOf allOf $ref required format pattern minItems minimum "
    "multipleOf additionalProperties $defs title description"
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "array", "object", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS.split()), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(ANY_JSON)
def test_any_json_is_a_schema_or_a_schema_error(value: object) -> None:
    with contextlib.suppress(SchemaError):
        assert load_schema(json.dumps({"properties": {"a": value}})).twin["required"] == ["a"]

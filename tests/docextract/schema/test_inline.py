import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.errors import SchemaError
from docextract.schema.inline import parse_inline

TEXT = {"type": "string"}


def test_names_types_requirements_and_descriptions() -> None:
    assert parse_inline("name, age int\npaid bool, total! money: what is due, ") == {
        "type": "object",
        "properties": {
            "name": TEXT,
            "age": {"type": "integer"},
            "paid": {"type": "boolean"},
            "total": {"type": "string", "format": "money", "description": "what is due"},
        },
        "required": ["total"],
    }


def test_lists_and_objects() -> None:
    properties = parse_inline("tags[], sizes[] int, rows[text, price money], seller{name}: who")[
        "properties"
    ]
    assert properties["tags"] == {"type": "array", "items": TEXT}
    assert properties["sizes"] == {"type": "array", "items": {"type": "integer"}}
    assert list(properties["rows"]["items"]["properties"]) == ["text", "price"]
    assert list(properties["seller"]["properties"]) == ["name"]
    assert properties["seller"]["description"] == "who"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a inte", "column 3: there is no type inte"),
        ("a, a", "stands twice"),
        ("a[b", "] is missing|expected here|missing"),
        ("a b c", "there is no type b"),
        ("a int c", "'c' is not expected here"),
        ("a]", "column 2: ']' is not expected here"),
        (" , ", "there are no fields"),
        ("a{}", "there are no fields"),
        ("!a", "a field name is missing"),
    ],
)
def test_a_slip_is_shown_with_its_column(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        parse_inline(text)


@given(st.text(alphabet="ab ,:![]{}\nint", max_size=30))
def test_any_text_is_fields_or_a_schema_error(text: str) -> None:
    try:
        schema = parse_inline(text)
    except SchemaError as error:
        assert "column" in error.message
    else:
        assert schema["properties"]

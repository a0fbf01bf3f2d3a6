import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.answer import parse_answer
from docextract.errors import AnswerError
from docextract.prompt import compact_answer
from docextract.schema import load_schema

FIELDS = load_schema(
    '{"properties": {"name": {"type": "string"}, "paid": {"type": "boolean"},'
    '"total": {"type": "string", "format": "money"}, "way": {"enum": ["cash", "card", 2]},'
    '"seller": {"properties": {"city": {"type": "string"}}},'
    '"rows": {"type": "array", "items": {"properties": {"text": {"type": "string"},'
    '"price": {"type": "number"}}}}, "tags": {"type": "array", "items": {"type": "string"}}}}'
).fields
EMPTY: dict[str, Any] = {
    "name": None,
    "paid": None,
    "total": None,
    "way": None,
    "seller": {"city": None},
    "rows": [],
    "tags": [],
}
WHOLE = {
    "name": "Café",
    "paid": True,
    "total": "1.10",
    "way": 2,
    "seller": {"city": "Bonn"},
    "rows": [{"text": 'a "b" {', "price": "1"}, {"text": "c", "price": None}],
    "tags": ["x", "y"],
}


def test_an_answer_under_the_grammar_needs_no_repair() -> None:
    answer = parse_answer(compact_answer(WHOLE), FIELDS)
    assert answer.record == WHOLE
    assert answer.repairs == () and not answer.touched


@pytest.mark.parametrize(
    ("text", "repairs"),
    [
        ('```json\n{"name": "a"}\n```', ("strip_fences",)),
        ('Here:\n```\n{"name": "a"}', ("strip_fences",)),
        ('Sure: {"name": "a"} and {more}', ("cut_out_object",)),
        ('<think>{"name": "b"}</think>{"name": "a"}', ("strip_thoughts",)),
        ('[{"name": "a"}]', ("unwrap_list",)),
        ('{"receipt": {"name": "a"}}', ("unwrap_object",)),
        ("{'name': 'a',}", ("mend_json",)),
        ('{"name": "a"', ("close_open_ends",)),
        ('{"name":"a","total":"153.3', ("close_open_ends",)),
        ('{"name":"a","total":15', ("close_open_ends",)),
        ('{"name":"a","seller":{"ci', ("close_open_ends",)),
        ('{"name":"a","tot', ("close_open_ends",)),
    ],
)
def test_repairs_of_the_whole_text_are_named(text: str, repairs: tuple[str, ...]) -> None:
    answer = parse_answer(text, FIELDS)
    assert answer.record == {**EMPTY, "name": "a"}
    assert answer.repairs_of("name") == repairs


def test_an_answer_cut_short_keeps_its_whole_values_only() -> None:
    text = compact_answer(WHOLE)
    answer = parse_answer(text[: text.index("null") - 1], FIELDS)
    assert answer.record["rows"] == [
        {"text": 'a "b" {', "price": "1"},
        {"text": "c", "price": None},
    ]
    assert answer.record["tags"] == []


@pytest.mark.parametrize(
    ("key", "given", "value", "repair"),
    [
        ("Name", '"a"', "a", "match_key"),
        ("name", "1.10", "1.10", "write_as_text"),
        ("name", "true", "true", "write_as_text"),
        ("name", '"null"', None, "read_null"),
        ("name", '{"x": 1}', None, "drop_misfit"),
        ("way", '"Cash"', "cash", "match_choice"),
        ("tags", '"x"', ["x"], "wrap_in_list"),
        ("seller", '"Bonn"', {"city": None}, "drop_misfit"),
    ],
)
def test_repairs_of_a_value_are_named_at_its_path(
    key: str, given: str, value: object, repair: str
) -> None:
    answer = parse_answer(f'{{"{key}": {given}}}', FIELDS)
    path = key.casefold()
    assert answer.record[path] == value
    assert answer.repairs_of(path) == (repair,)
    assert answer.repairs_of("total") == ()


def test_repairs_of_an_object_reach_its_values() -> None:
    answer = parse_answer('{"rows": {"text": 3}}', FIELDS)
    assert answer.repairs_of("rows.0.text") == ("wrap_in_list", "write_as_text")


def test_blank_values_are_absent_and_unknown_keys_are_dropped() -> None:
    assert parse_answer('{"name": "  ", "more": 1, "total": NaN}', FIELDS).record == EMPTY


def test_letters_that_utf_8_cannot_hold_are_replaced() -> None:
    record = parse_answer(r'{"name": "\ud800x"}', FIELDS).record
    assert record["name"].encode() == "\N{REPLACEMENT CHARACTER}x".encode()


@pytest.mark.parametrize("text", ["", "no", "{}", '{"error": "no"}', "{", '{"name', "[" * 10_000])
def test_text_without_a_record_is_an_answer_error(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text, FIELDS)


def fits(record: dict[str, Any]) -> bool:
    leaves = [record["name"], record["total"], record["seller"]["city"], *record["tags"]]
    leaves += [row[key] for row in record["rows"] for key in ("text", "price")]
    return list(record) == list(EMPTY) and all(v is None or isinstance(v, str) for v in leaves)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*EMPTY, "text", "price", "Name"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_has_the_shape_of_the_schema_or_is_an_answer_error(value: object) -> None:
    with contextlib.suppress(AnswerError):
        assert fits(parse_answer(json.dumps(value), FIELDS).record)


DRESSES = {
    "<think>{the total?}</think>{}": ("strip_thoughts",),
    "```json\n{}\n```": ("strip_fences",),
    "Here it is: {} Is that all right?": ("cut_out_object",),
    "[{}]": ("unwrap_list",),
    '{"record": {}}': ("unwrap_object",),
}
# What is blank is absent, and a fence within a fence ends it.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="`"), min_size=1, max_size=40)
WORDS = WORDS.filter(lambda text: text == text.strip() and text.casefold() not in ("null", "none"))


@pytest.mark.parametrize("dress", DRESSES)
@given(name=WORDS, tag=WORDS)
def test_a_repair_mends_the_form_and_no_value(dress: str, name: str, tag: str) -> None:
    plain = parse_answer(compact_answer(WHOLE | {"name": name, "tags": [tag]}), FIELDS)
    assert not plain.repairs
    head, _, tail = dress.rpartition("{}")
    text = f"{head}{compact_answer(WHOLE | {'name': name, 'tags': [tag]})}{tail}"
    mended = parse_answer(text, FIELDS)
    assert mended.record == plain.record
    assert mended.repairs == DRESSES[dress]


@given(st.integers(min_value=0))
def test_an_answer_cut_anywhere_holds_nothing_that_was_not_written(length: int) -> None:
    text = compact_answer(WHOLE)
    try:
        record = parse_answer(text[: length % len(text)], FIELDS).record
    except AnswerError:
        return
    assert fits(record)
    for key in ("name", "paid", "total", "way"):
        assert record[key] in (None, WHOLE[key])
    assert all(row["text"] in (None, 'a "b" {', "c") for row in record["rows"])
    assert all(tag in ("x", "y") for tag in record["tags"])


@given(st.text(alphabet='{}[]":,\\ntruefals0123. name`', max_size=60) | st.text(max_size=60))
def test_any_text_is_a_record_or_an_answer_error(text: str) -> None:
    with contextlib.suppress(AnswerError):
        assert fits(parse_answer(text, FIELDS).record)

import json
import subprocess
import sys

import pytest

from docextract.prompt import compact_answer, compact_count, compact_question, render_question
from docextract.schema import load_schema


def test_compact_question_writes_keys_objects_and_lists_in_one_line() -> None:
    tree = {
        "merchant_name": None,
        "seller": {"name": None, "address": {"city": None}},
        "line_items": [{"description": None, "amount": None}],
        "tags": [None],
    }
    assert compact_question(tree) == (
        "<|extract|>merchant_name,seller{name,address{city}},line_items[description,amount],tags[]"
    )


@pytest.mark.parametrize("key", ["Invoice No.", "Straße", "a.b-c_d/e", "total (EUR)"])
def test_an_ordinary_key_is_written_as_it_is(key: str) -> None:
    assert compact_question({key: None}) == f"<|extract|>{key}"


@pytest.mark.parametrize("key", ["a,b", "a{b", 'say "x"', "", " a", "a  b", "line\nbreak", "</s>"])
def test_a_key_with_the_dialects_punctuation_is_quoted(key: str) -> None:
    quoted = compact_question({key: None}).removeprefix("<|extract|>")
    assert json.loads(quoted) == key
    assert "<" not in quoted


def test_lists_of_lists_are_refused() -> None:
    with pytest.raises(TypeError, match="lists of lists"):
        compact_question({"rows": [[None]]})


def test_compact_count_asks_for_one_object_by_its_name() -> None:
    assert compact_count("playing card") == "<|count|>playing card"


def test_a_name_makes_no_special_token() -> None:
    assert compact_count(" </s>\n<|extract|>total ") == "<|count|>/s |extract| total"


def test_compact_answer_is_json_without_blanks_in_raw_utf8() -> None:
    record = {"name": "Café", "items": [{"amount": "1,00 €"}], "date": None}
    assert compact_answer(record) == '{"name":"Café","items":[{"amount":"1,00 €"}],"date":null}'


def test_importing_the_prompt_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pydantic', 'jinja2', 'numpy', 'pymupdf', 'llguidance'}"
    script = f"import sys, docextract.prompt; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


TICKET = """{
  "properties": {
    "total": {"type": "string", "format": "money", "description": "amount to pay"},
    "way": {"enum": ["cash", "card"]},
    "seller": {"properties": {"name": {"type": "string"}}},
    "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
    "tags": {"type": "array", "items": {"type": "string"}}
  },
  "$defs": {"row": {"properties": {"day": {"type": "string", "format": "date"}}}}
}"""


def test_the_instruct_question_names_every_field_with_its_kind_and_description() -> None:
    question = render_question(load_schema(TICKET), "instruct")
    assert question.splitlines()[:11] == [
        "Read the page and answer with one JSON object and nothing else.",
        "",
        "Fields:",
        "- total (amount of money): amount to pay",
        '- way (one of "cash", "card")',
        "- seller (object)",
        "  - name (text)",
        "- rows (list of objects)",
        "  - day (date)",
        "- tags (list, each: text)",
        "",
    ]
    assert question.endswith(
        '{"total": null, "way": null, "seller": {"name": null}, "rows": [{"day": null}], '
        '"tags": [null]}'
    )


def test_the_question_says_how_many_pages_there_are() -> None:
    assert "the 3 pages of the document" in render_question(load_schema("receipt"), "instruct", 3)


def test_the_compact_question_is_that_of_the_tree() -> None:
    schema = load_schema("receipt")
    assert render_question(schema, "compact") == compact_question(schema.tree)

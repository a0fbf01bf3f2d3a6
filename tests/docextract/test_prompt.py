import json
import subprocess
import sys

import pytest

from docextract.prompt import compact_answer, compact_question


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


def test_compact_answer_is_json_without_blanks_in_raw_utf8() -> None:
    record = {"name": "Café", "items": [{"amount": "1,00 €"}], "date": None}
    assert compact_answer(record) == '{"name":"Café","items":[{"amount":"1,00 €"}],"date":null}'


def test_importing_the_prompt_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pydantic', 'jinja2', 'numpy', 'pymupdf', 'llguidance'}"
    script = f"import sys, docextract.prompt; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLTokenizer

from docextract.prompt import compact_answer, compact_question
from docextract.readers.zamba2 import GrammarConstraint
from docextract.schema import load_schema
from training.questions import (
    ABSENT,
    SCHEMAS,
    SYNONYMS,
    Exercise,
    ask,
    exercise,
    read_aloud,
    shape,
)
from training.vocabulary import build

RECEIPT = load_schema("receipt")
TOKENIZER = build()
RECORD: dict[str, Any] = {
    "merchant_name": 'Café "Zur Post" \\ Söhne',
    "merchant_address": "1, Lane 2\nTown",
    "date": "25/12/2018",
    "time": None,
    "currency": "RM",
    "subtotal": None,
    "tax": "0.54",
    "total": "9.54",
    "payment_method": None,
    "line_items": [
        {"description": "Tea", "quantity": "2", "unit_price": None, "amount": "4.00"},
        {"description": None, "quantity": None, "unit_price": "5.00", "amount": "5.00"},
    ],
}

values = st.none() | st.text(st.characters(codec="utf-8"), max_size=8)
rows = st.fixed_dictionaries({"a": values, "b": values})
records = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    values
    | st.lists(st.text(max_size=5), max_size=3)
    | st.lists(rows, max_size=3)
    | st.recursive(rows, lambda inner: st.fixed_dictionaries({"c": inner, "d": values})),
    max_size=6,
)


def written(task: Exercise) -> str:
    return "".join(piece.text for piece in task.answer)


def parsed(task: Exercise) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(written(task).removesuffix("</s>"))
    return found


@given(records)
def test_the_pieces_are_the_answer(record: dict[str, Any]) -> None:
    task = exercise(record)
    assert written(task) == compact_answer(record) + "</s>"
    assert task.question == compact_question(shape(record))


def test_leaves_are_counted_in_their_order() -> None:
    task = exercise({"a": "1", "b": None, "c": "3"})
    assert [(piece.text, piece.field) for piece in task.answer if piece.chosen] == [
        ('"1"', 1),
        ("n", 2),
        ('"3"', 3),
    ]
    assert all(piece.field == 0 for piece in task.answer if not piece.chosen)


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        RECORD | {"line_items": []},
        RECORD | {"line_items": RECORD["line_items"][:1]},
        dict.fromkeys(RECORD) | {"line_items": []},
    ],
)
def test_pieces_are_forced_where_the_grammar_forces_them(record: dict[str, Any]) -> None:
    words = LLTokenizer(TOKENIZER.to_str(), eos_token=[TOKENIZER.token_to_id("</s>")])
    grammar = GrammarConstraint(words, RECEIPT.grammar)
    task = exercise(record, RECEIPT.tree)
    for piece in task.answer:
        for index, token in enumerate(TOKENIZER.encode(piece.text).ids):
            allowed = np.flatnonzero(grammar.allowed())
            assert token in allowed
            if not piece.chosen:
                assert allowed.tolist() == [token] or grammar.forced()[:1] == [token], piece
            elif index == 0:
                assert len(allowed) > 1 and not grammar.forced(), piece
            grammar.accept(token)
    assert grammar.finished()


def plain(name: str) -> str:
    """A name of any style in snake_case."""
    return re.sub("(?<=[a-z])([A-Z])", r"_\1", name).replace(" ", "_").lower()


def test_a_question_names_what_is_answered() -> None:
    keys = [*RECORD, *ABSENT]
    known = {name for key in keys for name in (key, *SYNONYMS.get(key, ()))}
    seen = set()
    for seed in range(400):
        task = ask(RECORD, np.random.default_rng(seed))
        answer = parsed(task)
        assert {plain(name) for name in answer} <= known
        assert all(name in task.question for name in answer)
        assert all(answer[key] is None for key in answer if plain(key) in ABSENT)
        seen |= set(answer)
    assert {"merchant_name", "merchantName", "merchant name", "vendor", "line_items"} <= seen
    assert {"iban", "passport_number"} <= seen


def test_the_bundled_schemas_are_asked_in_their_order() -> None:
    for name, keys in zip(("receipt", "invoice"), SCHEMAS, strict=True):
        assert tuple(load_schema(name).tree) == keys
        more = {"change": "1.00"} | dict.fromkeys(reversed(keys)) | {"line_items": []}
        tasks = [ask(more, np.random.default_rng(seed), whole=1.0) for seed in range(20)]
        assert any(tuple(parsed(task)) == keys for task in tasks)
        assert all(len(parsed(task)) == len(keys) for task in tasks)


def test_a_receipt_that_is_asked_as_an_invoice_answers_what_it_can() -> None:
    told = RECORD | {"receipt_number": "A1", "merchant_tax_id": None}
    answers = [
        answer
        for seed in range(300)
        if "issue_date" in (answer := parsed(ask(told, np.random.default_rng(seed))))
        and "buyer_name" in answer
    ]
    assert answers
    for answer in answers:
        assert answer.get("invoice_number", "A1") == "A1"
        assert answer["issue_date"] == "25/12/2018"
        assert answer["buyer_name"] is None and answer.get("iban") is None


def test_nothing_is_called_absent_that_the_record_calls_otherwise() -> None:
    told = {"Passport No": "7", "payments": [{"dueOn": "8"}], "trip": {"flight": "9"}}
    near = {"passport_number", "due_date", "flight_number"}
    for seed in range(300):
        answer = parsed(ask(told, np.random.default_rng(seed), whole=0.0))
        assert not near & {plain(name) for name in answer}


def test_columns_keep_their_values_under_other_names() -> None:
    for seed in range(100):
        answer = parsed(ask({"line_items": RECORD["line_items"]}, np.random.default_rng(seed)))
        [rows] = [value for value in answer.values() if isinstance(value, list)]
        assert len(rows) == 2
        for row, recorded in zip(rows, RECORD["line_items"], strict=True):
            known = {
                name: value
                for key, value in recorded.items()
                for name in (key, *SYNONYMS.get(key, ()))
            }
            assert {plain(name): value for name, value in row.items()}.items() <= known.items()


def test_an_empty_list_is_asked_for_by_its_columns() -> None:
    tasks = [ask({"line_items": []}, np.random.default_rng(seed), whole=1.0) for seed in range(40)]
    assert any("[description,quantity,unit_price,amount]" in task.question for task in tasks)
    assert all("[" in task.question and [] in parsed(task).values() for task in tasks)


def test_a_page_is_read_aloud_as_far_as_there_is_room() -> None:
    whole, cut = read_aloud(["ab", "cd"], 6), read_aloud(["ab", "cd"], 5)
    assert (written(whole), written(cut)) == ("ab\ncd</s>", "ab\ncd")
    assert written(read_aloud(["ab", "cd"], 4)) == "ab\nc"
    assert all(piece.chosen for piece in whole.answer)

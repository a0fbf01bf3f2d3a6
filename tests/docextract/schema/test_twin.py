import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from docextract.prompt import compact_answer
from docextract.schema import Schema, load_schema
from docextract.schema.twin import LEAF_LENGTH, LIST_LENGTH, twin_of


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> LLTokenizer:
    """Bytes as letters and nothing merged, as the bundled model has it."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words.decoder = decoders.ByteLevel()
    words.add_special_tokens([AddedToken("</s>", special=True), AddedToken("<loc_0>")])
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    words.save(str(path))
    return LLTokenizer(Path(path).read_text(), eos_token=256)


def matcher(schema: Schema[Any], tokenizer: LLTokenizer) -> LLMatcher:
    built = LLMatcher(tokenizer, schema.grammar)
    assert not built.get_error()
    return built


def accepts(schema: Schema[Any], tokenizer: LLTokenizer, text: str) -> bool:
    built = matcher(schema, tokenizer)
    tokens = tokenizer.tokenize_str(text)
    return built.try_consume_tokens(tokens) == len(tokens) and built.is_accepting()


TICKET = "name, paid bool, seller{city}, rows[text, price money], tags[]"
ANSWER = {
    "name": "Café",
    "paid": True,
    "seller": {"city": None},
    "rows": [{"text": 'a "b"', "price": "1,00 €"}],
    "tags": ["x"],
}


def test_the_grammar_takes_the_compact_answer_of_the_prompt(tokenizer: LLTokenizer) -> None:
    assert accepts(load_schema(TICKET), tokenizer, compact_answer(ANSWER))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ANSWER),
        compact_answer({**ANSWER, "more": "x"}),
        compact_answer(dict(reversed(ANSWER.items()))),
        compact_answer({**ANSWER, "name": 3}),
        compact_answer({**ANSWER, "paid": "yes"}),
        compact_answer({**ANSWER, "rows": None}),
        compact_answer({**ANSWER, "name": "x" * (LEAF_LENGTH + 1)}),
        compact_answer({**ANSWER, "tags": ["x"] * (LIST_LENGTH + 1)}),
    ],
    ids=["blanks", "extra", "order", "number", "word", "no list", "long", "many"],
)
def test_the_grammar_takes_nothing_else(tokenizer: LLTokenizer, text: str) -> None:
    assert not accepts(load_schema(TICKET), tokenizer, text)


def test_what_the_schema_declares_longer_may_be_longer(tokenizer: LLTokenizer) -> None:
    schema = load_schema('{"properties": {"note": {"type": "string", "maxLength": 300}}}')
    assert accepts(schema, tokenizer, compact_answer({"note": "x" * 300}))


def test_choices_are_their_literals_or_null(tokenizer: LLTokenizer) -> None:
    schema = load_schema('{"properties": {"way": {"enum": ["cash", "card"]}}}')
    assert accepts(schema, tokenizer, '{"way":"cash"}')
    assert accepts(schema, tokenizer, '{"way":null}')
    assert not accepts(schema, tokenizer, '{"way":"cheque"}')


def test_keys_are_forced_without_asking_the_model(tokenizer: LLTokenizer) -> None:
    forced = matcher(load_schema(TICKET), tokenizer).compute_ff_tokens()
    assert tokenizer.decode_str(forced) == '{"name":'


@pytest.mark.parametrize("spec", ["receipt", "invoice", TICKET])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_mask_allows_ends_as_an_answer(
    tokenizer: LLTokenizer, spec: str, seed: int
) -> None:
    schema = load_schema(spec)
    walk, chance = matcher(schema, tokenizer), random.Random(seed)
    mask = allocate_token_bitmask(1, tokenizer.vocab_size)
    tokens: list[int] = []
    while not walk.is_stopped():
        fill_next_token_bitmask(walk, mask)
        allowed = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little"))
        token = int(chance.choice(allowed))
        assert walk.consume_token(token)
        tokens.append(token)
    answer = json.loads(tokenizer.decode_str([t for t in tokens if t != 256]))
    assert list(answer) == list(schema.tree)


def test_the_twin_can_be_had_back_from_its_grammar() -> None:
    schema = load_schema("invoice")
    assert twin_of(schema.grammar) == schema.twin
    assert twin_of("start: /[0-9]+/") is None
    assert twin_of('{"grammars": []}') is None

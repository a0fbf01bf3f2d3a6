import json
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.vocabulary import CHAT_TEMPLATE, LETTERS, LOCATIONS, SPECIAL, VOCABULARY_SIZE, build
from zamba2_vl.chat import Chat, render

WEIGHTS = Path(__file__).parents[2] / "model" / "weights"
TOKENIZER = build()

# Published weights were taught with these.
FIXED = {
    "<unk>": 0,
    "<s>": 1,
    "</s>": 2,
    "[PAD]": 3,
    "<|vision_start|>": 4,
    "<|vision_end|>": 5,
    "<|image_pad|>": 6,
    "<|extract|>": 7,
    "<|read|>": 8,
    "<|count|>": 9,
    "<|reserved_0|>": 10,
    "<loc_0>": 16,
    "<loc_999>": 1015,
    "A": 1081,
    "À": 1272,
    "€": 1452,
    "№": 1483,
}


@pytest.mark.parametrize(("text", "index"), FIXED.items())
def test_ids_are_fixed(text: str, index: int) -> None:
    assert TOKENIZER.encode(text).ids == [index]


def test_the_bundled_tokenizer_is_this_one() -> None:
    shipped = json.loads((WEIGHTS / "tokenizer.json").read_text("utf-8"))
    assert shipped == json.loads(TOKENIZER.to_str())
    assert TOKENIZER.get_vocab_size() <= VOCABULARY_SIZE


def test_a_printed_letter_is_one_token() -> None:
    printable = [chr(code) for code in range(0x20, 0x7F)] + [*LETTERS, "\n"]
    assert [letter for letter in printable if len(TOKENIZER.encode(letter).ids) != 1] == []
    text = "".join(printable)
    assert len(TOKENIZER.encode(text).ids) == len(text)


def test_special_tokens_are_whole_in_running_text() -> None:
    for token in (*SPECIAL, *LOCATIONS):
        assert len(TOKENIZER.encode(f"a{token}b").ids) == 3


@given(st.text(st.characters(codec="utf-8")))
def test_every_text_comes_back(text: str) -> None:
    ids = TOKENIZER.encode(text).ids
    assert TOKENIZER.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("pictures", [[], [6], [4, 1568]])
@pytest.mark.parametrize("question", ["<|extract|>date,total", " two\nlines\n", "{{ 1 }} <b>&"])
def test_the_template_writes_what_was_taught(question: str, pictures: list[int]) -> None:
    assert Chat(CHAT_TEMPLATE).render(question, pictures) == render(question, pictures)
    assert Chat.from_folder(WEIGHTS).render(question, pictures) == render(question, pictures)


def test_the_template_writes_conversations() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    written = jinja2.Template(CHAT_TEMPLATE).render(messages=messages)
    assert written == "<s>user\na</s>\n<s>assistant\nb</s>\n"

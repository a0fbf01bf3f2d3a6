from collections.abc import Callable
from typing import Any

import pytest

from zamba2_vl.engine.request import Answer, Constraint, Request, Token
from zamba2_vl.errors import InputError
from zamba2_vl.tokenizer import Tokenizer

Script = Callable[[str, set[int]], Constraint]


def write(answer: Answer, tokenizer: Tokenizer, text: str) -> None:
    for token in tokenizer.encode(text):
        if not answer.finished:
            answer.accept(token, -0.5)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"prompt": []}, "prompt"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"stop": "word"}, "stop"),
        ({"stop": [""]}, "stop"),
    ],
)
def test_figures_that_make_no_sense(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Request(**{"prompt": [1], **settings})


def test_the_text_ends_before_the_first_stop_string(tokenizer: Tokenizer) -> None:
    heard: list[Token] = []
    request = Request(prompt=[1], stop=["END", "dot"], on_token=heard.append)
    answer = Answer(request, tokenizer)
    write(answer, tokenizer, "one EN two ENDless")
    result = answer.result()
    assert (result.text, result.finish_reason) == ("one EN two ", "stop")
    assert "".join(token.text for token in heard) == result.text
    # What could have begun a stop string came late.
    assert [token.text for token in heard][4:7] == ["", "", "EN "]


def test_held_back_letters_come_out_at_the_end(tokenizer: Tokenizer) -> None:
    heard: list[Token] = []
    request = Request(prompt=[1], stop=["END"], on_token=heard.append, max_new_tokens=5)
    answer = Answer(request, tokenizer)
    write(answer, tokenizer, "the EN")
    assert (answer.result().text, answer.finish_reason) == ("the E", "length")
    assert "".join(token.text for token in heard) == "the E"


def test_letters_that_were_never_finished_show(tokenizer: Tokenizer) -> None:
    answer = Answer(Request(prompt=[1], stop=["x"]), tokenizer)
    answer.accept(tokenizer.encode("€")[0], 0.0)
    answer.cancel()
    assert answer.result().text == "\ufffd"


def test_the_grammar_writes_without_the_model(tokenizer: Tokenizer, script: Script) -> None:
    heard: list[Token] = []
    grammar = script('{"a":"x"}', {6})
    answer = Answer(Request(prompt=[1], constraint=grammar, on_token=heard.append), tokenizer)
    answer.begin()
    assert tokenizer.decode(answer.unread) == '{"a":"'
    answer.unread.clear()
    answer.accept(tokenizer.encode("x")[0], -0.5)
    result = answer.result()
    assert result.text == '{"a":"x"}'
    assert result.forced == [True] * 6 + [False] + [True] * 2
    assert result.logprobs == [0.0] * 6 + [-0.5] + [0.0] * 2
    assert result.finish_reason == "stop"
    assert "".join(token.text for token in heard) == result.text


def test_the_length_counts_forced_tokens(tokenizer: Tokenizer, script: Script) -> None:
    grammar = script("forced", set())
    answer = Answer(Request(prompt=[1], constraint=grammar, max_new_tokens=4), tokenizer)
    answer.begin()
    assert (answer.result().text, answer.finish_reason) == ("forc", "length")


def test_an_end_token_may_be_forced(tokenizer: Tokenizer, script: Script) -> None:
    end = tokenizer.id_of("</s>")
    grammar = script("ok</s>", set())
    request = Request(prompt=[1], constraint=grammar, end_tokens=frozenset({end}))
    answer = Answer(request, tokenizer)
    answer.begin()
    assert (answer.result().text, answer.finish_reason) == ("ok", "stop")
    assert answer.result().token_ids[-1] == end


def test_a_grammar_that_breaks_ends_the_answer(tokenizer: Tokenizer, script: Script) -> None:
    grammar = script("ab", {0, 1})
    answer = Answer(Request(prompt=[1], constraint=grammar), tokenizer)
    answer.accept(tokenizer.encode("z")[0], 0.0)
    assert answer.finish_reason == "cancelled"
    with pytest.raises(AssertionError):
        answer.result()


def test_an_unfinished_answer_is_no_result(tokenizer: Tokenizer) -> None:
    with pytest.raises(RuntimeError, match="not finished"):
        Answer(Request(prompt=[1]), tokenizer).result()

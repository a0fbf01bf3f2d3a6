import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.unfolding import Unfolding

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
RECORDS = st.dictionaries(
    st.text("abc", min_size=1),
    LEAVES | st.lists(LEAVES, max_size=3) | st.lists(st.dictionaries(st.text("xy"), LEAVES)),
)


def fed(*pieces: str) -> list[tuple[str, object]]:
    unfolding = Unfolding()
    return [value for piece in pieces for value in unfolding.feed(piece)]


def test_a_value_comes_when_it_is_whole() -> None:
    unfolding = Unfolding()
    assert list(unfolding.feed('{"a":"1')) == []
    assert list(unfolding.feed("2, and {more}")) == []
    assert list(unfolding.feed('","b":')) == [("a", "12, and {more}")]
    assert list(unfolding.feed('null,"rows":[{"x":"1"},{"x"')) == [("b", None), ("rows.0.x", "1")]
    assert list(unfolding.feed(':"2"}]}')) == [("rows.1.x", "2")]


def test_bare_words_may_lack_letters() -> None:
    assert fed('{"a":1', '5,"b":12', "3}") == [("a", 15), ("b", 123)]
    assert fed('{"a":true,"b":fal', "se}") == [("a", True), ("b", False)]


def test_words_before_the_answer_are_passed_over() -> None:
    assert fed("Here it is:\n```json\n", '{"a": "1",', ' "b": 2}\n```') == [("a", "1"), ("b", 2)]


@pytest.mark.parametrize("text", ["", "no, none", "{nonsense, at all}", "}{,"])
def test_what_is_no_json_has_no_values(text: str) -> None:
    assert fed(text) == []


@given(RECORDS)
def test_all_values_come_once_and_in_order(record: dict[str, object]) -> None:
    text = json.dumps(record)
    one_by_one = fed(*text)
    assert one_by_one == fed(text)
    assert len({path for path, _ in one_by_one}) == len(one_by_one)

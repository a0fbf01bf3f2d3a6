from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.evaluation.alignment import align, edit_similarity


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        ("abc", "abc", [(0, 0), (1, 1), (2, 2)]),
        ("abc", "ac", [(0, 0), (1, None), (2, 1)]),
        ("ac", "abc", [(0, 0), (None, 1), (1, 2)]),
        ("axc", "ayc", [(0, 0), (1, 1), (2, 2)]),
        ("ab", "", [(0, None), (1, None)]),
        ("", "a", [(None, 0)]),
        ("", "", []),
    ],
)
def test_what_is_alike_is_paired_in_order(
    left: str, right: str, pairs: list[tuple[int | None, int | None]]
) -> None:
    assert align(len(left), len(right), lambda i, j: left[i] == right[j]) == pairs


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_every_member_stands_in_one_pair(left: str, right: str) -> None:
    pairs = align(len(left), len(right), lambda i, j: left[i] == right[j])
    assert [i for i, _ in pairs if i is not None] == list(range(len(left)))
    assert [j for _, j in pairs if j is not None] == list(range(len(right)))


def test_similarity_counts_what_must_be_changed() -> None:
    assert edit_similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert edit_similarity("", "") == 1
    assert edit_similarity("abc", "") == 0
    assert edit_similarity("12.00", "12,00") == pytest.approx(0.8)
    for one, other in permutations(("abcd", "acbd", "bd"), 2):
        assert edit_similarity(one, other) == edit_similarity(other, one)

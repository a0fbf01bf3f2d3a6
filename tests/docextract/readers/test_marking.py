import math

import pytest
import torch

from docextract.pointing import LOCATIONS
from docextract.readers.marking import END, Marking

FIRST, STOP, SIZE = 20, 7, LOCATIONS + 40
MARKING = Marking(FIRST, [STOP])


def logits(stop: float, places: dict[int, float]) -> torch.Tensor:
    """Of these chances; nothing else is open to choice."""
    chances = torch.zeros(SIZE)
    chances[FIRST : FIRST + LOCATIONS] = 1e-9
    chances[STOP] = stop
    for place, chance in places.items():
        chances[FIRST + place] = chance
    return chances.log()


def chosen(*said: object) -> int:
    return int(MARKING(logits(*said)).argmax())  # type: ignore[arg-type]


def test_many_unsure_locations_outweigh_an_end_that_is_likelier_than_each() -> None:
    wide = {place: 0.9 / 40 for place in range(480, 520)}
    assert logits(0.1, wide).argmax() == STOP
    assert 490 <= chosen(0.1, wide) - FIRST < 510


def test_an_end_that_is_likely_enough_is_taken() -> None:
    wide = {place: (1 - END) / 40 for place in range(40)}
    assert chosen(END + 0.01, wide) == STOP
    assert chosen(END - 0.01, wide) != STOP


def test_the_place_with_the_most_around_it_is_taken_and_not_the_single_peak() -> None:
    places = {10: 0.15, **{place: 0.08 for place in range(700, 710)}}
    assert 703 <= chosen(0.05, places) - FIRST <= 706


def test_places_at_the_edges_can_be_chosen() -> None:
    assert chosen(0.0, {0: 1.0}) == FIRST
    assert chosen(0.0, {LOCATIONS - 1: 1.0}) == FIRST + LOCATIONS - 1


def test_of_two_ends_the_likelier_is_taken() -> None:
    twice = Marking(FIRST, [STOP, STOP + 1])
    said = logits(0.2, {3: 0.5})
    said[STOP + 1] = math.log(0.25)
    assert twice(said).argmax() == STOP + 1
    said[STOP] = said[STOP + 1] = math.log(0.05)
    assert twice(said).argmax() == FIRST + 3


def test_a_place_is_left_to_be_chosen_where_the_grammar_forbids_the_end() -> None:
    weighed = MARKING(logits(0.9, {500: 0.1}))
    weighed[STOP] = -math.inf
    assert weighed.argmax() == FIRST + 500


@pytest.mark.gpu
def test_a_cuda_graph_can_hold_it() -> None:
    said = logits(0.1, {place: 0.9 / 40 for place in range(480, 520)}).cuda()
    expected = MARKING(said).argmax()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        weighed = MARKING(said)
    graph.replay()
    assert weighed.argmax() == expected
    said[STOP] = 5.0
    graph.replay()
    assert weighed.argmax() == STOP

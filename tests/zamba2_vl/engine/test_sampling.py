import math
import random
from collections import Counter

import numpy as np
import pytest
import torch

from zamba2_vl.engine.request import Answer, Request
from zamba2_vl.engine.sampling import choose
from zamba2_vl.errors import InputError
from zamba2_vl.ops import sampling


class Mask:
    """A grammar of one mask."""

    def __init__(self, mask: list[bool]) -> None:
        self.mask = np.array(mask)

    def allowed(self) -> np.ndarray:
        return self.mask

    def forced(self) -> list[int]:
        return []

    def accept(self, token_id: int) -> None: ...

    def finished(self) -> bool:
        return False


def answer(**settings: object) -> Answer:
    return Answer(Request(prompt=[1], **settings), None)


LOGITS = torch.tensor([[1.0, 3.0, 2.0, -torch.inf]])


def test_zero_temperature_takes_the_likeliest() -> None:
    ids, logprobs = choose(LOGITS, [answer()])
    assert ids == [1]
    assert logprobs[0] == pytest.approx(LOGITS.log_softmax(-1)[0, 1])


def test_a_request_may_weigh_what_its_grammar_leaves() -> None:
    seen: list[torch.Tensor] = []

    def turned(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits.clone())
        return -logits

    before = LOGITS.clone()
    weighing = answer(constraint=Mask([True, True, False, False]), weigh=turned)
    ids, logprobs = choose(LOGITS.repeat(2, 1), [weighing, answer()])
    assert ids == [0, 1]
    assert logprobs[0] == pytest.approx(LOGITS.log_softmax(-1)[0, 0])  # the model's own
    assert torch.equal(seen[0], before[0])
    assert torch.equal(LOGITS, before)


def test_draws_follow_the_distribution() -> None:
    drawer = answer(temperature=2.0, seed=0)
    counts = Counter(choose(LOGITS, [drawer])[0][0] for _ in range(4000))
    expected = (LOGITS / 2).softmax(-1)[0]
    for token in range(4):
        assert counts[token] / 4000 == pytest.approx(float(expected[token]), abs=0.03)


def test_top_p_cuts_the_tail() -> None:
    # Probabilities 0.665, 0.245, 0.090: the second is needed to reach 0.7, the third is not.
    drawer = answer(temperature=1.0, top_p=0.7, seed=0)
    assert {choose(LOGITS, [drawer])[0][0] for _ in range(300)} == {1, 2}
    narrow = answer(temperature=1.0, top_p=1e-9, seed=0)
    assert {choose(LOGITS, [narrow])[0][0] for _ in range(50)} == {1}


def test_a_tiny_temperature_is_greedy() -> None:
    drawer = answer(temperature=1e-300, seed=0)
    assert {choose(LOGITS, [drawer])[0][0] for _ in range(50)} == {1}


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_the_range_are_safe(uniform: float, monkeypatch: pytest.MonkeyPatch) -> None:
    drawer = answer(temperature=1.0, seed=0)
    monkeypatch.setattr(drawer.random, "random", lambda: uniform)
    assert choose(LOGITS, [drawer])[0] == ([1] if uniform == 0 else [0])


def test_a_grammar_binds_greedy_and_drawn_tokens() -> None:
    greedy = answer(constraint=Mask([True, False, True, True]))
    drawer = answer(constraint=Mask([True, False, False, False]), temperature=5.0, seed=1)
    free = answer()
    ids, logprobs = choose(LOGITS.repeat(3, 1), [greedy, drawer, free])
    assert ids == [2, 0, 1]
    # The model's own opinion, not what the grammar made of it.
    assert logprobs == pytest.approx([LOGITS.log_softmax(-1)[0, i].item() for i in (2, 0, 1)])


def test_ids_beyond_the_mask_are_not_allowed() -> None:
    short = answer(constraint=Mask([True]))
    assert choose(LOGITS, [short])[0] == [0]


def test_a_grammar_without_a_way_out_ends_its_own_answer() -> None:
    stuck, free = answer(constraint=Mask([False] * 4)), answer()
    ids, _ = choose(LOGITS.repeat(2, 1), [stuck, free])
    stuck.accept(ids[0], 0.0)
    assert stuck.finish_reason == "cancelled"
    with pytest.raises(InputError, match="no token"):
        stuck.result()
    assert ids[1] == 1
    assert not free.finished


def test_half_precision_is_chosen_from_in_full() -> None:
    ids, logprobs = choose(LOGITS.to(torch.bfloat16), [answer()])
    assert ids == [1]
    assert math.exp(logprobs[0]) == pytest.approx(0.665, abs=1e-3)


def test_what_a_kernel_is_told_lies_as_it_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[torch.Tensor] = []
    plain = sampling.choose

    def choose_and_tell(*arguments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        told.extend(arguments[2:])
        return plain(*arguments)

    monkeypatch.setattr(sampling, "choose", choose_and_tell)
    choose(LOGITS.repeat(2, 1), [answer(), answer(temperature=0.5, top_p=0.25, seed=0)])
    temperature, top_p, uniform = told
    assert all(part.is_contiguous() for part in told)
    assert temperature.tolist() == [0, 0.5]
    assert top_p.tolist() == [0, 0.25]
    assert uniform.tolist() == pytest.approx([0, random.Random(0).random()])

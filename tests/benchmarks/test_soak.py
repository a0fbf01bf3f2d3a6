"""Many answers at once are the answers alone, in memory that does not grow."""

import pytest
import torch

from benchmarks.soak import Reader, alone, soak


def test_a_few_on_the_cpu() -> None:
    reader = Reader("cpu", torch.float32, budgets=(64,), longest=16)
    expected = alone(reader)
    assert len({tuple(answer.token_ids) for answer in expected}) > 4
    done = soak(reader, expected, requests=12, slots=3)
    assert done.equal == done.requests == 12
    assert done.equal_fields == done.fields >= 12
    for answer in expected:
        answer.token_ids.append(0)
    assert soak(reader, expected, requests=1, slots=1).equal == 0


@pytest.mark.gpu
def test_float32_answers_are_those_alone_and_those_of_the_cpu() -> None:
    card, cpu = (
        Reader(device, torch.float32, (192, 512), longest=100) for device in ("cuda", "cpu")
    )
    expected = alone(card)
    assert [a.token_ids for a in expected] == [a.token_ids for a in alone(cpu)]
    done = soak(card, expected, requests=300, slots=32)
    assert done.equal == done.requests
    assert done.growth < 0.01


@pytest.mark.gpu
def test_bfloat16_values_are_those_alone() -> None:
    card = Reader("cuda", torch.bfloat16)
    done = soak(card, alone(card), requests=300, slots=32)
    assert done.equal_fields >= 0.99 * done.fields
    assert done.growth < 0.01

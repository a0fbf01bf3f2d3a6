"""The choice of tokens: what the kernel picks is what sorting the vocabulary picks."""

from collections import Counter

import pytest
import torch
from torch import Tensor

from zamba2_vl.ops.sampling import choose, reference


def words(allowed: Tensor) -> Tensor:
    """(rows, tokens) bool -> (rows, words) int32."""
    rows, tokens = allowed.shape
    padded = torch.zeros(rows, -(-tokens // 32) * 32, dtype=torch.int64)
    padded[:, :tokens] = allowed
    bits = padded.view(rows, -1, 32) << torch.arange(32)
    return bits.sum(-1).to(torch.int32)


def test_zero_temperature_takes_the_likeliest_that_is_allowed() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0, 2.0]]).repeat(3, 1)
    allowed = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 0]]).bool()
    ids, logprobs = choose(logits, words(allowed))
    assert ids.tolist() == [1, 3, 0]
    # The model's own opinion, not what the grammar made of it.
    expected = logits.log_softmax(-1).gather(1, ids[:, None])[:, 0]
    torch.testing.assert_close(logprobs, expected)


def test_each_row_has_its_own_temperature() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0]).repeat(110, 1)
    heat = torch.full((110,), 2.0).masked_fill(torch.arange(110) < 10, 0.0)
    uniform = (torch.arange(110) % 100 + 0.5) / 100
    ids, _ = choose(logits, None, heat, torch.ones(110), uniform)
    assert ids[:10].tolist() == [2] * 10
    counts = Counter(ids[10:].tolist())
    for token, share in enumerate((logits[0] / 2).softmax(-1).tolist()):
        assert counts[token] / 100 == pytest.approx(share, abs=0.01)


def test_the_tail_is_cut_and_the_ends_of_the_range_are_safe() -> None:
    # Likelihoods 0.1, 0.2, 0.2, 0.5: to reach 0.6 it takes the last and the first of the equals.
    logits = torch.tensor([0.1, 0.2, 0.2, 0.5]).log().repeat(5, 1)
    uniform = torch.tensor([0.0, 0.70, 0.73, 1 - 2**-24, 0.5])
    one = torch.ones(5)
    assert choose(logits, None, one, 0.6 * one, uniform)[0].tolist() == [3, 3, 1, 1, 3]
    assert choose(logits, None, one, one, uniform)[0].tolist() == [3, 2, 2, 0, 1]
    assert choose(logits, None, 1e-38 * one, one, uniform)[0].tolist() == [3] * 5


def agrees(rows: int, vocabulary: int, device: str, dtype: torch.dtype) -> None:
    torch.manual_seed(vocabulary)
    # Poisoned beyond the vocabulary.
    memory = torch.full((rows, vocabulary + 5), torch.nan)
    memory[:, :vocabulary] = 4 * torch.randn(rows, vocabulary)
    logits = memory.to(device, dtype)[:, :vocabulary]
    allowed = torch.rand(rows, vocabulary) < torch.linspace(0.1, 1, rows)[:, None]
    heat = torch.tensor([0.0, 0.3, 1.0, 2.0]).repeat(rows)[:rows]
    top_p, uniform = torch.rand(2, rows)
    settings = [t.to(device) for t in (words(allowed), heat, top_p, uniform)]
    ids, logprobs = choose(logits, *settings)
    expected, own = reference.choose(logits, *settings)
    torch.testing.assert_close(logprobs, own, atol=1e-5, rtol=1e-5)
    assert ids.tolist() == expected.tolist()


@pytest.mark.parametrize("vocabulary", [33, 1536])
def test_the_kernel_and_sorting_agree(vocabulary: int) -> None:
    agrees(8, vocabulary, "cpu", torch.float32)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu(dtype: torch.dtype) -> None:
    agrees(48, 1536, "cuda", dtype)
    agrees(48, 32064, "cuda", dtype)

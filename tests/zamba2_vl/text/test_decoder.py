"""The equivalences that make a cache trustworthy, and the start of training."""

import math
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from zamba2_vl.config import TextConfig, Zamba2VLConfig
from zamba2_vl.errors import InputError
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.adapter import Adapter
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.mamba2 import Mamba2
from zamba2_vl.text.paged import PAGE, PagedState
from zamba2_vl.text.state import DecoderState


@pytest.fixture(scope="module")
def decoder(model: VisionLanguageModel) -> Decoder:
    """Adapters that do something, unlike those at the start of training."""
    torch.manual_seed(3)
    decoder = Decoder(model.config.text).eval()
    for module in decoder.modules():
        if isinstance(module, Adapter):
            for weight in module.parameters():
                torch.nn.init.normal_(weight, std=0.2)
    return decoder


@pytest.fixture
def embeds(decoder: Decoder) -> Tensor:
    torch.manual_seed(4)
    return torch.randn(1, 45, decoder.config.hidden_size)


Allocate = Callable[..., DecoderState | PagedState]


def scattered(
    config: TextConfig, batch: int, tokens: int, dtype: torch.dtype = torch.float32
) -> PagedState:
    """A paged state whose rows own pages here and there, all filled with NaN."""
    each = -(-tokens // PAGE) + 1
    state = PagedState.allocate(config, batch, 1 + batch * each, each, dtype=dtype)
    order = 1 + torch.randperm(batch * each, generator=torch.manual_seed(0))
    state.table.copy_(order.view(batch, each))
    for pool in (*state.keys, *state.values):
        pool[1:] = torch.nan
    return state


@pytest.fixture(params=[DecoderState.allocate, scattered], ids=["dense", "paged"])
def allocate(request: pytest.FixtureRequest) -> Allocate:
    chosen: Allocate = request.param
    return chosen


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("sizes", [(45,), (8, 37), (1, 2, 42), (13, 1, 1, 30), (44, 1)])
def test_chunked_prefill_equals_whole(
    allocate: Allocate, decoder: Decoder, embeds: Tensor, sizes: tuple[int, ...]
) -> None:
    state = allocate(decoder.config, 1, 50)
    parts = [decoder(part, state) for part in embeds.split(sizes, dim=1)]
    close(torch.cat(parts, 1), decoder(embeds))
    assert state.filled.tolist() == [45]


@torch.inference_mode()
def test_prefill_and_steps_equal_one_pass(
    allocate: Allocate, decoder: Decoder, embeds: Tensor
) -> None:
    state = allocate(decoder.config, 1, 45)
    parts = [decoder(embeds[:, :20], state)]
    parts += [decoder(embeds[:, t : t + 1], state) for t in range(20, 45)]
    close(torch.cat(parts, 1), decoder(embeds))


@torch.inference_mode()
def test_half_precision(allocate: Allocate, decoder: Decoder, embeds: Tensor) -> None:
    half = deepcopy(decoder).bfloat16()
    state = allocate(decoder.config, 1, 45, dtype=torch.bfloat16)
    parts = [half(embeds[:, :40].bfloat16(), state)]
    parts += [half(embeds[:, t : t + 1].bfloat16(), state) for t in range(40, 45)]
    together = torch.cat(parts, 1)
    assert together.dtype == torch.bfloat16
    assert state.ssm.dtype == torch.float32
    expected = decoder(embeds)
    assert (together - expected).abs().max() < 0.1 * expected.abs().max()


@torch.inference_mode()
def test_batch_of_unequal_rows_equals_each_alone(allocate: Allocate, decoder: Decoder) -> None:
    torch.manual_seed(5)
    hidden = decoder.config.hidden_size
    # Tokens of each of four rows in three calls: long, short, none, single steps.
    plan = [[9, 17, 1, 30], [5, 0, 12, 3], [1, 1, 0, 1], [1, 0, 1, 1]]
    rows = [torch.randn(1, sum(call[row] for call in plan), hidden) for row in range(4)]
    state = allocate(decoder.config, 4, 45)
    outputs: list[list[Tensor]] = [[] for _ in rows]
    done = [0] * 4
    for call in plan:
        batch = torch.full((4, max(call), hidden), 50.0)
        for row, count in enumerate(call):
            batch[row, :count] = rows[row][0, done[row] : done[row] + count]
        hidden_states = decoder(batch, state, torch.tensor(call))
        for row, count in enumerate(call):
            outputs[row].append(hidden_states[row : row + 1, :count])
            done[row] += count
    assert state.filled.tolist() == done
    for row, parts in zip(rows, outputs, strict=True):
        close(torch.cat(parts, 1), decoder(row))


@torch.inference_mode()
def test_rows_of_a_state_are_views(allocate: Allocate, decoder: Decoder, embeds: Tensor) -> None:
    state = allocate(decoder.config, 3, 50)
    decoder(embeds[:, :30], state.rows(slice(1, 2)))
    assert state.filled.tolist() == [0, 30, 0]
    close(decoder(embeds[:, 30:], state.rows(slice(1, 2))), decoder(embeds)[:, 30:])
    state.rows(slice(1, 2)).reset()
    close(decoder(embeds, state.rows(slice(1, 2))), decoder(embeds))


@torch.inference_mode()
def test_a_full_state_refuses(decoder: Decoder, embeds: Tensor) -> None:
    state = DecoderState.allocate(decoder.config, 1, 44)
    with pytest.raises(InputError, match="45"):
        decoder(embeds, state)


@torch.inference_mode()
def test_nothing_looks_ahead(decoder: Decoder, embeds: Tensor) -> None:
    changed = embeds.clone()
    changed[:, 30:] += 1
    assert torch.equal(decoder(changed)[:, :30], decoder(embeds)[:, :30])


def test_long_context_stretches_the_rotary_base(config: Zamba2VLConfig, embeds: Tensor) -> None:
    source = {**config.text.to_dict(), "use_long_context": True}
    stretched = TextConfig.from_dict(source)
    assert stretched.max_position_embeddings == 16384
    width = stretched.attention_head_dim
    source |= {"use_long_context": False, "rope_theta": 1e4 * 8 ** (width / (width - 2))}
    by_hand = TextConfig.from_dict(source)
    outputs = []
    for one in (stretched, by_hand, config.text):
        torch.manual_seed(0)
        outputs.append(Decoder(one)(embeds))
    torch.testing.assert_close(outputs[0], outputs[1])
    assert (outputs[0] - outputs[2]).abs().max() > 1e-5


def test_start_of_training(config: Zamba2VLConfig) -> None:
    torch.manual_seed(0)
    decoder = Decoder(config.text)
    for module in decoder.modules():
        if isinstance(module, Mamba2):
            steps = torch.nn.functional.softplus(module.dt_bias)
            assert ((steps > 0.0009) & (steps < 0.11)).all()
            assert module.A_log.exp().tolist() == pytest.approx([1, 2, 3, 4])
        if isinstance(module, Adapter):
            assert not module(torch.randn(2, module[0].in_features)).any()
    logits = decoder.logits(decoder(decoder.embed(torch.randint(0, 200, (2, 30)))))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.randint(0, 200, (60,)))
    assert loss.item() == pytest.approx(math.log(config.text.vocab_size), rel=0.2)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in decoder.parameters())


def test_untied_head(config: Zamba2VLConfig) -> None:
    decoder = Decoder(TextConfig.from_dict({**config.text.to_dict(), "tie_word_embeddings": False}))
    hidden = torch.randn(1, 3, config.text.hidden_size)
    torch.testing.assert_close(decoder.logits(hidden), hidden @ decoder.lm_head.weight.T)

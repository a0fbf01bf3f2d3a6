from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.text.adapter import Adapter, Stack, adapted, adapters
from zamba2_vl.text.linear import Linear
from zamba2_vl.text.shared_block import SharedBlock

CONFIG = TextConfig(
    vocab_size=64,
    hidden_size=16,
    num_hidden_layers=4,
    hybrid_layer_ids=(0, 1, 3),
    intermediate_size=32,
    num_attention_heads=2,
    num_key_value_heads=2,
    num_mem_blocks=2,
    adapter_rank=4,
)


def some_norm() -> RMSNorm:
    norm = RMSNorm(24, eps=1e-5)
    nn.init.uniform_(norm.weight)
    return norm


@torch.inference_mode()
@pytest.mark.parametrize("shape", [(1, 1, 24), (3, 1, 24), (2, 5, 24)])
def test_a_stack_computes_what_its_parts_do(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    linears = [Linear(24, 40, bias=False) for _ in range(3)]
    lists = [adapters(CONFIG, 0, 24, 40) for _ in range(3)]
    for module in nn.ModuleList(lists).modules():
        if isinstance(module, Adapter):
            for weight in module.parameters():
                nn.init.normal_(weight)
    x, norm = torch.randn(shape), some_norm()

    def alone(use: int) -> list[Tensor]:
        return [adapted(one, list[use], x, norm) for one, list in zip(linears, lists, strict=True)]

    # The first shared block has the first and the last use.
    expected = {use: alone(use) for use in (0, 2)}
    stack = Stack(linears, lists)
    for use, parts in expected.items():
        for one, other in zip(stack(x, use, norm), parts, strict=True):
            torch.testing.assert_close(one, other)
        for one, other in zip(alone(use), parts, strict=True):
            torch.testing.assert_close(one, other)


@torch.inference_mode()
def test_without_adapters_the_parts_may_differ() -> None:
    torch.manual_seed(0)
    linears = [Linear(24, outputs, bias=False) for outputs in (40, 8, 8)]
    x, norm = torch.randn(2, 3, 24), some_norm()
    expected = [linear(x, norm) for linear in linears]
    for one, other in zip(Stack(linears, ())(x, 0, norm), expected, strict=True):
        torch.testing.assert_close(one, other)
    # The parts have moved into common memory.
    addresses = [linear.weight.data_ptr() for linear in linears]
    assert addresses[1] - addresses[0] == 40 * 24 * 4 and addresses[2] - addresses[1] == 8 * 24 * 4


@torch.inference_mode()
@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_stacked_block_computes_what_it_did(attention: bool, bias: bool) -> None:
    torch.manual_seed(0)
    config = replace(CONFIG, use_shared_attention_adapter=attention, add_bias_linear=bias)
    block = SharedBlock(config, 0)
    for weight in block.parameters():
        nn.init.normal_(weight, std=0.3)
    hidden, embeddings = torch.randn(2, 3, 5, 16)
    expected = [block(hidden, embeddings, use, None, None, None) for use in (0, 2)]
    names = {name: weight.clone() for name, weight in block.state_dict().items()}
    block.stack()
    for use, y in zip((0, 2), expected, strict=True):
        torch.testing.assert_close(block(hidden, embeddings, use, None, None, None), y)
    for name, weight in block.state_dict().items():
        torch.testing.assert_close(weight, names[name])

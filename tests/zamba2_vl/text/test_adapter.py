import pytest
import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.text.adapter import Adapter, Stack, adapted, adapters
from zamba2_vl.text.linear import Linear

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
    x = torch.randn(shape)

    def alone(use: int) -> list[Tensor]:
        return [adapted(one, list[use], x) for one, list in zip(linears, lists, strict=True)]

    # The first shared block has the first and the last use.
    expected = {use: alone(use) for use in (0, 2)}
    stack = Stack(linears, lists)
    for use, parts in expected.items():
        for one, other in zip(stack(x, use), parts, strict=True):
            torch.testing.assert_close(one, other)
        for one, other in zip(alone(use), parts, strict=True):
            torch.testing.assert_close(one, other)


@torch.inference_mode()
def test_without_adapters_the_parts_may_differ() -> None:
    torch.manual_seed(0)
    linears = [Linear(24, outputs, bias=False) for outputs in (40, 8, 8)]
    x = torch.randn(2, 3, 24)
    expected = [linear(x) for linear in linears]
    for one, other in zip(Stack(linears, ())(x, 0), expected, strict=True):
        torch.testing.assert_close(one, other)
    # The parts have moved into common memory.
    addresses = [linear.weight.data_ptr() for linear in linears]
    assert addresses[1] - addresses[0] == 40 * 24 * 4 and addresses[2] - addresses[1] == 8 * 24 * 4

import pytest
import torch
from torch.nn import functional

from zamba2_vl.ops.gating import Activation, gated


def agrees(activation: Activation, device: str, dtype: torch.dtype, close: float) -> None:
    torch.manual_seed(0)
    # Halves of one tensor, with poison behind each row.
    memory = torch.full((2, 3, 2 * 1100 + 7), torch.nan)
    memory[..., :2200] = 3 * torch.randn(2, 3, 2200)
    gate, up = memory.to(device, dtype)[..., :2200].chunk(2, -1)
    act = functional.gelu if activation == "gelu" else functional.silu
    y = gated(gate, up, activation)
    assert y.dtype == dtype
    expected = act(gate.double()) * up.double()
    torch.testing.assert_close(y.double(), expected, atol=close, rtol=close)


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_one_half_is_gated_by_the_other(activation: Activation) -> None:
    agrees(activation, "cpu", torch.float32, 1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_on_a_gpu(activation: Activation) -> None:
    agrees(activation, "cuda", torch.float32, 1e-5)
    agrees(activation, "cuda", torch.bfloat16, 8e-3)

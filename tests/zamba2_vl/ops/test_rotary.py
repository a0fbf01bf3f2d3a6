import pytest
import torch

from zamba2_vl.ops.rotary import frequencies, reference, rotary


def agrees(device: str, dtype: torch.dtype, close: float) -> None:
    torch.manual_seed(0)
    # A slice of wider tokens with poison beside it, as queries and keys are of a projection.
    memory = torch.full((2, 7, 14, 80), torch.nan)
    memory[:, :, :11] = torch.randn(2, 7, 11, 80)
    x = memory.to(device, dtype)[:, :, :11]
    positions = torch.randint(5000, (2, 7, 1, 1), device=device)
    for place in (positions, positions[:1]):
        angles = place * frequencies(80, 10000.0, x.device)
        turned = rotary(x, angles.cos(), angles.sin())
        assert turned.dtype == dtype
        expected = reference.rotary(x.float(), angles.cos(), angles.sin())
        torch.testing.assert_close(turned.float(), expected, atol=close, rtol=close)


def test_each_token_is_turned_by_its_own_angles() -> None:
    agrees("cpu", torch.float32, 1e-6)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    agrees("cuda", torch.float32, 1e-5)
    agrees("cuda", torch.bfloat16, 1e-2)

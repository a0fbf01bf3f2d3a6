import pytest
import torch
import torch.nn.functional as F

from zamba2_vl.ops import backends
from zamba2_vl.ops.packed import pack, product

pytestmark = pytest.mark.skipif(
    torch.backends.quantized.engine not in ("x86", "fbgemm"), reason="FBGEMM serves x86 alone"
)


@pytest.mark.parametrize("tokens", [1, 3, 70])
@pytest.mark.parametrize("biased", [False, True])
def test_products_are_those_of_float32(tokens: int, biased: bool) -> None:
    torch.manual_seed(0)
    weight = (0.05 * torch.randn(37, 51)).bfloat16().float()
    bias = torch.randn(37) if biased else None
    packed = pack(weight, bias)
    assert packed is not None
    x = torch.randn(2, tokens, 51)
    torch.testing.assert_close(product(x, packed), F.linear(x, weight, bias))


def test_what_float16_cannot_hold_is_not_packed() -> None:
    weight = torch.ones(2, 3)
    for value, fits in ((2.0**-24, True), (1e-9, True), (65504.0, True), (7e4, False)):
        weight[1, 2] = value
        assert (pack(weight) is not None) == fits, value
    weight[1, 2] = 0.1
    assert pack(weight) is None
    assert pack(torch.ones(2, 3, dtype=torch.bfloat16)) is None


def test_what_computes_is_told() -> None:
    assert backends("cpu")["product"] == "fbgemm"
    assert backends("cuda")["product"] == "pytorch"
    assert backends("cpu")["ssd_scan"] == "pytorch"

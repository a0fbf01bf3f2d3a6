"""The kernels of products against their plain twins in float64, among rubbish, at odd sizes.

By hand without a GPU: `TRITON_INTERPRET=1 python -m pytest -m gpu` on this file, where Triton is
installed; the interpreter has no bfloat16 products.
"""

import os

import pytest
import torch
from torch import Tensor

from zamba2_vl.ops.backend import forced
from zamba2_vl.ops.product import product
from zamba2_vl.ops.quantized import quantized
from zamba2_vl.ops.quantized.packing import GROUP, pack

pytestmark = pytest.mark.gpu
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
ERROR = {torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 6e-3}
DTYPES = [torch.float32, torch.float16 if INTERPRETED else torch.bfloat16]
SIZES = [(37, 100), (48, 300)] if INTERPRETED else [(37, 100), (2048, 2560), (8512, 2048)]


def poisoned(*shape: int, dtype: torch.dtype) -> Tensor:
    """Random numbers whose rows stand in memory that is otherwise NaN."""
    whole = torch.full((shape[0] + 1, shape[1] + 24), float("nan"), dtype=dtype, device=DEVICE)
    view = whole[: shape[0], 8 : 8 + shape[1]]
    return view.copy_(torch.randn(*shape, device=DEVICE))


def doubled(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if tensor is None else tensor.double() for tensor in tensors]


def check(y: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    assert y.dtype == dtype and y.shape == expected.shape
    assert ((y.double() - expected).norm() / expected.norm()).item() < ERROR[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outputs, inputs", SIZES)
@pytest.mark.parametrize("rows", [1, 5, 17])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "bare"])
@pytest.mark.parametrize("bits", [16, 8, 4])
def test_few_rows(
    dtype: torch.dtype,
    outputs: int,
    inputs: int,
    rows: int,
    whole: bool,
    bits: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(rows)
    monkeypatch.setattr("zamba2_vl.ops.product.MOST_ROWS", 64)
    x, weight = poisoned(rows, inputs, dtype=dtype), torch.randn(outputs, inputs, device=DEVICE)
    bias = gain = residual = scale = None
    if whole:
        bias, gain = (torch.randn(n, device=DEVICE).to(dtype) for n in (outputs, inputs))
        residual = poisoned(rows, outputs, dtype=dtype)
    if bits == 16:
        weight = weight.to(dtype)
    elif bits == 8:
        weight, scale = (30 * weight).clamp(-127, 127).char(), torch.rand(outputs, device=DEVICE)
    else:
        weight = pack((4 * weight).clamp(-8, 7).round().to(torch.int32))
        groups = weight.shape[1] * 8 // GROUP
        scale = torch.rand(outputs, groups, device=DEVICE).to(torch.bfloat16)
    extra = {"eps": 1e-3, "gain": gain, "residual": residual}
    exact = dict(zip(extra, [1e-3, *doubled(gain, residual)], strict=True))
    with torch.no_grad(), forced("triton"):
        if bits == 4:
            y = quantized(x, weight, scale, bias, **extra)
        else:
            y = product(x, weight, bias, scale=scale, **extra)
    with forced("pytorch"):
        wide, wide_bias = doubled(x, bias)
        if bits == 4:
            expected = quantized(wide, weight, scale, wide_bias, **exact)
        else:
            wide_weight = weight if bits == 8 else weight.double()
            expected = product(wide, wide_weight, wide_bias, scale=scale, **exact)
    check(y, expected, dtype)

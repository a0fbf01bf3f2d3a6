"""Mamba2's kernels for inference say what plain PyTorch says in float64, whatever lies in memory
that nobody has written.

By hand they run without a GPU, too, where Triton is installed: TRITON_INTERPRET=1.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.causal_conv import causal_conv
from zamba2_vl.ops.causal_conv import reference as plain_conv
from zamba2_vl.ops.gated_norm import gated_norm
from zamba2_vl.ops.gated_norm import reference as plain_norm
from zamba2_vl.ops.ssd_scan import ssd_scan
from zamba2_vl.ops.state_update import reference as plain_step
from zamba2_vl.ops.state_update import state_update
from zamba2_vl.ops.state_update.weights import Weights

pytestmark = pytest.mark.gpu
DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") else "cuda"
# What rounding costs: of float32 sums, of bfloat16 numbers.
CLOSE = {torch.float32: 1e-4, torch.bfloat16: 0.01}
# The interpreter knows no bfloat16.
DTYPES = [torch.float32] if DEVICE == "cpu" else [torch.float32, torch.bfloat16]
HEADS = 4


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels alone compute, in memory full of NaN."""
    fresh = Tensor.new_empty

    def filled(*args: Any, **named: Any) -> Tensor:
        t = fresh(*args, **named)
        return t.fill_(torch.nan) if t.is_floating_point() else t

    monkeypatch.setattr(Tensor, "new_empty", filled)
    torch.manual_seed(0)
    with backend.forced("triton"), torch.no_grad():
        yield


def apart(one: Tensor, other: Tensor) -> float:
    return ((one.double() - other).norm() / other.norm().clamp(min=1e-9)).item()


def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor that is a part of a larger one."""
    return torch.randn(*shape[:-1], shape[-1] + 16, device=DEVICE).to(dtype)[..., 16:]


def poisoned(t: Tensor, lengths: Tensor | None) -> Tensor:
    """NaN in the place of each row's padding."""
    if lengths is None:
        return t
    padding = torch.arange(t.shape[1], device=DEVICE) >= lengths[:, None]
    return t.masked_fill(padding.view(*padding.shape, *[1] * (t.dim() - 2)), torch.nan)


def recurrence(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    outputs = []
    for t in range(x.shape[1]):
        outputs.append(
            plain_step.recur(state, x[:, t], dt[:, t], a, b[:, t].clone(), c[:, t].clone(), d)
        )
    return torch.stack(outputs, 1), state


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("length", "lengths"),
    [(1, None), (64, None), (333, None), (200, (200, 70)), (130, (0, 64)), (77, (1, 77))],
)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("fresh", [True, False])
def test_the_scan(
    length: int, lengths: tuple[int, int] | None, groups: int, fresh: bool, dtype: torch.dtype
) -> None:
    width, rank = (16, 32) if DEVICE == "cpu" else (64, 128 // groups)
    valid = None if lengths is None else torch.tensor(lengths, device=DEVICE, dtype=torch.int32)
    mixed = poisoned(random(2, length, HEADS * width + 2 * groups * rank, dtype=dtype), valid)
    x, b, c = mixed.split([HEADS * width, groups * rank, groups * rank], -1)
    x = torch.unflatten(x, -1, (HEADS, width))
    b, c = (torch.unflatten(t, -1, (groups, rank)) for t in (b, c))
    dt = poisoned(torch.nn.functional.softplus(random(2, length, HEADS) - 3), valid)
    a, d = -12 * torch.rand(HEADS, device=DEVICE) - 0.5, random(HEADS, dtype=dtype)
    state = torch.randn(2, HEADS, width, rank, device=DEVICE)
    raw = torch.log(torch.expm1(dt))  # the inverse of softplus
    y, last = ssd_scan(x, raw - 1, a, b, c, d, 64, state * (not fresh), valid, raw.new_ones(HEADS))
    for row in range(2):
        end = length if lengths is None else lengths[row]
        whole = [t[row : row + 1, :end].double() for t in (x, dt, b, c)]
        before = state[row : row + 1].double() * (not fresh)
        if not end:
            torch.testing.assert_close(last[row], before[0].float())
            continue
        expected, final = recurrence(whole[0], whole[1], a.double(), *whole[2:], d.double(), before)
        assert apart(y[row : row + 1, :end], expected) < CLOSE[dtype]
        assert apart(last[row : row + 1], final) < CLOSE[dtype]
        assert not y[row, end:].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("length", "lengths"), [(1, None), (3, None), (129, None), (67, (67, 2)), (5, (0, 1))]
)
@pytest.mark.parametrize("fresh", [True, False])
def test_the_convolution(
    length: int, lengths: tuple[int, int] | None, fresh: bool, dtype: torch.dtype
) -> None:
    channels = 150
    valid = None if lengths is None else torch.tensor(lengths, device=DEVICE, dtype=torch.int32)
    x = random(2, length, channels, dtype=dtype)
    weight, bias = random(channels, 4).contiguous(), random(channels)
    before = None if fresh else random(2, 3, channels, dtype=dtype).contiguous()
    y, last = causal_conv(poisoned(x, valid), weight, bias, before, valid)
    expected, kept = plain_conv.causal_conv(
        x.double(), weight.double(), bias.double(), None if fresh else before.double(), valid
    )
    for row in range(2):
        end = length if lengths is None else lengths[row]
        assert apart(y[row, :end], expected[row, :end]) < CLOSE[dtype]
    torch.testing.assert_close(last.double(), kept)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("features", "groups"), [(150, 1), (144, 2), (4096, 1), (7168, 2)])
def test_the_gated_norm(features: int, groups: int, dtype: torch.dtype) -> None:
    y, gate = random(2, 3, features, dtype=dtype), random(2, 3, features, dtype=dtype)
    weight = random(features)
    normed = gated_norm(y.contiguous(), gate, weight, groups, 1e-5)
    expected = plain_norm.gated_norm(y.double(), gate.double(), weight.double(), groups, 1e-5)
    assert apart(normed, expected) < CLOSE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("batch", "lengths"), [(1, None), (3, None), (3, (1, 0, 1)), (160, None)])
def test_the_step(
    batch: int, lengths: tuple[int, ...] | None, groups: int, dtype: torch.dtype
) -> None:
    width, rank = 64, 128 // groups
    inner = HEADS * width
    channels = inner + 2 * groups * rank
    weights = Weights(
        conv=random(channels, 4, dtype=dtype).contiguous(),
        conv_bias=random(channels, dtype=dtype),
        dt_bias=random(HEADS, dtype=dtype) - 4,
        a_log=random(HEADS, dtype=dtype),
        d=random(HEADS, dtype=dtype),
        floor=0.001,
        norm=random(inner, dtype=dtype),
        groups=groups,
        eps=1e-5,
    )
    exact = Weights(*(one.double() if isinstance(one, Tensor) else one for one in weights))
    valid = None if lengths is None else torch.tensor(lengths, device=DEVICE, dtype=torch.int32)
    moving = slice(None) if valid is None else valid > 0
    conv = random(batch, 3, channels, dtype=dtype).contiguous()
    ssm = torch.randn(batch, HEADS, width, rank, device=DEVICE)
    inputs, state = conv.double(), ssm.double()
    for _ in range(2):
        projected = random(batch, inner + channels + HEADS, dtype=dtype)
        y = state_update(projected, conv, ssm, weights, valid)
        expected = plain_step.state_update(projected.double(), inputs, state, exact, valid)
        assert apart(y[moving], expected[moving]) < CLOSE[dtype]
        assert apart(ssm, state) < CLOSE[dtype]
        torch.testing.assert_close(conv.double(), inputs)

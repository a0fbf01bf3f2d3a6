"""The GPU's kernels say what plain PyTorch says in float32, gradients too."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from zamba2_vl.ops.attention import attention_by_length, varied
from zamba2_vl.ops.ssd_scan import reference as plain_scan
from zamba2_vl.ops.ssd_scan import ssd_scan
from zamba2_vl.ops.window_attention import reference as plain_windows
from zamba2_vl.ops.window_attention import window_attention

pytestmark = pytest.mark.gpu
# What rounding to bfloat16 costs the references themselves.
CLOSE = 0.01


def apart(one: Tensor, other: Tensor) -> float:
    return ((one.float() - other).norm() / other.norm()).item()


def differentiated(*tensors: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Twins of the tensors, as they are and in float32, both to be differentiated."""
    return [t.detach().requires_grad_() for t in tensors], [
        t.detach().float().requires_grad_() for t in tensors
    ]


@pytest.mark.parametrize("length", [64, 333])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_scan(length: int, groups: int) -> None:
    torch.manual_seed(length)
    heads, width, rank = 4, 64, 32
    mixed = torch.randn(2, length, heads * width + 2 * groups * rank).cuda().bfloat16()
    x, b, c = mixed.split([heads * width, groups * rank, groups * rank], -1)
    ours, theirs = differentiated(
        torch.unflatten(x, -1, (heads, width)),
        functional.softplus(torch.randn(2, length, heads).cuda() - 3),
        -12 * torch.rand(heads).cuda() - 0.5,
        torch.unflatten(b, -1, (groups, rank)),
        torch.unflatten(c, -1, (groups, rank)),
        torch.randn(heads).cuda().bfloat16(),
    )
    y, last = ssd_scan(*ours, chunk_size=128)
    expected, final = plain_scan.ssd_scan(*theirs, 128, None, None, None, 0.0)
    weights = torch.randn_like(expected)
    y.backward(weights.bfloat16())
    expected.backward(weights)
    assert apart(y, expected) < CLOSE and apart(last, final) < CLOSE
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad is not None and other.grad is not None
        assert apart(one.grad, other.grad) < CLOSE


@pytest.mark.parametrize("width", [64, 80])
def test_windows_and_pages(width: int) -> None:
    torch.manual_seed(0)
    scale = width**-0.5
    bounds = torch.tensor([[0, 64, 96, 150, 150], [0, 16, 80, 144, 160]], dtype=torch.int32).cuda()
    lengths = bounds[:, -1]
    held = (torch.arange(170).cuda() < lengths[:, None])[..., None, None]
    [ours], [theirs] = differentiated(torch.randn(2, 170, 12, width).cuda().bfloat16())
    weights = torch.randn(2, 170, 4, width).cuda() * held
    for one, other in (
        (
            window_attention(*ours.chunk(3, 2), bounds, scale, 64),
            plain_windows.window_attention(*theirs.chunk(3, 2), bounds, scale, 64),
        ),
        (
            attention_by_length(*ours.chunk(3, 2), lengths),
            varied.masked(*theirs.chunk(3, 2), lengths),
        ),
    ):
        [gradient] = torch.autograd.grad(one, ours, weights.bfloat16())
        [expected] = torch.autograd.grad(other, theirs, weights)
        assert apart(one * held, other * held) < CLOSE
        assert apart(gradient, expected) < CLOSE

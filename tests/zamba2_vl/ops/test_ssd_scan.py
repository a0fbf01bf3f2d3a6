import pytest
import torch
from torch import Tensor

from zamba2_vl.ops.ssd_scan import ssd_scan
from zamba2_vl.ops.state_update.reference import recur


def inputs(length: int, groups: int) -> list[Tensor]:
    torch.manual_seed(length)
    heads, width, rank = 4, 3, 5
    x = torch.randn(2, length, heads, width)
    dt = torch.rand(2, length, heads)
    a = -torch.rand(heads) * 3
    b, c = torch.randn(2, 2, length, groups, rank)
    return [x, dt, a, b, c, torch.randn(heads)]


def by_steps(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """The recurrence as it is defined."""
    b, c = (t.repeat_interleave(x.shape[2] // t.shape[2], dim=2) for t in (b, c))
    outputs = []
    for t in range(x.shape[1]):
        decay = (dt[:, t] * a).exp()[..., None, None]
        state = state * decay + torch.einsum("bh,bhp,bhn->bhpn", dt[:, t], x[:, t], b[:, t])
        outputs.append(torch.einsum("bhpn,bhn->bhp", state, c[:, t]) + d[:, None] * x[:, t])
    return torch.stack(outputs, 1), state


@pytest.mark.parametrize("length", [1, 7, 8, 9, 31])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("fresh", [True, False])
def test_equals_the_recurrence(length: int, groups: int, fresh: bool) -> None:
    arguments = inputs(length, groups)
    state = torch.zeros(2, 4, 3, 5) if fresh else torch.randn(2, 4, 3, 5)
    y, last = ssd_scan(*arguments, 8, None if fresh else state)
    expected, final = by_steps(*(t.double() for t in arguments), state.double())
    torch.testing.assert_close(y, expected.float(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(last, final.float(), atol=1e-5, rtol=1e-4)


def test_tokens_without_width_leave_no_trace() -> None:
    x, dt, a, b, c, d = inputs(20, 2)
    dt[:, 13:] = 0
    _, last = ssd_scan(x, dt, a, b, c, d, 8)
    _, expected = ssd_scan(x[:, :13], dt[:, :13], a, b[:, :13], c[:, :13], d, 8)
    torch.testing.assert_close(last, expected)


def test_gradients_equal_the_recurrence() -> None:
    arguments = [t.requires_grad_() for t in inputs(19, 2)]
    weights = torch.randn(2, 19, 4, 3)
    y, _ = ssd_scan(*arguments, 8)
    expected, _ = by_steps(*arguments, torch.zeros(2, 4, 3, 5))
    ours = torch.autograd.grad((y * weights).sum(), arguments)
    theirs = torch.autograd.grad((expected * weights).sum(), arguments)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_strong_decay_stays_finite() -> None:
    x, dt, a, b, c, d = (t.requires_grad_() for t in inputs(64, 1))
    y, last = ssd_scan(x, dt * 100, a * 10, b, c, d, 64)
    assert y.isfinite().all()
    assert last.isfinite().all()
    for gradient in torch.autograd.grad(y.sum(), [x, dt, a, b, c, d]):
        assert gradient.isfinite().all()


def test_half_precision_keeps_float32_states() -> None:
    x, dt, a, b, c, d = inputs(40, 2)
    half = torch.bfloat16
    y, last = ssd_scan(x.to(half), dt, a, b.to(half), c.to(half), d, 8)
    expected, final = ssd_scan(x, dt, a, b, c, d, 8)
    assert (y.dtype, last.dtype) == (half, torch.float32)
    torch.testing.assert_close(y.float(), expected, atol=0.2, rtol=0.1)
    torch.testing.assert_close(last, final, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_step_is_a_scan_of_one(groups: int) -> None:
    x, dt, a, b, c, d = inputs(1, groups)
    dt[0, 0, 1] = 0
    state = torch.randn(2, 4, 3, 5)
    expected, last = ssd_scan(x, dt, a, b, c, d, 8, state)
    y = recur(state, x[:, 0], dt[:, 0], a, b[:, 0], c[:, 0], d)
    torch.testing.assert_close(y, expected[:, 0])
    torch.testing.assert_close(state, last)

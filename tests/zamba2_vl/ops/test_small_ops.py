import pytest
import torch
import torch.nn.functional as F

from zamba2_vl.ops.attention import attention
from zamba2_vl.ops.causal_conv import causal_conv
from zamba2_vl.ops.gated_norm import gated_norm
from zamba2_vl.ops.rotary import frequencies, rotary


@pytest.mark.parametrize("length", [1, 2, 3, 11])
def test_causal_conv_is_a_depthwise_convolution(length: int) -> None:
    window = torch.randn(2, 3 + length, 6)
    weight, bias = torch.randn(6, 4), torch.randn(6)
    y, last = causal_conv(window[:, 3:], weight, bias, window[:, :3])
    expected = F.silu(F.conv1d(window.mT, weight[:, None], bias, groups=6)).mT
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(last, window[:, -3:])


def test_causal_conv_remembers_up_to_the_last_valid_token() -> None:
    x, before = torch.randn(4, 5, 6), torch.randn(4, 3, 6)
    weight, bias = torch.randn(6, 4), torch.randn(6)
    _, last = causal_conv(x, weight, bias, before, torch.tensor([0, 1, 4, 5]))
    for row, length in enumerate([0, 1, 4, 5]):
        seen = torch.cat([before[row], x[row, :length]])
        torch.testing.assert_close(last[row], seen[-3:])
    y, _ = causal_conv(x, weight, bias)
    expected, _ = causal_conv(x, weight, bias, torch.zeros(4, 3, 6))
    torch.testing.assert_close(y, expected)


def test_gated_norm_is_taken_over_groups() -> None:
    y, gate, weight = torch.randn(2, 5, 12), torch.randn(2, 5, 12), torch.randn(12)
    normed = gated_norm(y, gate, weight, 3, 1e-12) / weight
    squares = normed.view(2, 5, 3, 4).square().mean(-1)
    torch.testing.assert_close(squares, torch.ones(2, 5, 3), atol=1e-3, rtol=0)
    direction = y * F.silu(gate)
    cosine = F.cosine_similarity(normed.view(2, 5, 3, 4), direction.view(2, 5, 3, 4), dim=-1)
    torch.testing.assert_close(cosine, torch.ones(2, 5, 3))


def test_rotary_turns_by_the_angle() -> None:
    x = torch.randn(3, 8)
    angles = torch.arange(3)[:, None] * frequencies(8, 100.0, x.device)
    turned = rotary(x, angles.cos(), angles.sin())
    complex_x = torch.complex(*x.chunk(2, -1)) * torch.exp(1j * angles)
    torch.testing.assert_close(turned, torch.cat([complex_x.real, complex_x.imag], -1))
    assert frequencies(8, 100.0, x.device).tolist() == pytest.approx(
        [1, 100**-0.25, 0.1, 100**-0.75]
    )


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("how", ["plain", "causal", "mask"])
def test_attention(key_heads: int, how: str) -> None:
    q = torch.randn(2, 4, 7, 8)
    k, v = torch.randn(2, 2, key_heads, 7, 8)
    mask = torch.ones(7, 7, dtype=torch.bool).tril()
    y = attention(q, k, v, 0.3, causal=how == "causal", mask=mask if how == "mask" else None)
    k, v = (t.repeat_interleave(4 // key_heads, dim=1) for t in (k, v))
    scores = q @ k.mT * 0.3
    if how != "plain":
        scores = scores.masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(y, scores.softmax(-1) @ v)


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_attention_of_one_query(key_heads: int, mask: str | None) -> None:
    q = torch.randn(3, 4, 1, 8)
    k, v = torch.randn(2, 3, key_heads, 7, 8)
    seen = torch.arange(7) < torch.tensor([3, 7, 1])[:, None, None, None]
    hidden = torch.zeros(3, 1, 1, 7).masked_fill(~seen, -torch.inf)
    y = attention(q, k, v, 0.3, mask={None: None, "bool": seen, "float": hidden}[mask])
    k, v = (t.repeat_interleave(4 // key_heads, dim=1) for t in (k, v))
    scores = q @ k.mT * 0.3 + (0 if mask is None else hidden)
    torch.testing.assert_close(y, scores.softmax(-1) @ v)

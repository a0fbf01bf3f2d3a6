"""Weights of four bits: how they are packed, and the plain twin of the product.

A row of weights is cut into blocks of 128 inputs, the last one filled up with zeros. A block is 16
words of 32 bits; the i-th four bits of word j, from the lowest, hold input 16 i + j, plus 8. Each
group of 64 inputs has a scale. So a group is half the bits of its words, and what a GPU's threads
load together lies together.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 128
WORDS = BLOCK // 8
GROUP = 64


def pack(q: Tensor) -> Tensor:
    """q: (outputs, inputs) integers from -8 to 7 -> words, (outputs, 16 blocks) int32."""
    q = F.pad(q.to(torch.int32), (0, -q.shape[1] % BLOCK)) + 8
    bits = torch.unflatten(q, 1, (-1, 8, WORDS)) << _places(q.device)
    return bits.sum(2, dtype=torch.int32).flatten(1)


def unpack(words: Tensor, inputs: int) -> Tensor:
    """What was packed, (outputs, inputs) int8."""
    bits = torch.unflatten(words, 1, (-1, 1, WORDS)) >> _places(words.device)
    return ((bits & 15) - 8).to(torch.int8).flatten(1)[:, :inputs]


def dequantize(words: Tensor, scales: Tensor, inputs: int, dtype: torch.dtype) -> Tensor:
    """The weights themselves, (outputs, inputs)."""
    q = torch.unflatten(unpack(words, scales.shape[1] * GROUP).to(dtype), 1, (-1, GROUP))
    return (q * scales.to(dtype)[..., None]).flatten(1)[:, :inputs]


def product(
    x: Tensor,
    words: Tensor,
    scales: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.quantized.product`."""
    if gain is not None:
        x = F.rms_norm(x, x.shape[-1:], gain.to(x.dtype), eps)
    y = F.linear(x, dequantize(words, scales, x.shape[-1], x.dtype), bias)
    return y if residual is None else residual + y


def _places(device: torch.device) -> Tensor:
    return torch.arange(0, 32, 4, dtype=torch.int32, device=device)[:, None]

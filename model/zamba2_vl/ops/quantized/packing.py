"""How weights become integers of eight or four bits, and are packed.

Eight bits: an output's weights share a scale, the largest of them over 127. Four bits: a row is cut
into blocks of 128 inputs, the last one filled up with zeros. A block is 16 words of 32 bits; the
i-th four bits of word j, from the lowest, hold input 16 i + j, plus 8. Each group of 64 inputs has
a scale, of either sign, so that what is farthest from zero may be -8. So a group is half the bits
of its words, and what a GPU's threads load together lies together.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 128
WORDS = BLOCK // 8
GROUP = 64

_INT8 = 127
# Of these scales, as shares of the one that reaches the farthest weight, the one that leaves the
# smallest squared error is taken.
_SHARES = (1.0, 0.92, 0.85, 0.78)
# Weights worked on at a time.
_PART = 2**22


def shapes(outputs: int, inputs: int, bits: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of what `quantize` gives for weights (outputs, inputs)."""
    if bits == 8:
        return (outputs, inputs), (outputs,)
    blocks = -(-inputs // BLOCK)
    return (outputs, WORDS * blocks), (outputs, BLOCK // GROUP * blocks)


def quantize(weight: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """weight: (outputs, inputs) -> integers and scales, which are bfloat16.

    8 bits: int8 (outputs, inputs) and (outputs,); 4 bits: int32 words (outputs, 16 blocks) and
    (outputs, 2 blocks).
    """
    kind = _eight if bits == 8 else _four
    rows = max(1, _PART // weight.shape[1])
    parts = [kind(part.float()) for part in torch.split(weight, rows)]
    integers, scales = zip(*parts, strict=True)
    return torch.cat(integers), torch.cat(scales)


def dequantize(weight: Tensor, scale: Tensor, inputs: int, dtype: torch.dtype) -> Tensor:
    """The weights that integers and scales stand for, (outputs, inputs)."""
    if weight.dtype == torch.int8:
        return weight.to(dtype) * scale.to(dtype)[:, None]
    q = torch.unflatten(unpack(weight, scale.shape[1] * GROUP).to(dtype), 1, (-1, GROUP))
    return (q * scale.to(dtype)[..., None]).flatten(1)[:, :inputs]


def pack(q: Tensor) -> Tensor:
    """q: (outputs, inputs) integers from -8 to 7 -> words, (outputs, 16 blocks) int32."""
    q = F.pad(q.to(torch.int32), (0, -q.shape[1] % BLOCK)) + 8
    bits = torch.unflatten(q, 1, (-1, 8, WORDS)) << _places(q.device)
    return bits.sum(2, dtype=torch.int32).flatten(1)


def unpack(words: Tensor, inputs: int) -> Tensor:
    """What was packed, (outputs, inputs) int8."""
    bits = torch.unflatten(words, 1, (-1, 1, WORDS)) >> _places(words.device)
    return ((bits & 15) - 8).to(torch.int8).flatten(1)[:, :inputs]


def _eight(weight: Tensor) -> tuple[Tensor, Tensor]:
    scale = _rounded(weight.abs().amax(1) / _INT8)
    q = (weight / scale[:, None]).round().clamp(-_INT8, _INT8)
    return q.to(torch.int8), scale.bfloat16()


def _four(weight: Tensor) -> tuple[Tensor, Tensor]:
    groups = torch.unflatten(F.pad(weight, (0, -weight.shape[1] % BLOCK)), 1, (-1, GROUP))
    farthest = groups.gather(2, groups.abs().argmax(2, keepdim=True))
    best = q = scale = torch.empty(0)
    for share in (*_SHARES, *(-share for share in _SHARES)):
        tried = _rounded(farthest * (-share / 8))
        integers = (groups / tried).round_().clamp_(-8, 7)
        error = (integers * tried - groups).square_().sum(2, keepdim=True)
        if not len(best):
            best, q, scale = error, integers, tried
            continue
        better = error < best
        best, scale = torch.where(better, error, best), torch.where(better, tried, scale)
        q = torch.where(better, integers, q)
    return pack(q.flatten(1)), scale.squeeze(2).bfloat16()


def _rounded(scale: Tensor) -> Tensor:
    """As it will be stored; 1 where all weights are zero."""
    kept = scale.bfloat16().float()
    return torch.where(kept == 0, 1.0, kept)


def _places(device: torch.device) -> Tensor:
    return torch.arange(0, 32, 4, dtype=torch.int32, device=device)[:, None]

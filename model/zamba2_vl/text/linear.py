"""Projections and embedding: the one place where products meet packed or quantised weights."""

import torch
from torch import Tensor, nn

from zamba2_vl.ops import packed
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.product import product
from zamba2_vl.ops.quantized import packing, quantized


class Linear(nn.Linear):
    """nn.Linear. After `pack` it answers from the copy wherever no gradient is asked for, so
    weights that change afterwards must be packed again."""

    packed: torch.ScriptObject | None = None

    def pack(self) -> bool:
        """Make the copy, if the processor and the weights allow one; whether they do."""
        self.packed = packed.pack(self.weight.detach(), self.bias)
        return self.packed is not None

    def forward(
        self, x: Tensor, norm: RMSNorm | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """residual + norm(x) weight^T + bias; see `ops.product`."""
        gain, eps = _fused(norm)
        if self.packed is None or torch.is_grad_enabled():
            return product(x, self.weight, self.bias, gain=gain, eps=eps, residual=residual)
        y = packed.product(x if norm is None else norm(x), self.packed)
        return y if residual is None else residual + y


class QuantizedLinear(nn.Module):
    """A projection whose weights are integers of eight or four bits with scales, for inference.

    On a CPU that FBGEMM serves, `pack` makes a copy that single rows are answered from: integers of
    eight bits as they are, those of four bits as float16.
    """

    packed: torch.ScriptObject | None = None

    def __init__(self, inputs: int, outputs: int, bits: int, bias: bool) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bits = inputs, outputs, bits
        shape, scales = packing.shapes(outputs, inputs, bits)
        kind = torch.int8 if bits == 8 else torch.int32
        self.weight = nn.Parameter(torch.empty(shape, dtype=kind), requires_grad=False)
        self.scale = nn.Parameter(torch.empty(scales), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs), requires_grad=False) if bias else None

    def pack(self) -> bool:
        """Make the copy, if the processor allows one; whether it does."""
        if self.bits == 8:
            self.packed = packed.pack_int8(self.weight, self.scale, self.bias)
        else:
            self.packed = packed.pack(self.dequantized(torch.float32), self.bias, exact=False)
        return self.packed is not None

    def dequantized(self, dtype: torch.dtype) -> Tensor:
        """The weights that the integers stand for, (outputs, inputs)."""
        return packing.dequantize(self.weight, self.scale, self.in_features, dtype)

    def forward(
        self, x: Tensor, norm: RMSNorm | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """residual + norm(x) weight^T + bias; see `ops.product`."""
        gain, eps = _fused(norm)
        if self.packed is None or (self.bits == 8 and x.shape[:-1].numel() > packed.INT8_ROWS):
            return quantized(
                x, self.weight, self.scale, self.bias, gain=gain, eps=eps, residual=residual
            )
        answer = packed.product_int8 if self.bits == 8 else packed.product
        y = answer(x if norm is None else norm(x), self.packed)
        return y if residual is None else residual + y

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bits={self.bits}"


class Embedding(nn.Embedding):
    """nn.Embedding whose table can serve as the output head too; `pack` as for Linear."""

    packed: torch.ScriptObject | None = None

    def pack(self) -> bool:
        self.packed = packed.pack(self.weight.detach())
        return self.packed is not None

    def scores(self, hidden: Tensor) -> Tensor:
        """hidden: (..., features) -> its products with all rows, (..., rows)."""
        if self.packed is None or torch.is_grad_enabled():
            return product(hidden, self.weight)
        return packed.product(hidden, self.packed)


def _fused(norm: RMSNorm | None) -> tuple[Tensor | None, float]:
    if norm is None:
        return None, 0.0
    assert norm.eps is not None
    return norm.weight, norm.eps

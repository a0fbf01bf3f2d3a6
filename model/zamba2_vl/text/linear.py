"""Projections and embedding: the one place where products meet packed or quantised weights."""

import sys
from functools import partial

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
    """A projection whose weights are integers of eight or four bits with scales, for inference."""

    _packed: packed.Product | None = None
    _most_rows = 0

    def __init__(self, inputs: int, outputs: int, bits: int, bias: bool) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bits = inputs, outputs, bits
        shape, scales = packing.shapes(outputs, inputs, bits)
        kind = torch.int8 if bits == 8 else torch.int32
        self.weight = nn.Parameter(torch.empty(shape, dtype=kind), requires_grad=False)
        self.scale = nn.Parameter(torch.empty(scales), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs), requires_grad=False) if bias else None

    def pack(self, spare: bool) -> bool:
        """Make a copy to answer from, if the processor allows one; whether it does.

        spare: there is memory for float16. Else the copy is of integers and rounds inputs, too;
        one of four bits takes the place of the original.
        """
        self._most_rows = sys.maxsize
        if spare:
            copy = packed.pack(self.dequantized(torch.float32), self.bias, exact=False)
            self._packed = None if copy is None else partial(packed.product, packed=copy)
        elif self.bits == 8:
            self._packed = packed.int8_product(self.weight, self.scale, self.bias)
            self._most_rows = packed.INT8_ROWS
        else:
            integers = packing.unpack(self.weight, self.in_features)
            scale = self.scale[:, : -(-self.in_features // packing.GROUP)]
            self._packed = packed.int4_product(integers, scale, self.bias)
            if self._packed is not None:
                self.weight.data = self.weight.data.new_empty(0)
        return self._packed is not None

    def dequantized(self, dtype: torch.dtype) -> Tensor:
        """The weights that the integers stand for, (outputs, inputs)."""
        return packing.dequantize(self.weight, self.scale, self.in_features, dtype)

    def forward(
        self, x: Tensor, norm: RMSNorm | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """residual + norm(x) weight^T + bias; see `ops.product`."""
        if self._packed is None or x.shape[:-1].numel() > self._most_rows:
            gain, eps = _fused(norm)
            return quantized(
                x, self.weight, self.scale, self.bias, gain=gain, eps=eps, residual=residual
            )
        y = self._packed(x if norm is None else norm(x))
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

"""Projections and embedding, which can hold a packed copy of their weights for inference."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zamba2_vl.ops.packed import pack, product


class Linear(nn.Linear):
    """nn.Linear. After `pack` it answers from the copy wherever no gradient is asked for, so
    weights that change afterwards must be packed again."""

    packed: torch.ScriptObject | None = None

    def pack(self) -> bool:
        """Make the copy, if the processor and the weights allow one; whether they do."""
        self.packed = pack(self.weight.detach(), self.bias)
        return self.packed is not None

    def forward(self, x: Tensor) -> Tensor:
        if self.packed is None or torch.is_grad_enabled():
            return F.linear(x, self.weight, self.bias)
        return product(x, self.packed)


class Embedding(nn.Embedding):
    """nn.Embedding whose table can serve as the output head too; `pack` as for Linear."""

    packed: torch.ScriptObject | None = None

    def pack(self) -> bool:
        self.packed = pack(self.weight.detach())
        return self.packed is not None

    def scores(self, hidden: Tensor) -> Tensor:
        """hidden: (..., features) -> its products with all rows, (..., rows)."""
        if self.packed is None or torch.is_grad_enabled():
            return F.linear(hidden, self.weight)
        return product(hidden, self.packed)

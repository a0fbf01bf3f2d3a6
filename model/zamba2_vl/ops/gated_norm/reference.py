"""The gated, grouped root-mean-square norm in plain PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.ops.norm import unit_rms


def gated_norm(y: Tensor, gate: Tensor, weight: Tensor, groups: int, eps: float) -> Tensor:
    gated = y.float() * F.silu(gate.float())
    grouped = torch.unflatten(gated, -1, (groups, -1))
    return (unit_rms(grouped, eps).flatten(-2) * weight).to(y.dtype)

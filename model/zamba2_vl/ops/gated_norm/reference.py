"""The gated, grouped root-mean-square norm in plain PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor


def gated_norm(y: Tensor, gate: Tensor, weight: Tensor, groups: int, eps: float) -> Tensor:
    gated = y.float() * F.silu(gate.float())
    grouped = torch.unflatten(gated, -1, (groups, -1))
    normed = F.rms_norm(grouped, grouped.shape[-1:], eps=eps)
    return (normed.flatten(-2) * weight).to(y.dtype)

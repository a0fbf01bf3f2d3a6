"""The plain root-mean-square norm: PyTorch's own kernel, or, on a CPU, fewer passes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """nn.RMSNorm whose weight follows the input's dtype, which the fused kernels ask for under
    autocast."""

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)


def rms_norm(x: Tensor, gain: Tensor, eps: float | None) -> Tensor:
    """gain * x / sqrt(mean of squares over the last dimension + eps)."""
    if eps is not None and _alone(x):
        return _in_few_passes(x, eps).mul_(gain)
    return F.rms_norm(x, gain.shape, gain.to(x.dtype), eps)


def unit_rms(x: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean of squares over the last dimension + eps)."""
    return _in_few_passes(x, eps) if _alone(x) else F.rms_norm(x, x.shape[-1:], eps=eps)


def _alone(x: Tensor) -> bool:
    """One kernel on CUDA is a chain of many on a CPU, which cost a decoding step more than their
    arithmetic. Gradients and lower precision keep the chain that they were tested with."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_grad_enabled()


def _in_few_passes(x: Tensor, eps: float) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    scale: Tensor = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
    return x * scale

"""Mamba2's norm at the end of a layer's branch."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.gated_norm import reference

if backend.TRITON:
    from zamba2_vl.ops.gated_norm import kernel


def gated_norm(y: Tensor, gate: Tensor, weight: Tensor, groups: int, eps: float) -> Tensor:
    """weight * rms_norm(y * silu(gate)), the mean of squares taken over each group of features.

    y, gate: (..., features); weight: (features,). Computed in float32, returned in y's dtype. The
    kernel computes where no gradient is asked for.
    """
    if backend.kernels("gated_norm", y) and not backend.differentiated(y):
        return kernel.gated_norm(y, gate, weight, groups, eps)
    return reference.gated_norm(y, gate, weight, groups, eps)

"""The middle of a gated MLP: the shared blocks' with GELU, the vision tower's with SiLU."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.gating import reference
from zamba2_vl.ops.gating.reference import Activation

if backend.TRITON:
    from zamba2_vl.ops.gating import kernel

__all__ = ["Activation", "gated"]


def gated(gate: Tensor, up: Tensor, activation: Activation) -> Tensor:
    """activation(gate) * up.

    gate, up: (..., features) alike, features contiguous: halves of one tensor will do. The kernel
    computes in float32, where no gradient is asked for.
    """
    if backend.kernels("gating", gate) and not backend.differentiated(gate):
        mixed: Tensor = kernel.gated(gate, up, activation)
        return mixed
    return reference.gated(gate, up, activation)

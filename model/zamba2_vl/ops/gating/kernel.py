"""Gated activations on a GPU: each number read and written once."""

import triton
import triton.language as tl
from torch import Tensor

from zamba2_vl.ops.gating.reference import Activation

_FEATURES = 1024


@triton.jit
def _gate(
    gate, up, y, features, gate_row, up_row, GELU: tl.constexpr, N: tl.constexpr
):  # fmt: skip
    row, feature = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    ok = feature < features
    g = tl.load(gate + row * gate_row + feature, ok, 0.0).to(tl.float32)
    u = tl.load(up + row * up_row + feature, ok, 0.0).to(tl.float32)
    share = 0.5 + 0.5 * tl.erf(g * 0.7071067811865476) if GELU else tl.sigmoid(g)
    tl.store(y + row * features + feature, (g * share * u).to(y.dtype.element_ty), ok)


def gated(gate: Tensor, up: Tensor, activation: Activation) -> Tensor:
    """As `zamba2_vl.ops.gating.gated`, not differentiable."""
    y = gate.new_empty(gate.shape)
    features = gate.shape[-1]
    gates, ups = gate.flatten(0, -2), up.flatten(0, -2)
    _gate[(len(gates), triton.cdiv(features, _FEATURES))](
        gates, ups, y, features, gates.stride(0), ups.stride(0),
        GELU=activation == "gelu", N=_FEATURES, num_warps=4,
    )  # fmt: skip
    return y

"""The gated norm on a GPU: one program a token and group, each number read and written once."""

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _forward(
    y, gate, weight, normed, width, eps, y_token, gate_token, WIDTH: tl.constexpr
):  # fmt: skip
    token, group = tl.program_id(0).to(tl.int64), tl.program_id(1)
    feature = group * width + tl.arange(0, WIDTH)
    ok = tl.arange(0, WIDTH) < width
    z = tl.load(gate + token * gate_token + feature, ok, 0.0).to(tl.float32)
    gated = tl.load(y + token * y_token + feature, ok, 0.0).to(tl.float32) * z * tl.sigmoid(z)
    scale = tl.rsqrt(tl.sum(gated * gated, 0) / width + eps)
    out = gated * scale * tl.load(weight + feature, ok, 0.0).to(tl.float32)
    places = normed + token * width * tl.num_programs(1) + feature
    tl.store(places, out.to(normed.dtype.element_ty), ok)


def gated_norm(y: Tensor, gate: Tensor, weight: Tensor, groups: int, eps: float) -> Tensor:
    """As `zamba2_vl.ops.gated_norm`; the features contiguous, not differentiable."""
    features = y.shape[-1]
    normed = y.new_empty(y.shape)
    rows, gates = y.reshape(-1, features), gate.flatten(0, -2)
    width = features // groups
    block = triton.next_power_of_2(width)
    _forward[(len(rows), groups)](
        rows, gates, weight, normed, width, eps, rows.stride(0), gates.stride(0),
        WIDTH=block, num_warps=min(8, max(1, block // 512)),
    )  # fmt: skip
    return normed

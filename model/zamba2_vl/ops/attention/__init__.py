"""Softmax attention, for both the vision tower and the shared blocks."""

from torch import Tensor

from zamba2_vl.ops.attention import reference


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float,
    causal: bool = False,
    mask: Tensor | None = None,
) -> Tensor:
    """softmax(scale q·k + mask) v.

    q: (batch, heads, queries, width); k, v: (batch, key heads, keys, width), each key head shared
    by heads / key heads consecutive heads; mask: None, bool (True = may look) or a float to add,
    broadcastable to (batch, heads, queries, keys). `causal` is for queries = keys and no mask.
    Returns (batch, heads, queries, width).
    """
    return reference.attention(q, k, v, scale, causal, mask)

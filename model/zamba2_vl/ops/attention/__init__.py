"""Softmax attention, for both the vision tower and the shared blocks."""

from collections.abc import Sequence

from torch import Tensor

from zamba2_vl.ops.attention import reference, varied


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


def attention_by_length(q: Tensor, k: Tensor, v: Tensor, lengths: Tensor) -> Tensor:
    """softmax(width^-0.5 q·k) v among the first `lengths` tokens of each row.

    q, k, v: (batch, tokens, heads, width); lengths: (batch,), at least 1. What comes out for
    padding is finite rubbish. Returns (batch, tokens, heads, width). On a GPU for half precision
    only.
    """
    return (varied.flash if q.is_cuda else varied.masked)(q, k, v, lengths)


def attention_by_page(q: Tensor, k: Tensor, v: Tensor, pages: Sequence[int]) -> Tensor:
    """softmax(width^-0.5 q·k) v among the tokens of each page.

    q, k, v: (batch, tokens, heads, width); pages: tokens of each page, one behind the other in
    every row. Returns (batch, tokens, heads, width).
    """
    return varied.one_by_one(q, k, v, pages)

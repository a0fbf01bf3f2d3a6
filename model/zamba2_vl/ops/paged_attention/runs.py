"""Long chunks of one row by cuDNN's attention, which knows no pages but is twice as fast.

Where pages lie one behind the other, the pool itself serves as keys and values. cuDNN plans for
each new shape, for longer than a whole prompt takes, so both queries and keys go in pieces of one
size: each piece of queries attends to itself causally, and without a mask to every piece before
it. What comes out is joined by the logarithms of the softmax sums. No keys are copied, and memory
stays flat.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from zamba2_vl.ops.paged_attention.known import Known

# Tokens of a piece.
GRAIN = 4096
_QUERIES = 16


def serves(q: Tensor, keys: Tensor, known: Known) -> bool:
    """Whether cuDNN can: from Hopper on, whole pieces, and keys that are not shared by heads."""
    return (
        len(q) == 1
        and q.shape[2] == keys.shape[2]
        and q.dtype == keys.dtype
        and q.dtype != torch.float32
        and q.shape[3] % 8 == 0
        and torch.cuda.get_device_capability(q.device) >= (9, 0)
        and known.start % GRAIN == 0
        and known.pieces(known.start + q.shape[1], GRAIN, keys.shape[1]) is not None
    )


def paged_attention(q: Tensor, keys: Tensor, values: Tensor, scale: float, known: Known) -> Tensor:
    """As `zamba2_vl.ops.paged_attention.paged_attention` for what `serves` approves of."""
    pieces = known.pieces(known.start + q.shape[1], GRAIN, keys.shape[1])
    assert pieces is not None
    y = torch.empty_like(q)
    for nth, mine in enumerate(torch.split(q, GRAIN, dim=1), known.start // GRAIN):
        rows = mine.transpose(1, 2)
        mixed, sums = _attend(rows, keys, values, pieces[nth], scale, causal=True)
        for piece in pieces[:nth]:
            _join(mixed, sums, *_attend(rows, keys, values, piece, scale, causal=False))
        place = nth * GRAIN - known.start
        y[:, place : place + GRAIN] = mixed.transpose(1, 2)
    return y


def _attend(
    q: Tensor, keys: Tensor, values: Tensor, place: slice, scale: float, causal: bool
) -> tuple[Tensor, Tensor]:
    """(1, heads, queries, width) -> the same and the sums' logarithms, (1, heads, queries, 1)."""
    k, v = (t.flatten(0, 1)[None, place].transpose(1, 2) for t in (keys, values))
    # PyTorch's public function does not give the sums.
    found = torch.ops.aten._scaled_dot_product_cudnn_attention(
        q, k, v, None, True, 0.0, causal, False, scale=scale
    )
    return found[0], found[1]


@triton.jit
def _blend(
    y, others, sums, weights, queries,
    y_head, y_query, others_head, others_query,
    Q: tl.constexpr, WIDTH: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    query, head = tl.program_id(0) * Q + tl.arange(0, Q), tl.program_id(1).to(tl.int64)
    inside = query < queries
    one = tl.load(sums + head * queries + query, inside, 0.0)
    other = tl.load(weights + head * queries + query, inside, 0.0)
    top = tl.maximum(one, other)
    both = top + tl.log(tl.exp(one - top) + tl.exp(other - top))
    tl.store(sums + head * queries + query, both, inside)
    feature = tl.arange(0, W)[None, :]
    ok = inside[:, None] & (feature < WIDTH)
    places = y + head * y_head + query[:, None] * y_query + feature
    theirs = others + head * others_head + query[:, None] * others_query + feature
    mixed = tl.load(places, ok, 0.0).to(tl.float32) * tl.exp(one - both)[:, None]
    mixed += tl.load(theirs, ok, 0.0).to(tl.float32) * tl.exp(other - both)[:, None]
    tl.store(places, mixed.to(y.dtype.element_ty), ok)


def _join(y: Tensor, sums: Tensor, others: Tensor, weights: Tensor) -> None:
    """Let `others` take part in y and sums, in place."""
    _, heads, queries, width = y.shape
    _blend[(triton.cdiv(queries, _QUERIES), heads)](
        y, others, sums, weights, queries, *y.stride()[1:3], *others.stride()[1:3],
        Q=_QUERIES, WIDTH=width, W=triton.next_power_of_2(width),
    )  # fmt: skip

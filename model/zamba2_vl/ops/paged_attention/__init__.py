"""Causal attention over a cache that lies in pages, for decoding and for chunks of a prompt."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.paged_attention import reference
from zamba2_vl.ops.paged_attention.known import Known

if backend.TRITON:
    from zamba2_vl.ops.paged_attention import kernel

__all__ = ["Known", "paged_attention"]


def paged_attention(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
    positions: Tensor,
    scale: float,
    known: Known | None = None,
) -> Tensor:
    """softmax(scale q·k) v among the tokens of a row up to each query's own, which the cache holds.

    q: (batch, length, heads, width), features contiguous; keys, values: (pages, page tokens, key
    heads, width), heads / key heads consecutive heads share a key head; table: (batch, pages of a
    row) int32: token p of a row lies in page table[row, p // page tokens], and entries past a row's
    end are not read; positions: (batch, length) int32, rising, -1 where there is no query, for
    which zeros come out; known: the same for the host, if there is one row and no query is missing,
    which makes long chunks faster. Returns (batch, length, heads, width).

    On a GPU the kernels keep memory flat, ask the host for nothing and serve pages of a power of
    two of tokens, at least 16.
    """
    compute = kernel if backend.kernels("paged_attention", q, keys.shape[1]) else reference
    mixed: Tensor = compute.paged_attention(q, keys, values, table, positions, scale, known)
    return mixed

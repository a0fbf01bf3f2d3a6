"""Attention over pages on a GPU: one query a row is spread over the device, many go in tiles."""

from torch import Tensor

from zamba2_vl.ops.paged_attention import chunk, runs, step
from zamba2_vl.ops.paged_attention.known import Known


def paged_attention(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
    positions: Tensor,
    scale: float,
    known: Known | None,
) -> Tensor:
    """As `zamba2_vl.ops.paged_attention.paged_attention`; keys and values contiguous."""
    if known is not None and q.is_cuda and runs.serves(q, keys, known):
        return runs.paged_attention(q, keys, values, scale, known)
    compute = step if q.shape[1] == 1 else chunk
    mixed: Tensor = compute.paged_attention(q, keys, values, table, positions, scale)
    return mixed

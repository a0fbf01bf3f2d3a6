"""The scan by mamba_ssm, where that is installed and chosen."""

import torch
from torch import Tensor


def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    chunk_size: int,
    state: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """As `zamba2_vl.ops.ssd_scan`, of step widths."""
    from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

    if lengths is not None:
        valid = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        dt = dt * valid[..., None]
    y, last = mamba_chunk_scan_combined(
        x, dt, a, b, c, chunk_size, D=d, initial_states=state, return_final_states=True
    )
    return y, last

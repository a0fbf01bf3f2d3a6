"""Functions that Triton kernels of several operations share."""

import triton
import triton.language as tl


@triton.jit
def softplus(x):
    """log(1 + exp(x)), to full precision where it is small."""
    grown = tl.exp(tl.minimum(x, 20.0))
    more = 1.0 + grown
    exact = tl.where(more == 1.0, grown, tl.log(more) * grown / (more - 1.0))
    return tl.where(x > 20.0, x, exact)

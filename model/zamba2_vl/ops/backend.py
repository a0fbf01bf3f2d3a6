"""Which code computes an operation: a Triton kernel, or the plain PyTorch twin beside it.

Kernels run where the tensors lie on a GPU and Triton is installed. `DOCEXTRACT_OPS` in the
environment forces one of them: `pytorch` everywhere, `ssd_scan=pytorch,rotary=triton` by operation.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch import Tensor

from zamba2_vl.errors import ConfigError

VARIABLE = "DOCEXTRACT_OPS"
TRITON = find_spec("triton") is not None

_EVERY = ""
_NAMES = ("triton", "pytorch")


def kernels(op: str, x: Tensor, *sizes: int) -> bool:
    """Whether the kernel of `op` shall compute what becomes of x.

    sizes: dimensions that lie in one tile, which Triton wants as powers of two and its matrix
    product as at least 16; with any others the twin computes, forced or not. A forced kernel runs
    on a CPU too, which needs Triton's interpreter (`TRITON_INTERPRET=1`).
    """
    forced = _forced.get(op) or _forced.get(_EVERY)
    if not TRITON or forced == "pytorch":
        return False
    if any(size < 16 or size & (size - 1) for size in sizes):
        return False
    return x.is_cuda or forced == "triton"


def differentiated(x: Tensor) -> bool:
    """Whether somebody will ask for gradients, which some kernels do not give."""
    return torch.is_grad_enabled() and x.requires_grad


@contextmanager
def forced(choice: str) -> Iterator[None]:
    """Force what is written as in the environment; before and after, what was forced before.

    Raises ConfigError where it names no code that there is.
    """
    chosen = _parsed(choice)
    before = dict(_forced)
    _forced.update(chosen)
    try:
        yield
    finally:
        _forced.clear()
        _forced.update(before)


def _parsed(choice: str) -> dict[str, str]:
    chosen = {}
    for part in filter(None, choice.replace(" ", "").split(",")):
        op, _, name = part.rpartition("=")
        if name not in _NAMES:
            raise ConfigError(f"{VARIABLE}: {name} computes nothing", f"choose {', '.join(_NAMES)}")
        chosen[op] = name
    return chosen


_forced = _parsed(os.environ.get(VARIABLE, ""))

"""Which code computes an operation: a Triton kernel, another library, or the plain PyTorch twin.

Kernels run where the tensors lie on a GPU and Triton is installed; a library that is installed, too
(`docextract[cuda]`), runs where it was measured to be faster on that GPU (see `measuring`).
`DOCEXTRACT_OPS` in the environment forces one of them: `pytorch` everywhere, or by operation
`ssd_scan=mamba_ssm,rotary=triton`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch import Tensor

from zamba2_vl.errors import ConfigError

VARIABLE = "DOCEXTRACT_OPS"
LIBRARIES = {"ssd_scan": "mamba_ssm", "causal_conv": "causal_conv1d"}
"""The modules that may compute an operation for inference, too."""
TRITON = find_spec("triton") is not None

_EVERY = ""
_KERNEL, _PLAIN = "triton", "pytorch"


def kernels(op: str, x: Tensor, *sizes: int) -> bool:
    """Whether the kernel of `op` can compute what becomes of x, and is not forbidden to.

    sizes: dimensions that lie in one tile, which Triton wants as powers of two and its matrix
    product as at least 16; with any others the twin computes, forced or not. A forced kernel runs
    on a CPU too, which needs Triton's interpreter (`TRITON_INTERPRET=1`).
    """
    wish = _wish(op)
    if not TRITON or wish == _PLAIN or any(size < 16 or size & (size - 1) for size in sizes):
        return False
    return x.is_cuda or wish == _KERNEL


def chosen(op: str, x: Tensor, *sizes: int) -> str:
    """What shall compute `op` of x for inference: `triton`, `pytorch` or the operation's library;
    `sizes` as in `kernels`."""
    if x.is_cuda and (name := _wish(op) or _preferred.get(op)) and name == LIBRARIES.get(op):
        return name
    return _KERNEL if kernels(op, x, *sizes) else _PLAIN


def on_gpu(op: str) -> str:
    """What computes `op` on a GPU where the sizes allow it."""
    return _wish(op) or _preferred.get(op) or (_KERNEL if TRITON else _PLAIN)


def differentiated(x: Tensor) -> bool:
    """Whether somebody will ask for gradients, which some kernels do not give."""
    return torch.is_grad_enabled() and x.requires_grad


def candidates(op: str) -> list[str]:
    """What could compute an operation on a GPU here."""
    library = LIBRARIES.get(op)
    found = [_KERNEL] if TRITON else []
    return [*found, *([library] if library and find_spec(library) else []), _PLAIN]


def prefer(choice: Mapping[str, str]) -> None:
    """Let these compute on a GPU, by operation, unless something is forced."""
    _preferred.update(choice)


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


def _wish(op: str) -> str | None:
    return _forced.get(op) or _forced.get(_EVERY)


def _parsed(choice: str) -> dict[str, str]:
    chosen = {}
    for part in filter(None, choice.replace(" ", "").split(",")):
        op, _, name = part.rpartition("=")
        if name not in candidates(op):
            raise ConfigError(
                f"{VARIABLE}: {name} computes nothing here{f' for {op}' if op else ''}",
                f"choose {', '.join(candidates(op))}; pip install 'docextract[cuda]' gives more",
            )
        chosen[op] = name
    return chosen


_forced = _parsed(os.environ.get(VARIABLE, ""))
_preferred: dict[str, str] = {}

"""Which of several libraries computes an operation fastest on a GPU: measured once, remembered.

Only where a library is installed beside Triton is there a question; then the answer is kept in the
user's cache folder, by GPU, until one of the libraries changes. A library that cannot be imported,
or says something else than PyTorch, is out of the question.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.causal_conv import causal_conv
from zamba2_vl.ops.ssd_scan import ssd_scan

Seconds = dict[str, dict[str, float]]
"""By operation and what computed it."""
Trial = Callable[[], tuple[Tensor, Tensor]]

_PACKAGES = {"pytorch": "torch"}
_ROUNDING = 0.02
_RUNS = 10


def settle(device: torch.device) -> Seconds:
    """Let each operation that several libraries know be computed by the fastest of them.

    Returns what they take, of a prompt's chunk through a layer of the 1.2B model.
    """
    rivals = {op: backend.candidates(op) for op in backend.LIBRARIES}
    rivals = {op: names for op, names in rivals.items() if backend.LIBRARIES[op] in names}
    if not rivals:
        return {}
    kept, name = _read(), torch.cuda.get_device_name(device)
    used = {name for names in rivals.values() for name in names}
    versions = {name: version(_PACKAGES.get(name, name)) for name in sorted(used)}
    entry: dict[str, Any] = kept.get(name, {})
    if entry.get("versions") != versions:
        entry = {"versions": versions, "seconds": measure(rivals, device)}
        _write({**kept, name: entry})
    seconds: Seconds = entry["seconds"]
    backend.prefer({op: min(taken, key=taken.__getitem__) for op, taken in seconds.items()})
    return seconds


def measure(rivals: dict[str, list[str]], device: torch.device) -> Seconds:
    """What each of them takes for one call."""
    seconds: Seconds = {}
    for op, names in rivals.items():
        call, seconds[op] = _TRIALS[op](device), {}
        with backend.forced(f"{op}=pytorch"), torch.inference_mode():
            expected = call()
        for name in names:
            with backend.forced(f"{op}={name}"), torch.inference_mode():
                try:
                    agrees = all(map(_close, call(), expected))
                except ImportError:  # installed, but not for this PyTorch
                    continue
                if agrees:
                    seconds[op][name] = _timed(call)
    return seconds


def folder() -> Path:
    """Where measurements are kept."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "docextract"


def _close(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).float().norm() <= _ROUNDING * other.float().norm())


def _timed(call: Trial) -> float:
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(_RUNS):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / _RUNS


def _scan(device: torch.device) -> Trial:
    heads, width, rank, length = 64, 64, 128, 4096
    x = torch.randn(1, length, heads, width, device=device, dtype=torch.bfloat16)
    b, c = torch.randn(2, 1, length, 1, rank, device=device, dtype=torch.bfloat16)
    dt = F.softplus(torch.randn(1, length, heads, device=device) - 3)
    a, d = -torch.rand(heads, device=device), torch.randn(heads, device=device)
    state = torch.zeros(1, heads, width, rank, device=device)
    return lambda: ssd_scan(x, dt, a, b, c, d, 256, state)


def _convolution(device: torch.device) -> Trial:
    channels = 4352
    x, before = (
        torch.randn(1, n, channels, device=device, dtype=torch.bfloat16) for n in (4096, 3)
    )
    weight = torch.randn(channels, 4, device=device, dtype=torch.bfloat16)
    bias = torch.randn(channels, device=device, dtype=torch.bfloat16)
    return lambda: causal_conv(x, weight, bias, before)


_TRIALS = {"ssd_scan": _scan, "causal_conv": _convolution}


def _read() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads((folder() / "kernels.json").read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _write(kept: dict[str, Any]) -> None:
    """A cache that finds no place costs a measurement at each start, and nothing else."""
    path = folder() / "kernels.json"
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(kept, indent=1))
        draft.replace(path)
    except OSError:
        return

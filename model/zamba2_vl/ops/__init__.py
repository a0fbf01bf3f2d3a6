"""The operations that fast kernels may take over: one package each, a plain PyTorch twin inside."""

import pkgutil
from importlib import import_module
from types import ModuleType


def backends(device_type: str) -> dict[str, str]:
    """What computes each operation of the engine on `cpu` or `cuda`: `triton`, `pytorch` or a
    library, and where several were measured, how long they take."""
    import torch

    from zamba2_vl.ops import backend, measuring, packed

    names = [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg]
    used = dict.fromkeys(names, "pytorch")
    if device_type == "cuda":
        seconds = measuring.settle(torch.device("cuda"))
        for name in names:
            if _has_kernels(import_module(f"{__name__}.{name}")):
                used[name] = backend.on_gpu(name)
            if name in seconds:
                used[name] += f" ({_milliseconds(seconds[name])})"
    elif packed.is_served():
        used["product"] = "fbgemm"
    return used


def _has_kernels(op: ModuleType) -> bool:
    return any("triton" in vars(part) for part in vars(op).values() if isinstance(part, ModuleType))


def _milliseconds(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {taken * 1000:.2f} ms" for name, taken in seconds.items())

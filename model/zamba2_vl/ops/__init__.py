"""The operations that fast kernels may take over: one package each, a plain PyTorch twin inside."""

import pkgutil
from importlib import import_module


def backends(device_type: str) -> dict[str, str]:
    """What computes each operation on `cpu` or `cuda`: `triton`, `fbgemm` or `pytorch`."""
    from zamba2_vl.ops import packed

    names = [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg]
    kernels = {name for name in names if hasattr(import_module(f"{__name__}.{name}"), "kernel")}
    fast = kernels if device_type == "cuda" else set()
    used = {name: "triton" if name in fast else "pytorch" for name in names}
    if device_type == "cpu" and packed.is_served():
        used["product"] = "fbgemm"
    return used

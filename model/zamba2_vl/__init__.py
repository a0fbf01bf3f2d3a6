"""Zamba2-VL in plain PyTorch: pictures and words in, words out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zamba2_vl.api import Zamba2VL
    from zamba2_vl.engine.laps import Timings
    from zamba2_vl.engine.request import Constraint, Generation, Request, Token

__all__ = ["Constraint", "Generation", "Request", "Timings", "Token", "Zamba2VL"]

_HOMES = {
    "Constraint": "zamba2_vl.engine.request",
    "Generation": "zamba2_vl.engine.request",
    "Request": "zamba2_vl.engine.request",
    "Timings": "zamba2_vl.engine.laps",
    "Token": "zamba2_vl.engine.request",
    "Zamba2VL": "zamba2_vl.api",
}


def __getattr__(name: str) -> Any:
    # Looked up when asked for, so that training and the configuration come without the engine.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

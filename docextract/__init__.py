"""Documents in, typed records out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docextract.extraction import extract
    from docextract.readers import open_reader
    from docextract.records import Extraction
    from docextract.schema import load_schema

__all__ = ["Extraction", "extract", "load_schema", "open_reader"]

__version__ = "0.1.0"

_HOMES = {
    "Extraction": "docextract.records",
    "extract": "docextract.extraction",
    "load_schema": "docextract.schema",
    "open_reader": "docextract.readers",
}


def __getattr__(name: str) -> Any:
    # Looked up when asked for, so that the command line starts without them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

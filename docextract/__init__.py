"""Documents in, typed records out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docextract.counting import count
    from docextract.errors import DocextractError
    from docextract.extraction import extract, extract_each
    from docextract.extractor import Extractor, aextract
    from docextract.readers import open_reader
    from docextract.records import Count, Extraction, Mark
    from docextract.schema import load_schema
    from docextract.settings import Limits, Settings

__all__ = [
    "Count",
    "DocextractError",
    "Extraction",
    "Extractor",
    "Limits",
    "Mark",
    "Settings",
    "aextract",
    "count",
    "extract",
    "extract_each",
    "load_schema",
    "open_reader",
]

__version__ = "0.1.0"

_HOMES = {
    "Count": "docextract.records",
    "DocextractError": "docextract.errors",
    "Extraction": "docextract.records",
    "Extractor": "docextract.extractor",
    "Limits": "docextract.settings",
    "Mark": "docextract.records",
    "Settings": "docextract.settings",
    "aextract": "docextract.extractor",
    "count": "docextract.counting",
    "extract": "docextract.extraction",
    "extract_each": "docextract.extraction",
    "load_schema": "docextract.schema",
    "open_reader": "docextract.readers",
}


def __getattr__(name: str) -> Any:
    # Looked up when asked for, so that the command line starts without them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

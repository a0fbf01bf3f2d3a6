import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any, assert_type

import pytest
from pydantic import BaseModel

import docextract
from docextract import Extraction, Extractor, aextract, extract, extract_each
from docextract.readers.scripted import ScriptedReader

PAGE = Path(__file__).parents[2] / "samples" / "receipt.jpg"


class Invoice(BaseModel):
    total: str


def test_the_public_names_are_all_there_and_sorted() -> None:
    assert docextract.__all__ == sorted(docextract.__all__)
    for name in docextract.__all__:
        assert getattr(docextract, name).__name__ == name


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        docextract.nothing  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pydantic', 'jinja2', 'numpy', 'pymupdf', 'PIL', 'llguidance'}"
    script = f"import sys, docextract; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_results_have_the_type_of_the_schema() -> None:
    """mypy reads this file, too: it is there that `assert_type` can fail."""

    def reader() -> ScriptedReader:
        return ScriptedReader([{"total": "1"}])

    result = extract(PAGE, Invoice, reader())
    assert_type(result, Extraction[Invoice])
    assert_type(result.record, Invoice | None)
    assert_type(extract(PAGE, "total money", reader()), Extraction[Any])
    assert_type(extract_each(PAGE, Invoice, reader()), list[Extraction[Invoice]])
    assert_type(asyncio.run(aextract(PAGE, Invoice, reader())), Extraction[Invoice])
    with Extractor(Invoice, reader=ScriptedReader([{"total": "1"}] * 2)) as extractor:
        assert_type(extractor, Extractor[Invoice])
        assert_type(extractor.extract(PAGE), Extraction[Invoice])
        assert_type(asyncio.run(extractor.aextract(PAGE)), Extraction[Invoice])
    assert_type(Extractor("total money", reader=reader()), Extractor[Any])
    assert isinstance(result.record, Invoice)

import subprocess
import sys

import pytest

import docextract


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

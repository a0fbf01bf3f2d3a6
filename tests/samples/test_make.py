import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docextract.schema import load_schema

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make", SAMPLES / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def drawn(make: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    make.main(folder)
    return folder


def test_the_samples_are_what_the_code_draws(drawn: Path) -> None:
    names = {path.name for path in SAMPLES.iterdir() if path.is_file() and path.suffix != ".py"}
    assert {path.name for path in drawn.iterdir()} == names
    for path in drawn.glob("*.json"):
        assert path.read_text("utf-8") == (SAMPLES / path.name).read_text("utf-8")


def test_the_receipt_looks_the_same(drawn: Path) -> None:
    # Other versions of MuPDF and Pillow may round differently.
    ours, theirs = (
        np.asarray(Image.open(folder / "receipt.jpg"), float) for folder in (drawn, SAMPLES)
    )
    assert np.abs(ours - theirs).mean() < 3


def test_the_invoice_says_the_same(drawn: Path) -> None:
    ours, theirs = (words(folder / "invoice.pdf") for folder in (drawn, SAMPLES))
    assert ours == theirs


def words(path: Path) -> list[str]:
    with pymupdf.open(path) as document:
        return [word[4] for page in document for word in page.get_text("words")]


@pytest.mark.parametrize("name", ["invoice", "receipt"])
def test_the_expected_records_are_valid_and_in_their_final_form(name: str) -> None:
    expected = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    record = load_schema(name).model.model_validate(expected)
    assert record.model_dump(mode="json") == expected


def test_the_sums_are_right(make: ModuleType) -> None:
    for record, net, tax in (
        (make.RECEIPT, "subtotal", "tax"),
        (make.INVOICE, "net_total", "tax_total"),
    ):
        items = record["line_items"]
        for item in items:
            product = Decimal(item["quantity"]) * Decimal(item["unit_price"])
            assert product == Decimal(item["amount"])
        assert sum(Decimal(item["amount"]) for item in items) == Decimal(record[net])
        assert Decimal(record[net]) + Decimal(record[tax]) == Decimal(record["total"])

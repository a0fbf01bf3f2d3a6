import json
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from training import real
from training.real.store import RealPage

TRUTH: dict[str, Any] = {
    "invoice_number": "RE-471102",
    "issue_date": "20180305",
    "seller": "Lieferant GmbH",
    "buyer": "KUNDEN AG",
    "seller_vat": "DE123456789",
    "currency": "EUR",
    "line_total": "1060.5",
    "tax_total": "201.50",
    "grand_total": "1262",
    "due_payable": None,
    "due_date": None,
    "iban": "DE02120300000000202051",
    "items": [],
}
FIRST = [
    (60, 80, "Lieferant GmbH"),
    (60, 120, "Kunden AG"),
    (300, 80, "Rechnung RE-471102"),
    (300, 100, "Datum: 05.03.2018"),
    (60, 160, "USt-IdNr. DE123456789"),
    (60, 300, "Summe netto"), (400, 300, "1.060,50"),
    (60, 320, "Umsatzsteuer"), (400, 320, "201,50"),
    (60, 340, "Rechnungsbetrag brutto EUR"), (400, 340, "1.262,00"),
    (60, 400, "IBAN DE02 1203 0000 0000 2020 51"),
]  # fmt: skip
SECOND = [(60, 80, "Lieferant GmbH"), (60, 120, "Anlage zu RE-471102 mit 3 Fotos")]


def pages(folder: Path, truth: dict[str, Any], copies: int = 1) -> list[RealPage]:
    with pymupdf.open() as document:
        for texts in (FIRST, SECOND):
            sheet = document.new_page()
            for x, y, text in texts:
                sheet.insert_text((x, y), text, fontsize=11)
        document.save(folder / "a.pdf")
    label = {"file": "a.pdf", "split": "train", "truth": truth}
    (folder / "labels.jsonl").write_text("\n".join([json.dumps(label)] * copies))
    real.prepare([folder], folder / "out")
    return real.load(folder / "out", "train")


def test_values_are_asked_for_as_printed(tmp_path: Path) -> None:
    first, second = pages(tmp_path, TRUTH)
    assert first.record == {
        "invoice_number": "RE-471102",
        "issue_date": "05.03.2018",
        "due_date": None,
        "seller_name": "Lieferant GmbH",
        "seller_tax_id": "DE123456789",
        "buyer_name": "Kunden AG",
        "currency": "EUR",
        "net_total": "1.060,50",
        "tax_total": "201,50",
        "total": "1.262,00",
        "iban": "DE02 1203 0000 0000 2020 51",
    }
    assert second.record == {
        "invoice_number": "RE-471102",
        "issue_date": None,
        "due_date": None,
        "seller_name": "Lieferant GmbH",
        "buyer_name": None,
        "currency": None,
        "net_total": None,
        "tax_total": None,
        "total": None,
        "iban": None,
    }
    assert first.kind == "invoice" and first.group == second.group


@pytest.mark.parametrize(
    ("change", "unasked"),
    [
        ({"grand_total": "9.99"}, "total"),  # labelled, yet another amount
        ({"grand_total": "1262", "due_payable": "262"}, "total"),
        ({"seller_vat": "201/113/40209"}, "seller_tax_id"),
        ({"seller": "Somebody else"}, "seller_name"),
        ({"iban": None}, "iban"),
    ],
)
def test_what_is_in_doubt_is_not_asked(
    tmp_path: Path, change: dict[str, Any], unasked: str
) -> None:
    first = pages(tmp_path, TRUTH | change)[0]
    assert unasked not in first.record and len(first.record) > 8


def test_letters_lie_on_the_drawn_ones(tmp_path: Path) -> None:
    page = pages(tmp_path, TRUTH)[0].plain(1200)
    assert "".join(chr(code) for *_, code in page.glyphs[:9]) == "Lieferant"
    dark = [page.pixels[y - 6 : y + 7, x - 5 : x + 6].min() for x, y, _ in page.glyphs]
    assert np.mean(np.array(dark) < 150) > 0.95


def test_few_pages_of_one_layout_are_kept(tmp_path: Path) -> None:
    kept = pages(tmp_path, TRUTH, copies=9)
    assert len(kept) == 8

"""Draw the sample documents, and write the expected record of each beside it.

    python samples/make.py [FOLDER]

A sample is named after the schema that reads it. Names, numbers and accounts are made up. Nothing
but PyMuPDF's own fonts is needed, so that the pages come out the same everywhere.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image, ImageFilter

RECEIPT: dict[str, Any] = {
    "merchant_name": "SEAGULL BOOKS & COFFEE",
    "merchant_address": "14 HARBOUR STREET, WHITBY YO21 1DN",
    "date": "2026-03-27",
    "time": "10:42",
    "currency": "GBP",
    "subtotal": "17.29",
    "tax": "3.46",
    "total": "20.75",
    "payment_method": "VISA",
    "line_items": [
        {"description": "MOBY DICK", "quantity": "1", "unit_price": "8.99", "amount": "8.99"},
        {"description": "FLAT WHITE", "quantity": "2", "unit_price": "2.95", "amount": "5.90"},
        {"description": "POSTCARD", "quantity": "3", "unit_price": "0.80", "amount": "2.40"},
    ],
}

_RECEIPT_LINES = """\
     SEAGULL BOOKS & COFFEE
       14 HARBOUR STREET,
        WHITBY YO21 1DN
       TEL 01947 555 0142

DATE: 27/03/2026     TIME: 10:42
RECEIPT NO: 004817       TILL: 2
--------------------------------
ITEM         QTY   PRICE  AMOUNT
MOBY DICK      1    8.99    8.99
FLAT WHITE     2    2.95    5.90
POSTCARD       3    0.80    2.40
--------------------------------
SUBTOTAL                   17.29
VAT 20%                     3.46
TOTAL                     £20.75

PAID BY                     VISA
--------------------------------
   THANK YOU, PLEASE CALL AGAIN
"""

INVOICE: dict[str, Any] = {
    "invoice_number": "NL-2026-0318",
    "issue_date": "2026-03-18",
    "due_date": "2026-04-17",
    "purchase_order": "PO-77120",
    "seller_name": "Northern Lamps Ltd",
    "seller_address": "3 Foundry Lane, Leeds LS11 5QT",
    "seller_tax_id": "GB284553107",
    "buyer_name": "Alder & Finch Hotel",
    "buyer_address": "88 Castle Road, York YO1 9RN",
    "currency": "GBP",
    "net_total": "1540.00",
    "tax_total": "308.00",
    "total": "1848.00",
    "iban": "GB82WEST12345698765432",
    "line_items": [
        {
            "description": "Wall lamp, brass",
            "quantity": "12",
            "unit_price": "85.00",
            "amount": "1020.00",
        },
        {
            "description": "Desk lamp, green shade",
            "quantity": "8",
            "unit_price": "55.00",
            "amount": "440.00",
        },
        {
            "description": "Delivery and fitting",
            "quantity": "1",
            "unit_price": "80.00",
            "amount": "80.00",
        },
    ],
}

_INVOICE_TEXTS = [  # left edge and baseline in points, size, text
    (56, 80, 20, "Northern Lamps Ltd"),
    (56, 98, 10, "3 Foundry Lane, Leeds LS11 5QT"),
    (56, 112, 10, "VAT number: GB 284 5531 07"),
    (400, 80, 20, "INVOICE"),
    (56, 170, 10, "Bill to"),
    (56, 186, 11, "Alder & Finch Hotel"),
    (56, 200, 11, "88 Castle Road, York YO1 9RN"),
    (340, 170, 10, "Invoice number"),
    (440, 170, 10, "NL-2026-0318"),
    (340, 186, 10, "Invoice date"),
    (440, 186, 10, "18 March 2026"),
    (340, 202, 10, "Due date"),
    (440, 202, 10, "17 April 2026"),
    (340, 218, 10, "Purchase order"),
    (440, 218, 10, "PO-77120"),
    (56, 560, 10, "Please pay to IBAN GB82 WEST 1234 5698 7654 32 within 30 days."),
    (56, 576, 10, "Thank you for your order."),
]

_INVOICE_TABLE = [
    ("Description", "Quantity", "Unit price", "Amount"),
    ("Wall lamp, brass", "12", "85.00", "1,020.00"),
    ("Desk lamp, green shade", "8", "55.00", "440.00"),
    ("Delivery and fitting", "1", "80.00", "80.00"),
]

_INVOICE_SUMS = [("Net total", "1,540.00"), ("VAT 20%", "308.00"), ("Total GBP", "1,848.00")]

_RIGHT_EDGES = (56, 340, 430, 540)  # of the columns; the first is flush left


def draw_receipt() -> Image.Image:
    """A till receipt, scanned a little askew on a sheet that is far too large for it."""
    lines = _RECEIPT_LINES.splitlines()
    with pymupdf.open() as document:
        page = document.new_page(width=226, height=13 * len(lines) + 40)
        for number, line in enumerate(lines):
            page.insert_text((17, 32 + 13 * number), line, fontname="cour", fontsize=10)
        ink = page.get_pixmap(dpi=150, colorspace=pymupdf.csGRAY)
    slip = Image.frombytes("L", (ink.width, ink.height), ink.samples)
    slip = slip.filter(ImageFilter.GaussianBlur(0.6)).rotate(
        0.7, Image.Resampling.BICUBIC, expand=True, fillcolor=255
    )

    random = np.random.default_rng(7)
    sheet = np.full((1754, 1240), 250.0)
    rows, columns = slip.height, slip.width
    paper = 40 + np.asarray(slip, float) * (200 / 255)  # thermal print is never quite black
    sheet[180 : 180 + rows, 330 : 330 + columns] = np.minimum(paper, 240)
    sheet -= np.linspace(0, 8, sheet.shape[1])  # the lamp is brighter on one side
    sheet += random.normal(0, 2.5, sheet.shape)
    return Image.fromarray(np.clip(sheet, 0, 255).astype(np.uint8))


def draw_invoice() -> bytes:
    """A one-page PDF with a text layer, as accounting programs make them."""
    with pymupdf.open() as document:
        page = document.new_page(width=595, height=842)
        for left, base, size, text in _INVOICE_TEXTS:
            page.insert_text((left, base), text, fontsize=size)
        base = 270
        for row in _INVOICE_TABLE:
            for column, text in enumerate(row):
                _write_in_column(page, column, base, text)
            page.draw_line((56, base + 7), (540, base + 7), width=0.5)
            base += 24
        for label, amount in _INVOICE_SUMS:
            _write_in_column(page, 2, base + 12, label)
            _write_in_column(page, 3, base + 12, amount)
            base += 20
        document.set_metadata({"title": "Invoice NL-2026-0318", "creator": "samples/make.py"})
        return bytes(document.tobytes(garbage=3, deflate=True, no_new_id=True))


def _write_in_column(page: Any, column: int, base: float, text: str) -> None:
    width = pymupdf.get_text_length(text, fontsize=10) if column else 0
    page.insert_text((_RIGHT_EDGES[column] - width, base), text, fontsize=10)


def main(folder: Path) -> None:
    draw_receipt().save(folder / "receipt.jpg", quality=80)
    (folder / "invoice.pdf").write_bytes(draw_invoice())
    for name, record in (("receipt", RECEIPT), ("invoice", INVOICE)):
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)

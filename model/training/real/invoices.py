"""Pages of e-invoices: the letters from the PDF's text layer, the values from its attached XML.

The XML holds plain values (20180305, 1060.5); asked for is what a page prints (05.03.2018,
1.060,50). A value that a page does not print is null there, unless there is doubt: then it is not
asked for on that page.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf

from docextract.framing import find_print, fit_size
from training.real.find import exactly, squeezed
from training.real.picture import write_grey
from training.real.store import Grey, Line, Points, Printing, RealPage, Record, Span
from training.synthetic.values import MONTHS

_TOKENS = 3400
_PROBE_DPI = 100
_FEWEST_VALUES = 2
_MOST_PAGES = {"train": 4, "dev": 2}
"""Pages kept of one layout, first ones and later ones apart."""
_COLUMN = re.compile(r" {2,}")
_NUMBER = re.compile(r"\d")
_VAT_ID = re.compile(r"(?<![A-Z])[A-Z]{2}\d{8,12}(?!\d)")
_IBAN = re.compile(r"IBAN|(?<![A-Z])[A-Z]{2}\d{12,}")
_DAY = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d")
_DUE = re.compile(r"fällig|zahlbar|due|payable|zahlungsziel|\bbis\b", re.I)
_SUMS = {
    "net_total": ("line_total", r"positionssumme|summe\s?netto|nettosumme|ohneust|subtotal|net\s?"
                  r"total|without\s?vat|zwischensumme|warenwert"),
    "tax_total": ("tax_total", r"steuerbetrag|umsatzsteuer|mwst-?betrag|total\s?vat|tax\s?total"),
    "total": ("grand_total", r"brutto|gesamtsumme|rechnungsbetrag|endbetrag|zahlbetrag|gross|"
              r"grand\s?total|amount\s?due|total\s?amount"),
}  # fmt: skip
_CURRENCIES = {"EUR": ("EUR", "€"), "GBP": ("GBP", "£"), "USD": ("USD", "$"), "CHF": ("CHF",)}
_FIRST_LETTERS = 40


@dataclass(frozen=True)
class _Page:
    """A page as its text layer has it; `first` tells the first of its document."""

    lines: list[Line]
    first: bool

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


def invoice(
    folder: Path, out: Path, stem: str, label: dict[str, Any], kept: Counter[str]
) -> Iterator[RealPage]:
    """The pages of one labelled PDF that print at least two of its values.

    `kept` counts the pages of each layout: few are enough, most differ in nothing but a value.
    """
    with pymupdf.open(folder / label["file"]) as document:
        # Pages that begin alike, figures aside, come from one printing program.
        layout = _NUMBER.sub("#", "".join(squeezed(document[0].get_text())[:_FIRST_LETTERS]))
        for number, sheet in enumerate(document):
            page = _Page(_lines(sheet), number == 0)
            record, printings = _values(page, label["truth"])
            heap = f"{label['split']} {layout} {min(number, 1)}"
            if len(printings) < _FEWEST_VALUES or kept[heap] == _MOST_PAGES[label["split"]]:
                continue
            kept[heap] += 1
            grey, shift, scale = _drawn(sheet)
            lines = [line.moved(shift, scale) for line in page.lines]
            path = write_grey(out / f"{stem}-{number}", grey)
            yield RealPage(path, label["split"], "invoice", layout, lines, record, printings)


def _drawn(sheet: pymupdf.Page) -> tuple[Grey, tuple[float, float], Points]:
    """The page without its margins, where it was cut (in points), and pixels a point."""
    step = 72 / _PROBE_DPI
    left, top, right, bottom = (
        side * step for side in find_print(_grey(sheet, 1 / step, None)).box
    )
    right, bottom = min(right, sheet.rect.width), min(bottom, sheet.rect.height)
    # Pixels of a screen are points enough: more than twice as fine as a page is ever shown.
    width, height = fit_size(right - left, bottom - top, _TOKENS, max_enlarge=4.0)
    zoom = max(width / (right - left), height / (bottom - top))
    grey = _grey(sheet, zoom, pymupdf.Rect(left, top, right, bottom))
    return grey, (left, top), np.array([zoom, zoom])


def _grey(sheet: pymupdf.Page, zoom: float, clip: pymupdf.Rect | None) -> Grey:
    drawn = sheet.get_pixmap(
        matrix=pymupdf.Matrix(zoom, zoom), clip=clip, colorspace=pymupdf.csGRAY, alpha=False
    )
    flat = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)
    return np.ascontiguousarray(flat[:, : drawn.width])


def _lines(sheet: pymupdf.Page) -> list[Line]:
    """The level lines of the text layer, cut where two blanks or more divide columns."""
    found: list[Line] = []
    for block in sheet.get_text("rawdict")["blocks"]:
        for line in block.get("lines", []):
            if abs(line["dir"][0] - 1) < 0.01:
                found += _columns(line["spans"])
    return found


def _columns(spans: list[dict[str, Any]]) -> Iterator[Line]:
    letters = [(char, span["size"]) for span in spans for char in span["chars"]]
    text = "".join(char["c"] for char, _ in letters)
    at = 0
    for part in [*_COLUMN.finditer(text), None]:
        end = part.start() if part else len(text)
        shown = [(c, size) for c, size in letters[at:end] if not c["c"].isspace()]
        at = part.end() if part else end
        if not shown:
            continue
        left, right = shown[0][0]["bbox"][0], shown[-1][0]["bbox"][2]
        size = max(size for _, size in shown)
        base = float(np.median([c["origin"][1] for c, _ in shown]))
        top, bottom = base - 0.95 * size, base + 0.25 * size  # half a capital above the baseline
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        xs = np.array([(c["bbox"][0] + c["bbox"][2]) / 2 for c, _ in shown])
        yield Line("".join(c["c"][0] for c, _ in shown), xs, box)


def _values(page: _Page, truth: dict[str, Any]) -> tuple[Record, dict[str, list[Printing]]]:
    record: Record = {}
    printings: dict[str, list[Printing]] = {}

    def look(key: str, forms: list[str], absent: bool) -> None:
        """Note the printed form of a value, or null where it is `absent` for certain."""
        for form in forms:
            found = exactly(form, page.lines)
            if found:
                span = found[0][0]
                printed = page.lines[span.line].text[span.start : span.end]
                # The page's letters, with the blanks that its text layer hides from us.
                record[key] = form if squeezed(form) == printed else _recased(form, printed)
                printings[key] = found
                return
        if absent:
            record[key] = None

    text, pressed = page.text, squeezed(page.text).casefold()
    number = truth["invoice_number"] or ""
    look("invoice_number", [number], not page.first and squeezed(number).casefold() not in pressed)
    if page.first:
        look("issue_date", _days(truth["issue_date"]), False)
    elif not _DAY.search(text):
        record["issue_date"] = None
    look("due_date", _days(truth["due_date"]), not _DUE.search(text))
    for role in ("seller", "buyer"):
        name = (truth[role] or "").split("\n")[-1].strip()
        words = [word.casefold() for word in name.split() if len(word) > 3]
        absent = not page.first and bool(words) and not any(word in pressed for word in words)
        look(f"{role}_name", [name], absent)
    tax_id = truth["seller_vat"] or ""
    if _VAT_ID.fullmatch(squeezed(tax_id)) or not _VAT_ID.search(text):
        look("seller_tax_id", [tax_id], False)
    look("currency", list(_CURRENCIES.get(truth["currency"], ())), not re.search("[$€£]", text))
    for key, (theirs, labels) in _SUMS.items():
        forms = _amounts(truth[theirs])
        labelled = re.search(labels, text, re.I)
        if key == "total" and truth["due_payable"] not in {None, truth["grand_total"]}:
            continue  # which of the two is meant is in doubt
        if labelled:
            look(key, forms, False)
        elif forms and not any(exactly(form, page.lines) for form in forms):
            record[key] = None
    bank = squeezed(truth["iban"] or "")
    fours = " ".join(bank[at : at + 4] for at in range(0, len(bank), 4))
    look("iban", [fours], not _IBAN.search(text))
    if record.get("iban") and not _in_fours(page.lines, printings["iban"][0][0]):
        record["iban"] = bank
    order = [key for key in _ORDER if key in record]
    return {key: record[key] for key in order}, printings


_ORDER = (
    "invoice_number", "issue_date", "due_date", "seller_name", "seller_tax_id", "buyer_name",
    "currency", "net_total", "tax_total", "total", "iban",
)  # fmt: skip


def _in_fours(lines: list[Line], span: Span) -> bool:
    """Whether a wider gap follows the fourth letter than the third."""
    gaps = np.diff(lines[span.line].xs[span.start : span.end])
    return bool(gaps[3] > 1.3 * np.median(gaps))


def _recased(form: str, printed: str) -> str:
    """`form` with the letters of `printed`, which differ in their case."""
    letters = iter(printed)
    return "".join(" " if letter == " " else next(letters) for letter in form)


def _days(plain: str | None) -> list[str]:
    """The forms in which YYYYMMDD may be printed."""
    try:
        day = datetime.strptime((plain or "")[:8], "%Y%m%d").date()
    except ValueError:
        return []
    forms = [f"{day:%d.%m.%Y}", f"{day:%Y-%m-%d}", f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}"]
    forms += [f"{day.day}.{day.month}.{day.year}", f"{day:%m/%d/%Y}", f"{day:%d.%m.%y}"]
    for names in MONTHS.values():
        month = names.split()[day.month - 1]
        forms += [f"{day.day}. {month} {day.year}", f"{day:%d}. {month} {day.year}"]
        forms += [f"{day.day} {month} {day.year}", f"{day:%d} {month[:3]} {day.year}"]
        forms += [f"{month} {day.day}, {day.year}", f"{month[:3]} {day.day}, {day.year}"]
    return forms


def _amounts(plain: str | None) -> list[str]:
    """The forms in which an amount may be printed."""
    try:
        value = Decimal(plain or "")
    except InvalidOperation:
        return []
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    bare = f"{value:.2f}"
    forms = [german, english, bare.replace(".", ","), bare]
    forms += [german.replace(".", " "), english.replace(",", "'")]
    return list(dict.fromkeys(forms))

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymupdf
import pytest

from docextract.answer import Answer
from docextract.grounding import Grounded, ground, hidden_text
from docextract.pages import Page, Word, open_document
from docextract.schema import Schema, load_schema

INVISIBLE_MODE = 3
SPEC = (
    "number, date date, name, total money, iban iban, items[what, quantity quantity, price money]"
)


class Sheet:
    """A PDF page in the making."""

    def __init__(self) -> None:
        self._document = pymupdf.open()
        self.page = self._document.new_page()

    def write(self, x: float, y: float, text: str, **style: Any) -> tuple[float, ...]:
        """The box of what is written."""
        self.page.insert_text((x, y), text, fontsize=10, **style)
        return x, y - 8, x + pymupdf.get_text_length(text, fontsize=10), y + 2

    def read(self) -> Page:
        with open_document(self._document.tobytes()) as document:
            return document.render(1, 256)


@pytest.fixture
def sheet() -> Sheet:
    return Sheet()


def heard(sheet: Sheet, spec: str = SPEC, **record: Any) -> Grounded:
    schema: Schema[Any] = load_schema(spec)
    absent = {"items": []} if "items" in schema.fields.fields else {}
    answer = Answer(dict.fromkeys(schema.fields.fields) | absent | record)
    return ground(schema.fields, answer, [sheet.read()])


def assert_place(grounded: Grounded, path: str, box: tuple[float, ...]) -> None:
    place = grounded.places[path]
    assert (place.evidence, place.page) == ("grounded", 1)
    assert overlap(place.box, box) > 0.4


def overlap(one: Any, other: Any) -> float:
    """Intersection over union."""
    one, other = pymupdf.Rect(one), pymupdf.Rect(other)
    shared = (one & other).get_area() if one.intersects(other) else 0.0
    return float(shared / (one.get_area() + other.get_area() - shared))


def test_a_value_among_the_words_is_grounded(sheet: Sheet) -> None:
    sheet.write(50, 100, "Total:")
    box = sheet.write(90, 100, "18,08")
    grounded = heard(sheet, total="18,08")
    assert_place(grounded, "total", box)
    assert grounded.answer.record["total"] == "18,08"
    assert not grounded.answer.touched


def test_of_equal_texts_the_one_with_the_label_is_the_value(sheet: Sheet) -> None:
    spec = "invoice_number, issue_date date, due_date date, order_number"
    places = {}
    for row, (label, path, text) in enumerate(
        [
            ("Delivered", None, "01.02.2024"),
            ("Fällig", "due_date", "01.02.2024"),
            ("Customer No.", None, "4711"),
            ("Rechnungsdatum", "issue_date", "01.02.2024"),
            ("Bestellnummer", "order_number", "4711"),
            ("Rechnung Nr.", "invoice_number", "4711"),
        ]
    ):
        sheet.write(50, 100 + 20 * row, label)
        places[path] = sheet.write(200, 100 + 20 * row, text), text
    del places[None]
    grounded = heard(sheet, spec, **{path: text for path, (_, text) in places.items()})
    for path, (box, _) in places.items():
        assert_place(grounded, path, box)


@pytest.mark.parametrize(
    ("key", "read", "printed"),
    [
        ("number", "TX471102", "TX-471102"),
        ("number", "TX-TH-471102", "TX-471102"),
        ("number", "TE571234", "TEST1234"),
        ("name", "Taduntermehmen TX GmbH", "Taxiunternehmen TX GmbH"),
        ("name", "MUSTER KUNDE Gmbh", "Muster-Kunde GmbH"),
        ("date", "31.10.2O18", "31.10.2018"),
        ("total", "12.345,61", "12.345,67"),
    ],
)
def test_the_words_mend_letters(sheet: Sheet, key: str, read: str, printed: str) -> None:
    box = sheet.write(50, 100, printed)
    grounded = heard(sheet, **{key: read})
    assert grounded.answer.record[key] == printed
    assert grounded.answer.repairs_of(key) == ("letters_from_words",)
    assert_place(grounded, key, box)


@pytest.mark.parametrize(
    ("key", "read", "printed"),
    [
        ("number", "4711", "4712"),  # too short: any number is a letter away
        ("name", "Müller GmbH", "Schmidt AG"),
        ("date", "31.10.2018", "31.10.20181"),  # no date
        ("number", "SHIPMENT", "SH1PMENT"),  # digits where there were none
    ],
)
def test_what_is_not_the_same_value_is_not_taken(
    sheet: Sheet, key: str, read: str, printed: str
) -> None:
    sheet.write(50, 100, printed)
    grounded = heard(sheet, **{key: read})
    assert grounded.answer.record[key] == read
    assert grounded.places[key].evidence == "contradicted"


def test_two_near_texts_mend_nothing_unless_a_label_decides(sheet: Sheet) -> None:
    for row, text in enumerate(["471108", "471103"]):
        sheet.write(50, 100 + 30 * row, text)
    assert heard(sheet, number="471109").places["number"].evidence == "contradicted"
    sheet.write(10, 130, "Number")
    assert heard(sheet, number="471109").answer.record["number"] == "471103"


def test_a_broken_iban_is_mended_by_the_only_right_one(sheet: Sheet) -> None:
    sheet.write(50, 100, "Kontonummer 1203000000")
    box = sheet.write(50, 120, "DE02 1203 0000 0000 2020 51")
    grounded = heard(sheet, iban="DE32 1203 0000 0000 2020 2075 267")
    assert grounded.answer.record["iban"] == "DE02 1203 0000 0000 2020 51"
    assert grounded.answer.repairs_of("iban") == ("iban_from_words",)
    assert_place(grounded, "iban", box)


def test_an_account_that_is_printed_wrong_stands_there_all_the_same(sheet: Sheet) -> None:
    box = sheet.write(50, 100, "DE12 1234 4321 9876 00")
    assert_place(heard(sheet, iban="DE12 1234 4321 9876 00"), "iban", box)


def test_among_several_ibans_none_is_guessed(sheet: Sheet) -> None:
    sheet.write(50, 100, "DE02 1203 0000 0000 2020 51")
    sheet.write(50, 120, "GB82 WEST 1234 5698 7654 32")
    assert heard(sheet, iban="FR76 1").places["iban"].evidence == "contradicted"


def test_lines_that_the_model_joined_stay_as_it_wrote_them(sheet: Sheet) -> None:
    top = sheet.write(50, 100, "3 Foundry Lane")
    end = sheet.write(50, 113, "Leeds LS11 5QT")
    sheet.write(300, 100, "Invoice")
    grounded = heard(sheet, name="3 Foundry Lane, Leeds LS11 5QT")
    assert grounded.answer.record["name"] == "3 Foundry Lane, Leeds LS11 5QT"
    assert not grounded.answer.touched
    assert_place(grounded, "name", (50, top[1], max(top[2], end[2]), end[3]))


def test_a_value_among_hidden_words_alone_is_marked(sheet: Sheet) -> None:
    sheet.write(50, 100, "Total 1.99")
    sheet.write(50, 200, "9.99", render_mode=INVISIBLE_MODE)
    assert heard(sheet, total="9.99").places["total"].evidence == "hidden"
    assert hidden_text(sheet.read()) == "9.99"


def test_hidden_words_mend_nothing(sheet: Sheet) -> None:
    sheet.write(50, 100, "Total")
    sheet.write(50, 200, "12,345.67", color=(1, 1, 1))
    assert heard(sheet, total="12,345.61").answer.record["total"] == "12,345.61"


def test_under_a_scan_hidden_words_are_no_attack(sheet: Sheet) -> None:
    sheet.write(50, 100, "Total 1.99")
    scan = sheet.page.get_pixmap(dpi=72).tobytes()
    scanned = Sheet()
    scanned.page.insert_image(scanned.page.rect, stream=scan)
    scanned.write(50, 100, "Total 1.99", render_mode=INVISIBLE_MODE)
    assert hidden_text(scanned.read()) == ""


def test_a_picture_may_hold_what_the_words_do_not(sheet: Sheet) -> None:
    sheet.write(50, 100, "Total 1.99")
    logo = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 30, 10)).tobytes()
    sheet.page.insert_image((50, 20, 200, 60), stream=logo)
    grounded = heard(sheet, name="Acme", total="7.77")
    assert grounded.places["name"].evidence == "none"
    assert grounded.places["total"].evidence == "contradicted"


def test_without_words_nothing_is_said(sheet: Sheet) -> None:
    sheet.page.draw_line((50, 100), (300, 100))
    assert heard(sheet, total="1.99").places == {}


def test_rows_stand_below_each_other_and_keys_in_columns(sheet: Sheet) -> None:
    rows = [("Lamp", "1", "10.00"), ("Lamp", "1", "10.00"), ("Bulb", "10", "1.00")]
    boxes = {}
    sheet.write(300, 80, "10.00")
    for number, row in enumerate(rows):
        for key, x, text in zip(("what", "quantity", "price"), (50, 200, 300), row, strict=True):
            box = sheet.write(x, 100 + 20 * number, text)
            boxes[f"items.{number}.{key}"] = box
    sheet.write(300, 200, "10.00")
    keys = "what", "quantity", "price"
    grounded = heard(sheet, items=[dict(zip(keys, row, strict=True)) for row in rows])
    for path, box in boxes.items():
        assert_place(grounded, path, box)


def test_a_value_may_hang_from_its_row_if_another_has_its_place_in_the_line(sheet: Sheet) -> None:
    for x, heading in ((50, "Artikel"), (300, "Nettopreis"), (400, "Menge"), (500, "Nettobetrag")):
        sheet.write(x, 80, heading)
    boxes = {}
    rows = [("Hotel", "1", "158,88", "158,88"), ("Lunch", "1", "11,76", "11,76")]
    for number, (what, quantity, price, amount) in enumerate(rows):
        y = 110 + 60 * number
        boxes[f"items.{number}.what"] = sheet.write(50, y, what)
        boxes[f"items.{number}.unit_price"] = sheet.write(300, y, price)
        boxes[f"items.{number}.quantity"] = sheet.write(400, y, quantity)
        boxes[f"items.{number}.amount"] = sheet.write(500, y + 9, amount)
    keys = "what", "quantity", "unit_price", "amount"
    items = [dict(zip(keys, row, strict=True)) for row in rows]
    spec = "items[what, quantity quantity, unit_price money, amount money]"
    grounded = heard(sheet, spec, items=items)
    for path, box in boxes.items():
        assert_place(grounded, path, box)


def invoices(seed: int, count: int) -> Iterator[tuple[Sheet, dict[str, Any], dict[str, Any]]]:
    """Pages full of equal values, their records, and where each value stands."""
    rng = random.Random(seed)
    labels = {
        "invoice_number": ("Invoice No.", "Rechnungsnummer", "Facture n°"),
        "issue_date": ("Invoice date", "Rechnungsdatum", "Date de facture"),
        "due_date": ("Due date", "Fällig am", "Échéance"),
        "purchase_order": ("Order", "Bestellung", "Commande"),
        "other date": ("Delivered on", "Lieferdatum", "Livraison"),
        "other number": ("Customer No.", "Kundennummer", "Client n°"),
        "net_total": ("Subtotal", "Netto", "Total HT"),
        "tax_total": ("VAT 0%", "MwSt 0%", "TVA 0%"),
        "total": ("Total", "Gesamtbetrag", "Total TTC"),
        "columns": (
            "Item Qty Price Amount",
            "Artikel Menge Preis Betrag",
            "Article Qté Prix Montant",
        ),
    }
    for _ in range(count):
        sheet, boxes = Sheet(), {}
        record: dict[str, Any] = dict.fromkeys(load_schema("invoice").fields.fields)
        language = rng.randrange(3)
        said = {key: words[language] for key, words in labels.items()}
        number, day = str(rng.randint(10_000, 99_999)), f"{rng.randint(1, 28):02}.03.2024"
        numbers = ("invoice_number", "purchase_order", "other number")
        dates = ("issue_date", "due_date", "other date")
        facts = dict.fromkeys(numbers, number) | dict.fromkeys(dates, day)
        y = 60
        for key in rng.sample(list(facts), len(facts)):
            sheet.write(50, y, said[key])
            box = sheet.write(200, y, facts[key])
            if key in record:
                record[key], boxes[key] = facts[key], box
            y += 16
        y += 20
        for x, heading in zip((50, 250, 350, 450), said["columns"].split(), strict=True):
            sheet.write(x, y, heading)
        record["line_items"], net = [], 0
        for row in range(rng.randint(1, 8)):
            y += 18
            quantity, price = rng.choice([1, 1, 2]), rng.choice([5, 10])
            net += quantity * price
            item = {
                "description": rng.choice(["Wall lamp", "Lamp", "Bulb"]),
                "quantity": str(quantity),
                "unit_price": f"{price:.2f}",
                "amount": f"{quantity * price:.2f}",
            }
            record["line_items"].append(item)
            for x, (key, text) in zip((50, 250, 350, 450), item.items(), strict=True):
                boxes[f"line_items.{row}.{key}"] = sheet.write(x, y, text)
        y += 30
        for key, amount in (("net_total", net), ("tax_total", 0), ("total", net)):
            record[key] = f"{amount:.2f}"
            sheet.write(300, y, said[key])
            boxes[key] = sheet.write(450, y, record[key])
            y += 16
        yield sheet, record, boxes


def test_repeated_values_get_their_own_boxes() -> None:
    fields = load_schema("invoice").fields
    right = []
    for sheet, record, boxes in invoices(seed=5, count=12):
        places = ground(fields, Answer(record), [sheet.read()]).places
        for path, box in boxes.items():
            assert places[path].evidence == "grounded"
            right.append(overlap(places[path].box, box) > 0.4)
    assert len(right) > 200
    assert sum(right) / len(right) >= 0.95


def recognised(*lines: str) -> Page:
    """A scan whose lines were recognised, ten pixels a letter."""
    words = tuple(
        Word(
            text,
            (0.0, 30.0 * row, 10.0 * len(text), 30.0 * row + 20),
            letters=tuple(
                (10.0 * at, 30.0 * row, 10.0 * at + 10, 30.0 * row + 20) for at in range(len(text))
            ),
        )
        for row, text in enumerate(lines)
    )
    return replace(Sheet().read(), words=words, pictured=1.0)


def heard_on_scan(page: Page, logprobs: dict[str, list[float]], **record: Any) -> Grounded:
    schema: Schema[Any] = load_schema("name, date date, total money")
    answer = Answer(dict.fromkeys(schema.fields.fields) | record, logprobs=logprobs)
    return ground(schema.fields, answer, [page])


def test_on_a_scan_a_value_is_found_within_its_line() -> None:
    page = recognised("DATE:25/12/20188:13PM", "TOTALRM9.00", "19.00")
    grounded = heard_on_scan(page, {}, date="25/12/2018", total="9.00")
    assert grounded.places["date"].box == (50.0, 0.0, 150.0, 20.0)
    assert grounded.places["total"].box == (70.0, 30.0, 110.0, 50.0)
    assert grounded.places["total"].evidence == "grounded"


def test_on_a_scan_the_surer_reading_wins() -> None:
    page = recognised("PASARMINIJINSENG")
    text = "PAEAR MINI JIN SENG"
    unsure = [-0.001] * 3 + [-0.5] + [-0.001] * 17
    grounded = heard_on_scan(page, {"name": unsure}, name=text)
    assert grounded.answer.record["name"] == "PASAR MINI JIN SENG"
    assert grounded.answer.repairs_of("name") == ("letters_from_recognition",)
    assert grounded.places["name"].evidence == "grounded"
    kept = heard_on_scan(page, {"name": [-0.001] * 21}, name=text)
    assert kept.answer.record["name"] == text
    assert kept.places["name"].evidence == "none"
    assert kept.places["name"].box == (0.0, 0.0, 160.0, 20.0)


def test_on_a_scan_nothing_is_contradicted() -> None:
    assert heard_on_scan(recognised("TOTAL"), {}, total="9.00").places["total"].evidence == "none"

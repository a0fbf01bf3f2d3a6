import math

import numpy as np
import pymupdf
import pytest

from docextract.choosing import MARKS, TITLES, choose_schema
from docextract.pages import Page, open_document
from docextract.readers import Reading
from docextract.readers.scripted import ScriptedReader
from docextract.schema import bundled_schemas, load_schema


def titled(title: str, *lines: str) -> Page:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((50, 80), title, fontsize=20)
        for number, line in enumerate(lines):
            page.insert_text((50, 120 + 20 * number), line, fontsize=10)
        content = document.tobytes()
    with open_document(content) as document:
        return document.render(1, 64)


@pytest.mark.parametrize(
    ("title", "schema"),
    [
        ("INVOICE", "invoice"),
        ("Mietrechnung (387)", "invoice"),
        ("Facture n° 17", "invoice"),
        ("Quittung", "receipt"),
        ("Credit Note", "credit_note"),
        ("Gutschrift", "credit_note"),
        ("Gutschrift (selbst ausgestellte Rechnung)", "invoice"),
        ("Purchase Order PO-17", "purchase_order"),
        ("Lieferschein", "delivery_note"),
        ("Bon de livraison", "delivery_note"),
        ("Kontoauszug 3/2024", "bank_statement"),
        ("Stromrechnung", "utility_bill"),
        ("Packing List", "packing_list"),
    ],
)
def test_a_title_names_the_schema(title: str, schema: str) -> None:
    page = titled(title, "Acme Ltd", "Order 12", "Invoice address: 3 Foundry Lane")
    choice = choose_schema(page, ScriptedReader([]))
    assert choice.schema.reference == schema
    assert title in choice.reason


def test_the_larger_of_two_titles_counts() -> None:
    choice = choose_schema(titled("Delivery note", "Invoice 12 follows"), ScriptedReader([]))
    assert choice.schema.reference == "delivery_note"


def scan() -> Page:
    return Page(
        number=1,
        pixels=np.zeros((28, 28, 3), np.uint8),
        size=(100.0, 100.0),
        cut=(0, 0, 100, 100),
        words=(),
        unit="pixel",
        blank=False,
        pictured=1.0,
    )


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ({"payment_method": "VISA", "time": "10:42"}, "receipt"),
        ({"payment_method": "VISA", "time": "10:42", "buyer_name": "Hotel"}, "receipt"),
        ({"buyer_name": "Hotel"}, "invoice"),
        ({"buyer_name": "Hotel", "time": "10:42"}, "invoice"),
        ({"buyer_name": "Hotel", "credit_note_number": "4"}, "invoice"),
        ({"opening_balance": "5.00", "closing_balance": "7.00", "time": "8:00"}, "bank_statement"),
        ({"meter_number": "4711", "consumption": "12 kWh", "buyer_name": "Jo"}, "utility_bill"),
    ],
)
def test_without_words_the_reader_is_asked(answer: dict[str, str], schema: str) -> None:
    reader = ScriptedReader([answer])
    assert choose_schema(scan(), reader).schema.reference == schema
    [question] = reader.asked
    assert "closing_balance" in question


def test_what_the_reader_is_sure_of_counts_more() -> None:
    text = '{"payment_method":"VISA","time":"10:42","buyer_name":"Hotel"}'
    doubted = {text.index(value) for value in ('"VISA', '"10')}
    logprobs = [math.log(0.2) if at in doubted else 0.0 for at in range(len(text))]
    reader = ScriptedReader(
        [Reading(text, range(len(text)), logprobs, ends=range(1, len(text) + 1))]
    )
    assert choose_schema(scan(), reader).schema.reference == "invoice"


def test_an_answer_that_is_none_makes_an_invoice() -> None:
    choice = choose_schema(scan(), ScriptedReader(["I cannot read this."]))
    assert choice.schema.reference == "invoice"


def test_every_bundled_schema_can_be_chosen() -> None:
    assert set(TITLES) == set(bundled_schemas()) > set(MARKS)
    for name, keys in MARKS.items():
        assert set(keys) <= set(load_schema(name).tree), name

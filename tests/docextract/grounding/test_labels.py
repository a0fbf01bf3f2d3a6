import pytest

from docextract.grounding.labels import key_words, likeness


@pytest.mark.parametrize("key", ["invoice_number", "invoiceNumber", "Invoice number"])
def test_a_key_is_its_words(key: str) -> None:
    assert key_words(key) == ("invoice", "number")


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("invoice_number", "Invoice No.:"),
        ("invoice_number", "Rechnungsnummer"),
        ("invoice_number", "Facture n°"),
        ("due_date", "Fällig am: Datum"),
        ("total", "Gesamtbetrag"),
        ("total", "Importe total"),
        ("total", "Total incl. VAT"),
        ("net_total", "Rechnungssumme ohne USt."),
        ("shelf", "Shelf"),
    ],
)
def test_a_label_that_says_all_of_a_key_counts_one(key: str, label: str) -> None:
    assert likeness(key, label.split()) == 1


def test_the_label_of_another_field_counts_less_than_none() -> None:
    assert likeness("invoice_number", ["Order", "No."]) < likeness("invoice_number", ["No."])
    assert likeness("issue_date", ["Due", "date"]) < likeness("issue_date", ["Date"])
    assert likeness("total", ["Thank", "you"]) == 0
    assert likeness("total", []) == 0


def test_short_words_are_no_part_of_longer_ones() -> None:
    assert likeness("number", ["None"]) == 0

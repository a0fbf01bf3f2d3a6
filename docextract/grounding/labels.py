"""How well the words beside a value name a field: keys in English, print in seven languages."""

import re
import unicodedata
from collections.abc import Iterable

# What a word of a key is called on paper. Words of four letters and more are found inside longer
# ones too: "Rechnungsnummer" has both its parts.
_PRINTED = {
    "address": "address anschrift adresse dirección indirizzo adres endereço",
    "amount": "amount betrag montant importe importo bedrag valor total gesamt gp",
    "bill": "bill rechnung facture factura fattura factuur fatura",
    "buyer": "buyer customer client käufer kunde leistungsempfänger acheteur cliente comprador "
    "klant afnemer",
    "currency": "currency währung devise moneda valuta moeda",
    "date": "date datum data fecha dato vom dated",
    "delivery": "delivery shipped liefer leistung livraison entrega consegna lever",
    "description": "description item article bezeichnung artikel désignation descripción "
    "descrizione omschrijving descrição",
    "due": "due pay payable until fällig zahlbar zahlungsziel échéance vencimiento scadenza verval "
    "vencimento",
    "iban": "iban",
    "invoice": "invoice rechnung facture factura fattura factuur fatura beleg",
    "issue": "invoice issue issued rechnung facture factura fattura factuur fatura beleg document",
    "net": "net netto subtotal zwischensumme ht imponible imponibile excl excluding before basis "
    "taxable nett ohne warenwert",
    "number": "number no nr num nummer numero número n° nº # id ref",
    "order": "order purchase bestell auftrag commande pedido ordine encomenda po",
    "price": "price preis prix precio prezzo prijs preço ep",
    "purchase": "purchase order bestell po",
    "quantity": "quantity qty menge anzahl quantité qté cantidad quantità aantal quantidade",
    "seller": "seller supplier vendor verkäufer lieferant vendeur fournisseur vendedor venditore "
    "verkoper",
    "subtotal": "subtotal net netto zwischensumme ht imponible imponibile excl before",
    "tax": "tax vat gst mwst ust umsatzsteuer steuer tva iva btw imposto",
    "time": "time uhrzeit zeit heure hora ora tijd",
    "total": "total sum amount due balance payable gesamt summe brutto zahlbetrag montant ttc "
    "importe totale totaal bedrag endbetrag",
    "unit": "unit einzel each unitaire unitario eenheid unité u.p.",
}
_VOCABULARY = {key: tuple(words.split()) for key, words in _PRINTED.items()}

# Words that make another field of a label, where the key does not have them.
_RIVALS = ("buyer", "delivery", "due", "net", "order", "seller", "tax", "unit")

# Beside these, the tax is what a sum is with or without, and no field of its own.
_WITH_OR_WITHOUT = ("incl", "inkl", "inclu", "compreso", "excl", "exkl", "ohne", "before", "hors")

_KEY_WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")


def key_words(key: str) -> tuple[str, ...]:
    """The words of `invoice_number`, `invoiceNumber` or "Invoice number", in lower case."""
    return tuple(word.casefold() for word in _KEY_WORDS.findall(key))


def likeness(key: str, label: Iterable[str]) -> float:
    """From 1 (each word of the key stands there) over 0 (none) to below (those of other fields)."""
    printed = [_plain(word) for word in label]
    words = key_words(key)
    named = sum(_stands(word, printed) for word in words)
    own = {word for one in words for word in _VOCABULARY.get(one, (one,))}
    sums = any(some in there for there in printed for some in _WITH_OR_WITHOUT)
    rivals = sum(
        not any(word in own for word in _VOCABULARY[rival]) and _stands(rival, printed)
        for rival in _RIVALS
        if rival not in words and not (rival == "tax" and sums)
    )
    return named / max(1, len(words)) - rivals / 2


def _stands(word: str, printed: Iterable[str]) -> bool:
    called = [_plain(one) for one in _VOCABULARY.get(word, (word,))]
    return any(
        one == there or (len(one) > 3 and one in there) for there in printed for one in called
    )


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).strip(".:,;()[]-")

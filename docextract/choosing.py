"""Which of the bundled schemas a document is one of.

Its title says so, where there are words to be seen. Where there are none, the reader is asked for
a few values that only one kind of paper has each, and how sure it is that they are there decides.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from docextract.answer import parse_answer
from docextract.confidence import written_logprobs
from docextract.errors import AnswerError
from docextract.grounding.lettering import Lettering
from docextract.pages import Page
from docextract.prompt import render_question
from docextract.readers import Reader
from docextract.schema import Schema, load_schema

AUTO = "auto"

TITLES = {
    "credit_note": "credit note|credit memo|gutschrift(?!.*rechnung)|stornorechnung"
    "|rechnungskorrektur|avoir|note de crédit|factura rectificativa|nota de (?:abono|crédito)"
    "|nota di credito|creditnota",
    "purchase_order": "purchase order|order form|bestellung|auftrag|bon de commande"
    "|orden de compra|pedido(?: de compra)?|ordine(?: d'acquisto)?|inkooporder|bestelling"
    "|nota de encomenda",
    "packing_list": "packing (?:list|slip)|packliste|liste de colisage"
    "|lista de (?:empaque|embalaje)|lista imballaggi|distinta di imballaggio|paklijst|romaneio",
    "delivery_note": "delivery (?:note|docket|order)|lieferschein|bon de livraison|albarán"
    "|nota de entrega|documento di trasporto|bolla di consegna|pakbon|leveringsbon"
    "|guia de (?:remessa|transporte)",
    "bank_statement": "(?:bank|account) statement|statement of account|kontoauszug"
    "|relevé (?:de compte|bancaire)|extracto (?:bancario|de cuenta)|estratto conto"
    "|rekeningafschrift|extra[ct]+o (?:bancário|de conta)",
    "utility_bill": "(?:electricity|gas|water|utility|energy|power) (?:bill|invoice)"
    "|(?:strom|gas|wasser|energie)rechnung|facture d['’](?:électricité|eau|énergie)"
    "|factura de (?:la )?(?:luz|electricidad|gas|agua)|bolletta|energierekening"
    "|fatura de (?:eletricidade|água|gás)",
    "receipt": "receipt|quittung|kassen(?:bon|beleg)|kundenbeleg|reçu|ticket(?: de caisse)?|recibo"
    "|ricevuta|scontrino|kassabon|talão|cash (?:bill|sales?)|factura simplificada"
    "|simplified tax invoice",
    "invoice": "(?:tax |commercial |pro ?forma )?invoice|\\w*rechnung|facture|factura|fattura"
    "|factuur|fatura|bill|gutschrift.*rechnung",
}
"""What each paper calls itself in seven languages; of two that fit, the one named first."""

_PATTERNS = {
    # Recognised lines may lack their blanks.
    name: re.compile(rf"\W*(?:{words.replace(' ', ' ?')})(?!\w)", re.IGNORECASE)
    for name, words in TITLES.items()
}

MARKS = {
    "credit_note": ("credit_note_number", "reason"),
    "bank_statement": ("opening_balance", "closing_balance"),
    "utility_bill": ("meter_number", "consumption"),
    "packing_list": ("packing_list_number", "gross_weight"),
}
"""Values that one kind of paper has and no other. Orders and delivery notes have none that the
bundled model does not see on invoices, too: without words they are taken for such."""

_PAID = ("payment_method", "time")  # what receipts have
_BILLED = "buyer_name"  # what invoices have
_MOST_TOKENS = 400


@dataclass(frozen=True)
class Choice:
    """A bundled schema, and what spoke for it."""

    schema: Schema[Any]
    reason: str


def choose_schema(page: Page, reader: Reader) -> Choice:
    """The bundled schema for a document that begins with this page.

    Raises:
        ModelError, DeviceError: the model cannot run.
    """
    if titled := _by_title(page):
        name, title = titled
        return Choice(load_schema(name), f"{name}, by its title {title!r}")
    name, score = _by_marks(page, reader)
    return Choice(load_schema(name), f"{name}, by what the model sees ({score:.2f})")


def _by_title(page: Page) -> tuple[str, str] | None:
    """The schema and the words of the largest title, of equal ones the uppermost."""
    lines = Lettering(page).pieces()
    if not lines:
        return None
    usual = median(line.height for line in lines)
    best: tuple[float, str, str] | None = None
    for line in lines:
        name = next((name for name, words in _PATTERNS.items() if words.match(line.text)), None)
        if name is None:
            continue
        lower = line.box[1] / page.size[1]
        size = line.height / usual - lower
        if best is None or size > best[0]:
            best = size, name, line.text
    return best and best[1:]


def _by_marks(page: Page, reader: Reader) -> tuple[str, float]:
    """The schema whose marks are on the page, and how likely they are (0 to 1)."""
    keys = [*_PAID, _BILLED, *(key for keys in MARKS.values() for key in keys)]
    seen = _seen(page, reader, keys)
    scores = {name: fmean(seen[key] for key in keys) for name, keys in MARKS.items()}
    name = max(scores, key=scores.__getitem__)
    if scores[name] <= 0.5:
        paid = [seen[key] for key in _PAID]
        scores = {"receipt": fmean(paid), "invoice": fmean([seen[_BILLED], *(1 - p for p in paid)])}
        name = max(scores, key=scores.__getitem__)
    return name, scores[name]


def _seen(page: Page, reader: Reader, keys: Sequence[str]) -> Mapping[str, float]:
    """For each key how sure the reader is that its value is on the page."""
    asked = load_schema(",".join(keys))
    reading = reader.read(
        [page.pixels],
        render_question(asked, reader.dialect),
        asked.grammar,
        _MOST_TOKENS,
    )
    try:
        record = parse_answer(reading.text, asked.fields).record
    except AnswerError:
        record = dict.fromkeys(keys)
    logprobs = written_logprobs(reading.text, reading.ends, reading.logprobs)

    def present(key: str) -> float:
        # The first token opens a text or begins the null.
        sure = math.exp(logprobs[key][0]) if logprobs.get(key) else 1.0
        return sure if record[key] is not None else 1.0 - sure

    return {key: present(key) for key in keys}

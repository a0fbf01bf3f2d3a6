"""Which of the bundled schemas a document is one of.

Its title says so, where there are words to be seen. Where there are none, the reader is asked for
a few values that only one kind of paper has each, and how sure it is that they are there decides.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
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
    "receipt": ("payment_method", "time"),
    "invoice": ("due_date", "buyer_name"),
    "purchase_order": ("supplier_name", "order_date"),
    "delivery_note": ("delivery_note_number", "total_weight"),
    "credit_note": ("credit_note_number", "reason"),
    "bank_statement": ("opening_balance", "closing_balance"),
    "utility_bill": ("meter_number", "consumption"),
    "packing_list": ("packing_list_number", "gross_weight"),
}
"""Values that one kind of paper has and the others have not."""

_MOST_TOKENS = 400
_COMMON = ("receipt", "invoice")
_RARE = 0.6  # what the marks of a paper count that people seldom read


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
    scores = _by_marks(page, reader)
    name = max(scores, key=scores.__getitem__)
    return Choice(load_schema(name), f"{name}, by what the model sees ({scores[name]:.2f})")


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


def _by_marks(page: Page, reader: Reader) -> Mapping[str, float]:
    """For each schema how likely its marks are on the page, those of rare ones counted less."""
    asked = load_schema(",".join(key for keys in MARKS.values() for key in keys))
    reading = reader.read(
        [page.pixels],
        render_question(asked, reader.dialect),
        asked.grammar,
        _MOST_TOKENS,
    )
    try:
        record = parse_answer(reading.text, asked.fields).record
    except AnswerError:
        record = dict.fromkeys(asked.tree)
    logprobs = written_logprobs(reading.text, reading.ends, reading.logprobs)

    def present(key: str) -> float:
        # The first token opens a text or begins the null.
        sure = math.exp(logprobs[key][0]) if logprobs.get(key) else 1.0
        return sure if record[key] is not None else 1.0 - sure

    return {
        name: sum(map(present, keys)) / len(keys) * (1 if name in _COMMON else _RARE)
        for name, keys in MARKS.items()
    }

"""What a page is asked and what a right answer looks like, letter by letter.

The question is written by the app's own `docextract.prompt`, so that what is taught is what is
asked. An answer is cut into pieces that the model must choose and pieces that the grammar forces;
only the chosen ones are learned.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from docextract.prompt import compact_question

Tree = dict[str, Any]

SYNONYMS: dict[str, tuple[str, ...]] = {
    "merchant_name": ("company", "store_name", "shop", "vendor", "merchant", "seller_name"),
    "merchant_address": ("address", "store_address", "company_address", "seller_address"),
    "merchant_phone": ("phone", "telephone", "phone_number", "tel"),
    "merchant_tax_id": ("tax_id", "gst_number", "vat_number", "seller_tax_id"),
    "registration_number": ("company_number", "reg_no", "business_registration"),
    "receipt_number": ("invoice_number", "bill_number", "document_number", "receipt_no"),
    "date": ("receipt_date", "transaction_date", "purchase_date", "issue_date"),
    "time": ("purchase_time", "transaction_time"),
    "subtotal": ("net_total", "sub_total", "amount_before_tax", "net_amount"),
    "tax": ("tax_total", "tax_amount", "vat", "gst_amount", "total_tax"),
    "rounding": ("rounding_adjustment", "round_off"),
    "total": ("total_amount", "amount_due", "grand_total", "amount_to_pay", "amount_payable"),
    "cash_tendered": ("amount_tendered", "cash", "amount_given", "cash_received"),
    "change": ("change_due", "change_given"),
    "payment_method": ("paid_by", "payment_type", "tender"),
    "currency": ("currency_code", "currency_symbol"),
    "invoice_number": ("invoice_no", "number", "document_number", "receipt_number"),
    "issue_date": ("invoice_date", "date", "date_of_issue", "date_issued"),
    "due_date": ("payment_due", "pay_by", "date_due", "payment_deadline"),
    "delivery_date": ("date_of_supply", "service_date", "delivered_on"),
    "purchase_order": ("po_number", "order_number", "customer_order"),
    "customer_number": ("customer_id", "client_number", "customer_no"),
    "seller_name": ("supplier", "seller", "vendor_name", "merchant_name", "issuer"),
    "seller_address": ("supplier_address", "vendor_address", "merchant_address"),
    "seller_tax_id": ("vat_id", "vat_number", "tax_number", "supplier_vat_id"),
    "buyer_name": ("customer", "buyer", "bill_to", "customer_name", "client"),
    "buyer_address": ("customer_address", "billing_address", "bill_to_address"),
    "net_total": ("subtotal", "total_excluding_tax", "net_amount", "amount_before_tax"),
    "tax_total": ("tax", "vat_amount", "total_vat", "tax_amount"),
    "iban": ("account_number", "bank_account", "iban_number"),
    "bic": ("swift", "bic_code", "swift_code"),
    "current_reading": ("meter_reading", "new_reading"),
    "provider_name": ("utility", "supplier", "company"),
    "amount_due": ("total", "total_amount", "amount_to_pay"),
    "transactions": ("postings", "bookings", "entries"),
    "article": ("sku", "item_number", "article_number"),
    "line_items": ("items", "lines", "positions", "products"),
    "amount": ("line_total", "total_price", "line_amount"),
    "unit_price": ("price_each", "price_per_unit"),
    "quantity": ("qty", "count"),
    "description": ("name", "item", "product"),
}
"""Other names that a value is asked by; no two keys of one record share all of theirs."""

COLUMNS = {"line_items": ("description", "quantity", "unit_price", "amount")}
SCHEMAS = (
    ("merchant_name", "merchant_address", "date", "time", "currency", "subtotal", "tax", "total",
     "payment_method", "line_items"),
    ("invoice_number", "issue_date", "due_date", "purchase_order", "seller_name", "seller_address",
     "seller_tax_id", "buyer_name", "buyer_address", "currency", "net_total", "tax_total", "total",
     "iban", "line_items"),
)  # fmt: skip
"""The keys of the bundled schemas, receipt and invoice, in their order."""

ABSENT = (
    "iban", "due_date", "purchase_order", "patient_name", "flight_number", "meter_reading",
    "passport_number", "date_of_birth", "policy_number", "tracking_number", "check_in_date",
    "room_rate", "departure_time", "arrival_airport", "blood_type", "diagnosis", "doctor",
    "prescription", "dosage", "vessel", "container_number", "port_of_loading", "incoterms",
    "country_of_origin", "lease_start", "monthly_rent", "tenant", "landlord", "interest_rate",
    "loan_amount", "opening_balance", "closing_balance", "employer", "salary", "job_title",
    "grade", "course", "student_id", "teacher", "isbn", "author", "engine_number",
    "insured_person", "claim_number", "case_number", "court", "plaintiff", "nationality",
    "marital_status", "meter_number", "tariff", "consumption", "recipe", "winner",
)  # fmt: skip
"""Keys that a page which records none of them does not show: tills, offices and blank paper."""

# What a receipt or an invoice does not show where its record says nothing about it.
_ELSEWHERE = ("iban", "due_date", "purchase_order", "buyer_name", "buyer_address", "time",
              "payment_method")  # fmt: skip
# Words that two keys may share without meaning the same.
_COMMON_WORDS = {"number", "date", "name", "of", "address", "no", "in", "to", "by", "time", "total"}
READ = "<|read|>"


@dataclass(frozen=True)
class Piece:
    """A stretch of the answer: `chosen` by the model or forced; `field` counts leaves from 1."""

    text: str
    chosen: bool
    field: int


@dataclass(frozen=True)
class Exercise:
    """A question and its answer; `counts` where the answer is marks, no values or lines."""

    question: str
    answer: list[Piece]
    counts: bool = False


def read_aloud(lines: list[str], room: int) -> Exercise:
    """Write the page out, line by line, as far as `room` tokens go, the end being one of them."""
    text = "\n".join(lines)
    pieces = [Piece(text[:room], True, 1)]
    if len(text) < room:
        pieces.append(Piece("</s>", True, 1))
    return Exercise(READ, pieces)


def ask(record: Mapping[str, Any], rng: np.random.Generator, whole: float = 0.5) -> Exercise:
    """A question about a record: a bundled schema or a part, other names, absent keys."""
    named = list(record.items())
    lists = [pair for pair in named if isinstance(pair[1], list)]
    roll = rng.random()
    if roll < whole:
        own = [keys for keys in SCHEMAS if set(keys) <= record.keys()]
        named = [(key, record[key]) for key in own[0]] if own else named
    elif roll < whole + 0.1 * (1 - whole) and (other := _otherwise(record)):
        named = other
    elif lists and rng.random() < 0.3:
        named = [lists[int(rng.integers(len(lists)))]]
    else:
        take = int(rng.integers(1, min(len(named), 8) + 1))
        order = rng.permutation(len(named))[:take]
        named = [named[i] for i in (order if rng.random() < 0.4 else sorted(order))]
    style = _style(rng)
    asked: dict[str, Any] = {}
    tree: Tree = {}
    spoken = _words({name: record[key] for key in record for name in (key, *SYNONYMS.get(key, ()))})
    foreign = [key for key in ABSENT if not spoken & _words({key: None})]
    if roll >= whole and foreign and rng.random() < 0.35:
        for i in rng.permutation(len(foreign))[: int(rng.integers(1, 7))]:
            named.insert(int(rng.integers(0, len(named) + 1)), (foreign[i], None))
    for key, value in named:
        node = shape({key: value})[key]
        if isinstance(value, list) and (key in COLUMNS or (value and isinstance(value[0], dict))):
            alone = 0.8 if len(named) == 1 and len(value) > 3 else 0.3
            names = _columns(COLUMNS.get(key) or tuple(value[0]), alone, style, rng)
            value = [{other: row.get(name) for other, name in names.items()} for row in value]
            node = [dict.fromkeys(names)]
        name = _rename(key, {*asked, *record}, style, rng)
        if name not in asked:
            asked[name], tree[name] = value, node
    return exercise(asked, tree)


def _words(node: Any) -> set[str]:
    """All words of the keys of a record, in lower case, whatever their style."""
    if isinstance(node, list):
        return set().union(*(_words(row) for row in node))
    if not isinstance(node, Mapping):
        return set()
    own = {word.lower() for key in node for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", key)}
    return own.union(*(_words(value) for value in node.values())) - _COMMON_WORDS


def _otherwise(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The keys and values of a bundled schema made for another kind of paper.

    Empty where the record does not say enough to answer each of its keys.
    """
    for schema in SCHEMAS:
        if set(schema) <= record.keys():
            continue
        source = {name: key for key in record for name in (*SYNONYMS.get(key, ()), key)}
        source |= {key: key for key in record}
        if all(key in source or key in _ELSEWHERE for key in schema):
            return [(key, record[source[key]] if key in source else None) for key in schema]
    return []


def exercise(record: Mapping[str, Any], tree: Tree | None = None) -> Exercise:
    """The question for exactly these keys, and the record as its answer."""
    field = 0
    pieces: list[Piece] = []

    def put(text: str, chosen: bool = False) -> None:
        pieces.append(Piece(text, chosen, field if chosen else 0))

    def write(value: Any) -> None:
        nonlocal field
        if isinstance(value, dict):
            put("{")
            for index, (key, inner) in enumerate(value.items()):
                put(("," if index else "") + json.dumps(key, ensure_ascii=False) + ":")
                write(inner)
            put("}")
        elif isinstance(value, list):
            put("[")
            field += 1
            for index, inner in enumerate(value):
                if index:
                    put(",", chosen=True)
                    write(inner)
                else:
                    open_list(inner)
            put("]", chosen=True)
        else:
            field += 1
            for text, chosen in _leaf(value):
                put(text, chosen)

    def open_list(first: Any) -> None:
        """The first element's opening bracket tells a list from an empty one: it is chosen."""
        start = len(pieces)
        write(first)
        pieces[start] = Piece(pieces[start].text, True, field)

    write(dict(record))
    put("</s>")
    return Exercise(compact_question(tree or shape(record)), pieces)


def shape(record: Mapping[str, Any]) -> Tree:
    """The tree of keys that `compact_question` writes down."""
    tree: Tree = {}
    for key, value in record.items():
        if isinstance(value, dict):
            tree[key] = shape(value)
        elif isinstance(value, list):
            tree[key] = [shape(value[0]) if value and isinstance(value[0], dict) else None]
        else:
            tree[key] = None
    return tree


def _leaf(value: str | None) -> Iterator[tuple[str, bool]]:
    if value is None:
        yield "n", True
        yield "ull", False
    else:
        yield json.dumps(value, ensure_ascii=False), True


def _columns(
    names: tuple[str, ...], some: float, style: Callable[[str], str], rng: np.random.Generator
) -> dict[str, str]:
    """The columns to ask for, as asked -> as recorded: all, or at odds `some` a few of them."""
    if rng.random() < some:
        take = int(rng.integers(1, len(names) + 1))
        names = tuple(names[i] for i in sorted(rng.choice(len(names), size=take, replace=False)))
    shown: dict[str, str] = {}
    for name in names:
        shown[_rename(name, {*shown, *names}, style, rng)] = name
    return shown


def _rename(
    key: str, taken: Collection[str], style: Callable[[str], str], rng: np.random.Generator
) -> str:
    """The key, or a name that means the same and is not `taken`, in the question's style."""
    if key in SYNONYMS and style is not _as_recorded and rng.random() < 0.4:
        other = str(rng.choice(SYNONYMS[key]))
        if other not in taken:
            return style(other)
    return style(key)


def _style(rng: np.random.Generator) -> Callable[[str], str]:
    """How all names of a question are written: mostly as recorded, or in some other form."""
    roll = rng.random()
    if roll < 0.55:
        return _as_recorded
    if roll < 0.76:
        return str
    if roll < 0.84:
        return lambda name: re.sub("_(.)", lambda found: found[1].upper(), name)
    if roll < 0.92:
        return lambda name: name.replace("_", " ")
    return lambda name: name.replace("_", " ").capitalize()


def _as_recorded(name: str) -> str:
    return name

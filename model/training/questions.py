"""What a page is asked and what a right answer looks like, letter by letter.

The question is written by the app's own `docextract.prompt`, so that what is taught is what is
asked. An answer is cut into pieces that the model must choose and pieces that the grammar forces;
only the chosen ones are learned.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from docextract.prompt import compact_question

Tree = dict[str, Any]

SYNONYMS: dict[str, tuple[str, ...]] = {
    "merchant_name": ("company", "store_name", "shop", "vendor", "merchant", "seller"),
    "merchant_address": ("address", "store_address", "company_address", "merchantAddress"),
    "date": ("receipt_date", "transaction_date", "purchase_date", "dateOfPurchase"),
    "total": ("total_amount", "amount_due", "grand_total", "totalAmount", "amount_paid"),
    "invoice_number": ("invoice_no", "number", "invoiceNumber", "document_number"),
    "issue_date": ("invoice_date", "date", "invoiceDate", "date_of_issue"),
    "seller_name": ("supplier", "seller", "vendor_name", "sellerName"),
    "buyer_name": ("customer", "buyer", "bill_to", "customer_name"),
    "line_items": ("items", "lines", "positions", "products"),
    "amount": ("line_total", "total_price", "price"),
    "quantity": ("qty", "count"),
    "description": ("name", "item", "product"),
}
COLUMNS = {"line_items": ("description", "quantity", "unit_price", "amount")}
READ = "<|read|>"
ABSENT = ("iban", "purchase_order", "due_date", "patient_name", "flight_number", "meter_reading")


@dataclass(frozen=True)
class Piece:
    """A stretch of the answer: `chosen` by the model or forced; `field` counts leaves from 1."""

    text: str
    chosen: bool
    field: int


@dataclass(frozen=True)
class Exercise:
    """A question and its answer."""

    question: str
    answer: list[Piece]


def read_aloud(lines: list[str], room: int) -> Exercise:
    """Write the page out, line by line, as far as `room` tokens go, the end being one of them."""
    text = "\n".join(lines)
    pieces = [Piece(text[:room], True, 1)]
    if len(text) < room:
        pieces.append(Piece("</s>", True, 1))
    return Exercise(READ, pieces)


def ask(record: Mapping[str, Any], rng: np.random.Generator, whole: float = 0.5) -> Exercise:
    """A question about a record: the whole schema, a part of it, other names, absent keys."""
    keys = list(record)
    if rng.random() >= whole:
        take = int(rng.integers(1, min(len(keys), 7) + 1))
        keys = [keys[i] for i in sorted(rng.choice(len(keys), size=take, replace=False))]
        if rng.random() < 0.4:
            rng.shuffle(keys)
    asked: dict[str, Any] = {}
    tree: Tree = {}
    for key in keys:
        value, node = record[key], shape({key: record[key]})[key]
        if isinstance(value, list) and (key in COLUMNS or (value and isinstance(value[0], dict))):
            names = _columns(COLUMNS.get(key) or tuple(value[0]), rng)
            value = [{other: row.get(name) for other, name in names.items()} for row in value]
            node = [dict.fromkeys(names)]
        name = _rename(key, asked, rng)
        asked[name], tree[name] = value, node
    if rng.random() < 0.15:
        absent = str(rng.choice(ABSENT))
        if absent not in record and absent not in asked:
            asked[absent] = tree[absent] = None
    return exercise(asked, tree)


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


def _columns(names: tuple[str, ...], rng: np.random.Generator) -> dict[str, str]:
    """The columns to ask for, as asked -> as recorded: all, or sometimes a few, other names."""
    if rng.random() < 0.3:
        take = int(rng.integers(1, len(names) + 1))
        names = tuple(names[i] for i in sorted(rng.choice(len(names), size=take, replace=False)))
    shown: dict[str, str] = {}
    for name in names:
        shown[_rename(name, shown, rng)] = name
    return shown


def _rename(key: str, taken: Mapping[str, Any], rng: np.random.Generator) -> str:
    if key in SYNONYMS and rng.random() < 0.15:
        other = str(rng.choice(SYNONYMS[key]))
        if other not in taken:
            return other
    return key

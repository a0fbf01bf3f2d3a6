"""Invoices of offices: letterhead, buyer, numbers and dates, a table of positions, sums, bank."""

from typing import Any

import numpy as np

from training.synthetic.flow import PLAIN, Align, Cell, Frame, Plan, Row, Style
from training.synthetic.office import (
    CURRENCY_WORD,
    Office,
    Pair,
    Rows,
    letterhead,
    open_office,
    pair_rows,
    party,
    print_sums,
    strip,
    table,
    tax_id,
)
from training.synthetic.parties import address, company, person, website
from training.synthetic.values import (
    chance,
    code,
    digits,
    iban,
    letters,
    phone,
    pick,
)
from training.synthetic.words import Words

_NAME_ADDRESS = {
    "en": ("Name", "Address"), "de": ("Name", "Anschrift"), "fr": ("Nom", "Adresse"),
    "es": ("Nombre", "Dirección"), "it": ("Nome", "Indirizzo"), "nl": ("Naam", "Adres"),
    "pt": ("Nome", "Morada"),
}  # fmt: skip
KEYS = (
    "invoice_number", "issue_date", "due_date", "purchase_order", "seller_name", "seller_address",
    "seller_tax_id", "buyer_name", "buyer_address", "currency", "net_total", "tax_total", "total",
    "iban",
)  # fmt: skip


def invoice(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """The plan of an invoice and the values it shows, as printed."""
    office = open_office(rng, words)
    office.record = {**dict.fromkeys(KEYS), "currency": office.money.sign, "line_items": []}
    layout = pick(rng, ("letter", "letter", "letter", "strip", "sections", "boxes"))
    if layout == "sections":
        _sections(office)
    else:
        _letter(office, layout)
    table(office)
    _sums(office)
    _bottom(office)
    return office.plan, office.record


def _facts(office: Office) -> list[Pair]:
    """Numbers and dates with their labels, the asked ones among others."""
    rng, record = office.rng, office.record
    pairs: list[Pair] = []

    def fact(key: str, odds: float, value: str, field_name: str | None = None) -> None:
        if chance(rng, odds):
            pairs.append((office.label(key), value))
            if field_name is not None:
                record[field_name] = value

    if record["invoice_number"] is None:
        fact("invoice_number", 1.0, code(rng), "invoice_number")
    if record["issue_date"] is None:
        fact("issue_date", 0.97, office.day(0), "issue_date")
    fixed = len(pairs) if chance(rng, 0.6) else 0
    fact("due_date", 0.5, office.day(int(rng.integers(7, 91))), "due_date")
    fact("purchase_order", 0.45, code(rng), "purchase_order")
    fact("other_date", 0.35, office.day(-int(rng.integers(1, 31))))
    for _ in range(int(rng.integers(0, 3))):
        fact("other_number", 1.0, code(rng))
    fact("other_person", 0.3, person(rng, office.words))
    if office.sign_mode == "word" and office.money.sign is not None:
        pairs.append((CURRENCY_WORD[office.country.language], office.money.sign))
    rest = pairs[fixed:]
    pairs = pairs[:fixed] + [rest[int(i)] for i in rng.permutation(len(rest))]
    seen: set[str] = set()
    return [pair for pair in pairs if not (pair[0] in seen or seen.add(pair[0]))]  # type: ignore[func-returns-value]


def _title(office: Office) -> list[Cell]:
    """The word for invoice; at times the number and the date stand in the same line."""
    rng, says = office.rng, office.label("title")
    style = Style(size=pick(rng, (1.0, 1.3, 1.7, 2.2)), bold=chance(rng, 0.7))
    text = says
    if chance(rng, 0.22):
        number = code(rng)
        office.record["invoice_number"] = number
        text = f"{says} {pick(rng, ('', 'Nr. ', 'No. ', '# ', '- '))}{number}"
        if office.country.language == "de" and chance(rng, 0.4):
            shown = office.day(0)
            office.record["issue_date"] = shown
            text += f" vom {shown}"
    at, align = pick(rng, _TITLE_PLACES)
    return [Cell(text, at, align, style)]


_TITLE_PLACES: tuple[tuple[float, Align], ...] = (
    (0.0, "left"), (0.0, "left"), (1.0, "right"), (0.5, "centre"),
)  # fmt: skip


def _letter(office: Office, layout: str) -> None:
    """Seller on top, buyer and facts below: as a letter, with a strip of facts, or in boxes."""
    rng, plan = office.rng, office.plan
    seller, seller_lines = party(office, "seller")
    buyer, buyer_lines = party(office, "buyer")
    title = _title(office)
    facts = _facts(office)
    tax = tax_id(office) if chance(rng, 0.6) else None
    title_first = chance(rng, 0.3)
    if title_first:
        plan.add(*title, below=0.5)
    letterhead(office, seller, seller_lines, tax)
    if not title_first and chance(rng, 0.6):
        plan.add(*title, below=0.5)
        title_first = True
    left: Rows = []
    if chance(rng, 0.75):
        left.append([Cell(office.label("buyer") + office.colon, style=Style(bold=True))])
    left += [[Cell(text, style=Style(bold=n == 0 and chance(rng, 0.3)))]
             for n, text in enumerate([buyer, *buyer_lines])]  # fmt: skip
    if layout == "strip":
        if chance(rng, 0.35):
            name, lines = company(rng, office.words, office.where), buyer_lines
            if chance(rng, 0.6):
                lines = address(rng, office.words, office.where)
            right: Rows = [
                [Cell(office.label("ship") + office.colon, 0.55, style=Style(bold=True))]
            ]
            right += [[Cell(text, 0.55)] for text in [name, *lines]]
        else:
            right = []
        office.merge(left, right)
        plan.gap(0.8)
        strip(office, facts)
    else:
        start = float(rng.uniform(0.5, 0.62))
        right = pair_rows(office, facts, start, 1.0)
        flip = chance(rng, 0.12)
        if flip:
            left = [[Cell(c.text, c.at + 0.58, c.align, c.style) for c in row] for row in left]
            right = pair_rows(office, facts, 0.0, 0.42)
        if chance(rng, 0.15):
            right.insert(0, [])
        first, _ = office.merge(left, right)
        if layout == "boxes":
            x0 = 0.58 if flip else 0.0
            plan.frames.append(Frame(first, first + len(left) - 1, x0, x0 + 0.42))
            if not flip:
                plan.frames.append(Frame(first, first + len(right) - 1, start, 1.0))
    plan.gap(float(rng.uniform(0.5, 2.5)))
    if not title_first:
        plan.add(*title, below=0.5)
    if chance(rng, 0.2):
        plan.add(Cell(office.words.phrase(rng, 5, 9).capitalize() + "."), below=0.5)


def _sections(office: Office) -> None:
    """A page of labels and values under shaded headings, as viewers of e-invoices print it."""
    rng, plan = office.rng, office.plan
    shade = int(rng.integers(205, 245)) if chance(rng, 0.7) else None
    value_at = float(rng.uniform(0.25, 0.42))
    name_word, address_word = _NAME_ADDRESS[office.country.language]

    def heading(text: str) -> None:
        bold = (Cell(text, style=Style(bold=True)),)
        plan.rows.append(Row(bold, 0.8, 0.3, shade=shade, rule=shade is None))

    def entry(label: str, value: str) -> None:
        plan.add(Cell(label + (office.colon or ":"), 0.01), Cell(value, value_at))

    def section(role: str) -> None:
        name, lines = party(office, role)
        heading(office.label(role))
        if chance(rng, 0.5):
            entry(office.label("other_number"), digits(rng, 6))
        entry(name_word, name)
        entry(address_word, lines[0])
        for text in lines[1:]:
            plan.add(Cell(text, value_at))
        if role == "seller" and (tax := tax_id(office)) is not None:
            entry(*tax)

    title = _title(office)
    plan.add(*title, below=0.6)
    for label, value in _facts(office):
        entry(label, value)
    roles = ["seller", "buyer"] if chance(rng, 0.7) else ["buyer", "seller"]
    for role in roles:
        section(role)
    plan.gap(1.0)


def _sums(office: Office) -> None:
    """Net, tax and total, in a block on the right or as a table of one row."""
    rng, record, how = office.rng, office.record, office.money
    net = int(record["net_total"])
    record["net_total"] = None
    rate = pick(rng, office.country.tax_rates)
    shipping = int(rng.integers(300, 9900)) if chance(rng, 0.15) else 0
    taxed = chance(rng, 0.85)
    tax = round((net + shipping) * rate / 100) if taxed else 0
    total = net + shipping + tax
    pairs: list[tuple[str, str, Style]] = []
    if chance(rng, 0.85):
        record["net_total"] = how.bare(net)
        pairs.append((office.label("net_total"), office.write(net), PLAIN))
    if shipping:
        pairs.append((office.label("shipping"), office.write(shipping), PLAIN))
    if taxed:
        record["tax_total"] = how.bare(tax)
        name = office.label("tax_total")
        shapes = (name, f"{name} {rate}%", f"{rate} % {name}", f"{name} ({rate}%)",
                  f"+ {rate}% {name}")  # fmt: skip
        pairs.append((pick(rng, shapes), office.write(tax), PLAIN))
    label = office.label("total")
    if office.sign_mode == "label" and how.sign is not None:
        label += pick(rng, (" {}", " ({})", " in {}")).format(how.sign)
    loud = pick(rng, (PLAIN, Style(bold=True), Style(bold=True), Style(bold=True, size=1.3)))
    record["total"] = how.bare(total)
    pairs.append((label, office.write(total), loud))
    if chance(rng, 0.06):
        pairs.append((office.label("paid"), office.write(0), PLAIN))
    print_sums(office, pairs)


def _bottom(office: Office) -> None:
    """Terms, bank, and the small print at the foot in one to three columns."""
    rng, plan = office.rng, office.plan
    plan.gap(float(rng.uniform(0.8, 3.0)))
    for _ in range(int(rng.integers(0, 3))):
        plan.add(Cell(office.label("terms")), below=0.2)
    pairs: list[Pair] = []
    if chance(rng, 0.6):
        number = iban(rng, office.where if office.country.codes[0] in {"EUR", "CHF"} else "gb")
        office.record["iban"] = number
        pairs.append((office.label("iban").rstrip(":"), number))
        if chance(rng, 0.7):
            label = office.label("bank")
            bic = label.upper() in {"BIC", "SWIFT", "SORT CODE"}
            bank = letters(rng, 6) + digits(rng, 2)
            pairs.append((label, bank if bic else company(rng, office.words, office.where)))
    tax = tax_id(office)
    if tax is not None:
        pairs.append(tax)
    if not pairs:
        return
    if chance(rng, 0.4):
        plan.rows.append(Row(below=0.3, rule=True))
    style = Style(size=office.small)
    if chance(rng, 0.5):
        for label, value in pairs:
            plan.add(Cell(f"{label}{office.colon or ':'} {value}", style=style))
    elif chance(rng, 0.5):
        for label, value in pairs:
            plan.add(Cell(label + office.colon, style=style), Cell(value, 0.2, style=style))
    else:
        other = [office.record["seller_name"], website(rng, office.words),
                 phone(rng, office.country)]  # fmt: skip
        left = [[Cell(text, style=style)] for text in other[: int(rng.integers(1, 4))]]
        right = [
            [Cell(f"{label}{office.colon or ':'} {value}", 0.5, style=style)]
            for label, value in pairs
        ]
        office.merge(left, right)
    if chance(rng, 0.3):
        plan.add(Cell(office.label("page"), 1.0, "right", style), above=0.6)

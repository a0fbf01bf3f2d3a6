"""Invoices of offices: letterhead, buyer, numbers and dates, a table of positions, sums, bank.

A page may be the first or the last of several: what stands on the others is absent.
"""

from typing import Any

import numpy as np

from training.synthetic.flow import Align, Cell, Frame, Plan, Row, Style, wrap
from training.synthetic.labels import CLOSING
from training.synthetic.office import (
    CURRENCY_WORD,
    Office,
    Pair,
    Rows,
    letterhead,
    open_office,
    pair_rows,
    party,
    strip,
    table,
    tax_id,
)
from training.synthetic.parties import address, company, person, website
from training.synthetic.payments import foot, sums, terms
from training.synthetic.values import chance, code, digits, phone, pick, tax_number
from training.synthetic.words import Words

_NAME_ADDRESS = {
    "en": ("Name", "Address"), "de": ("Name", "Anschrift"), "fr": ("Nom", "Adresse"),
    "es": ("Nombre", "Dirección"), "it": ("Nome", "Indirizzo"), "nl": ("Naam", "Adres"),
    "pt": ("Nome", "Morada"),
}  # fmt: skip
_GREETINGS = ("Herrn", "Frau", "Firma", "Herr", "Attn.", "M.", "Mme", "Spett.le", "Sr.", "Mr", "An")
KEYS = (
    "invoice_number", "issue_date", "due_date", "purchase_order", "seller_name", "seller_address",
    "seller_tax_id", "buyer_name", "buyer_address", "currency", "net_total", "tax_total", "total",
    "iban",
)  # fmt: skip
_MORE = ("bic", "customer_number", "delivery_date")
_TITLE_PLACES: tuple[tuple[float, Align], ...] = (
    (0.0, "left"), (0.0, "left"), (0.0, "left"), (1.0, "right"), (0.5, "centre"),
)  # fmt: skip
_LAYOUTS = {"window": 0.3, "letter": 0.25, "strip": 0.12, "boxes": 0.08, "sections": 0.15,
            "columns": 0.1}  # fmt: skip


def invoice(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """The plan of an invoice and the values it shows, as printed."""
    office = open_office(rng, words)
    office.record = {**dict.fromkeys(KEYS), "currency": office.money.sign, "line_items": []}
    office.record |= dict.fromkeys(_MORE)
    part = str(rng.choice(("whole", "first", "last"), p=(0.8, 0.1, 0.1)))
    if part != "whole":  # the sign stands on another page
        office.sign_mode, office.record["currency"] = "none", None
    if chance(rng, 0.07):
        office.says = {**office.says, "title": CLOSING[office.country.language]["credit"]}
        office.sign = -1 if chance(rng, 0.6) else 1
    if part == "last":
        _continued(office)
    else:
        _opening(office)
    if part == "whole" or chance(rng, 0.7):
        table(office)
    if part == "first":
        _carried(office, "carried")
    elif office.bases:
        sums(office)
    if part != "first":
        office.plan.gap(float(rng.uniform(0.5, 3.0)))
        terms(office)
    foot(office)
    return office.plan, office.record


def _opening(office: Office) -> None:
    layout = str(office.rng.choice(list(_LAYOUTS), p=list(_LAYOUTS.values())))
    if layout == "sections":
        _sections(office)
    elif layout == "columns":
        _columns(office)
    elif layout == "window":
        _window(office)
    else:
        _letter(office, layout)


def _continued(office: Office) -> None:
    """The top of a last page: at most the seller's name, the number and the date again."""
    rng, plan = office.rng, office.plan
    if chance(rng, 0.4):
        party(office, "seller")
        office.record["seller_address"] = None
        plan.add(Cell(office.record["seller_name"]), above=0.3)
        office.seller_lines = []
    if chance(rng, 0.6):
        cells = _title(office, numbered=0.9)
        plan.add(*cells, Cell(office.label("page"), 1.0, "right"), below=1.0)
    if chance(rng, 0.5):
        _carried(office, "brought")


def _carried(office: Office, word: str) -> None:
    """A sum that goes over to the next page, which is none of the invoice's own."""
    if chance(office.rng, 0.6):
        label = pick(office.rng, CLOSING[office.country.language][word])
        amount = office.money.bare(sum(office.bases.values()) or int(office.rng.integers(1, 10**6)))
        office.plan.add(Cell(label, 0.6), Cell(amount, 0.995, "right"), above=0.4, below=0.4)


def _facts(office: Office) -> list[Pair]:
    """Numbers and dates with their labels, the asked ones among others."""
    rng, record, more = office.rng, office.record, CLOSING[office.country.language]
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
    fact("due_date", 0.4, office.day(int(rng.integers(7, 91))), "due_date")
    fact("purchase_order", 0.45, code(rng), "purchase_order")
    roll = rng.random()
    if roll < 0.2:
        since = int(rng.integers(20, 60))
        days = pick(rng, (" - ", " bis ", " – ", "-")).join((office.day(-since), office.day(-1)))
        pairs.append((pick(rng, more["period"]), days))
    elif roll < 0.45 and "delivery_date" in office.says:
        fact("delivery_date", 1.0, office.day(-int(rng.integers(0, 15))), "delivery_date")
    elif roll < 0.6:
        fact("other_date", 1.0, office.day(-int(rng.integers(1, 31))))
    if "customer_number" in office.says:
        fact("customer_number", 0.4, digits(rng, int(rng.integers(4, 9))), "customer_number")
    for _ in range(int(rng.integers(0, 3))):
        fact("other_number", 1.0, code(rng))
    fact("other_person", 0.3, person(rng, office.words))
    if chance(rng, 0.1):
        pairs.append((pick(rng, more["of_buyer"]), tax_number(rng, office.where)))
    if office.sign_mode == "word" and office.money.sign is not None:
        pairs.append((CURRENCY_WORD[office.country.language], office.money.sign))
    rest = pairs[fixed:]
    pairs = pairs[:fixed] + [rest[int(i)] for i in rng.permutation(len(rest))]
    # A label that came twice names the first value only, which is the recorded one.
    firsts = {label: value for label, value in reversed(pairs)}
    shown = [(label, firsts[label]) for label in dict.fromkeys(label for label, _ in pairs)]
    printed = {value for _, value in shown}
    for key in ("due_date", "purchase_order", "delivery_date", "customer_number"):
        if record[key] not in printed:
            record[key] = None
    return shown


def _title(office: Office, numbered: float = 0.25) -> list[Cell]:
    """The word for invoice; at times the number and the date stand in the same line."""
    rng, says = office.rng, office.label("title")
    style = Style(size=pick(rng, (1.0, 1.3, 1.7, 2.2)), bold=chance(rng, 0.7))
    text = says
    if chance(rng, 0.05):
        text = " ".join(says)
    elif chance(rng, 0.05):
        text += f" ({pick(rng, ('380', '381', '384', 'Original', 'Copy'))})"
    if chance(rng, numbered):
        number = code(rng)
        office.record["invoice_number"] = number
        text += f" {pick(rng, ('', 'Nr. ', 'No. ', '# ', '- ', 'Nr.: ', 'n° '))}{number}"
        if chance(rng, 0.4):
            shown = office.day(0)
            office.record["issue_date"] = shown
            text += f" {pick(rng, CLOSING[office.country.language]['dated'])} {shown}"
    at, align = pick(rng, _TITLE_PLACES)
    return [Cell(text, at, align, style)]


def _intro(office: Office) -> None:
    """A sentence or two before the table."""
    rng, plan = office.rng, office.plan
    if chance(rng, 0.35):
        plan.add(Cell(pick(rng, CLOSING[office.country.language]["intro"])), below=0.4)
    if chance(rng, 0.2):
        text = office.words.phrase(rng, 5, 18).capitalize() + "."
        for line in wrap(text, int(plan.columns * 0.95)):
            plan.add(Cell(line))
        plan.gap(0.5)


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
        right = _ship_to(office, 0.55, buyer_lines) if chance(rng, 0.35) else []
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
    _intro(office)


def _ship_to(office: Office, at: float, near: list[str]) -> Rows:
    """Where the goods go, which is not who pays."""
    rng = office.rng
    name, lines = company(rng, office.words, office.where), near
    if chance(rng, 0.6):
        lines = address(rng, office.words, office.where)
    rows: Rows = [[Cell(office.label("ship") + office.colon, at, style=Style(bold=True))]]
    return rows + [[Cell(text, at)] for text in [name, *lines]]


def _window(office: Office) -> None:
    """A letter for a window envelope: the sender in one small line over the buyer's address."""
    rng, plan, record = office.rng, office.plan, office.record
    seller, seller_lines = party(office, "seller")
    buyer, buyer_lines = party(office, "buyer")
    if chance(rng, 0.4):
        plan.rows.append(Row(below=0.5, logo=int(rng.integers(2**31)),
                             logo_lines=float(rng.uniform(3, 7)),
                             logo_at=float(rng.uniform(0, 0.8))))  # fmt: skip
    if chance(rng, 0.35):
        at, align = pick(rng, _TITLE_PLACES)
        style = Style(size=pick(rng, (1.5, 2.0, 2.6)), title=chance(rng, 0.6))
        short = seller if chance(rng, 0.5) else seller.split()[0]
        plan.add(Cell(short, at, align, style), below=1.0)
    tax = tax_id(office) if chance(rng, 0.5) else None
    right_block: list[str] = []
    if chance(rng, 0.45):
        if chance(rng, 0.7):
            right_block = [seller, *seller_lines]
        reach = f"{office.label('phone')}{office.colon or ':'} {phone(rng, office.country)}"
        right_block += [reach, website(rng, office.words)]
    joint = pick(rng, (", ", " - ", " · ", " | ", " * ", "  "))
    sender = f"{seller}{joint}{joint.join(seller_lines)}"
    if right_block[:1] != [seller] or chance(rng, 0.5):
        record["seller_address"] = " ".join(seller_lines)
        if right_block[:1] != [seller]:
            record["seller_address"] = joint.join(seller_lines)
        style = Style(size=min(0.75, 0.9 * plan.columns / max(1, len(sender))))
        span = (0.0, min(0.9, 0.7 * len(sender) / plan.columns))
        row = Row((Cell(sender, style=style),), below=0.3, rule=chance(rng, 0.4), rule_span=span)
        plan.rows.append(row)
    left: Rows = []
    if chance(rng, 0.15):
        left.append([Cell(pick(rng, _GREETINGS))])
    left += [[Cell(text)] for text in [buyer, *buyer_lines]]
    title, facts = _title(office, 0.4), _facts(office)
    if tax is not None and chance(rng, 0.5):
        facts.append(tax)
    elif tax is not None:
        right_block.append(f"{tax[0]}{office.colon or ':'} {tax[1]}")
    start = float(rng.uniform(0.55, 0.68))
    right: Rows = [[Cell(text, start, style=Style(size=office.small))] for text in right_block]
    beside = len(right) + len(facts) <= len(left) + 8
    if beside:
        right += [*([[]] if right else []), *pair_rows(office, facts, start, 1.0)]
    office.merge(left, right)
    plan.gap(float(rng.uniform(1.0, 3.5)))
    if beside:
        plan.add(*title, below=0.6)
    elif chance(rng, 0.5):
        strip(office, facts)
        plan.add(*title, above=0.6, below=0.6)
    else:
        plan.add(*title, below=0.4)
        office.merge(pair_rows(office, facts, 0.0, float(rng.uniform(0.4, 0.6))), [])
        plan.gap(0.8)
    _intro(office)


def _columns(office: Office) -> None:
    """Seller, buyer, and facts beside each other, each under its own heading."""
    rng, plan = office.rng, office.plan
    blocks: list[Rows] = []
    roles = ["seller", "buyer"] if chance(rng, 0.7) else ["buyer", "seller"]
    ends = (0.0, 0.33, 0.64, 1.0)
    for role, at, to in zip(roles, ends, ends[1:], strict=False):
        name, lines = party(office, role)
        room = int(plan.columns * (to - at) * 0.9)
        rows: Rows = [[Cell(office.label(role) + office.colon, at, style=Style(bold=True))]]
        if chance(rng, 0.2):
            rows.append([Cell(f"GLN {digits(rng, 13)}", at)])
        shown = [part for text in [name, *lines] for part in wrap(text, room)]
        rows += [[Cell(text, at)] for text in shown]
        if role == "seller" and chance(rng, 0.6) and (tax := tax_id(office)):
            rows.append([Cell(f"{tax[0]} : {tax[1]}", at)])
        blocks.append(rows)
    title = _title(office)[0]
    facts = [[Cell(title.text, ends[2], style=Style(bold=True))],
             *pair_rows(office, _facts(office), ends[2], ends[3])]  # fmt: skip
    first = len(plan.rows)
    height = max(len(block) for block in [*blocks, facts])
    for n in range(height):
        cells = [cell for block in [*blocks, facts] if n < len(block) for cell in block[n]]
        plan.add(*cells)
    if chance(rng, 0.5):
        plan.frames.append(Frame(first, len(plan.rows) - 1, 0.0, 1.0))
    plan.gap(float(rng.uniform(0.6, 2)))
    _intro(office)


def _sections(office: Office) -> None:
    """A page of labels and values under shaded headings, as viewers of e-invoices print it."""
    rng, plan = office.rng, office.plan
    shade = int(rng.integers(205, 245)) if chance(rng, 0.7) else None
    zebra = int(rng.integers(225, 248)) if chance(rng, 0.5) else None
    value_at = float(rng.uniform(0.25, 0.45))
    loud = Style(bold=chance(rng, 0.5))
    name_word, address_word = _NAME_ADDRESS[office.country.language]
    space = float(rng.uniform(0.0, 0.5))

    def heading(text: str) -> None:
        bold = (Cell(text, style=Style(bold=True)),)
        plan.rows.append(Row(bold, 0.8, 0.3, shade=shade, rule=shade is None))

    def entry(label: str, value: str, style: Style | None = None) -> None:
        cells = (Cell(label + (office.colon or ":") if label else "", 0.01),
                 Cell(value, value_at, style=style or Style()))  # fmt: skip
        band = zebra if len(plan.rows) % 2 else None
        plan.rows.append(Row(cells[0 if label else 1 :], space, shade=band))

    def section(role: str) -> None:
        name, lines = party(office, role)
        heading(office.label(role))
        if chance(rng, 0.5):
            entry(office.label("other_number"), digits(rng, 6))
        entry(name_word, name, loud)
        entry(address_word, lines[0])
        for text in lines[1:]:
            entry("", text)
        if chance(rng, 0.2):
            entry(office.label("phone"), phone(rng, office.country))
        if role == "seller" and (tax := tax_id(office)) is not None:
            entry(*tax)

    if chance(rng, 0.3):
        plan.add(Cell(office.words.phrase(rng, 2, 6).capitalize(), style=Style(size=0.8)), below=1)
    title = _title(office, 0.5)
    plan.add(*title, below=0.6)
    for label, value in _facts(office):
        entry(label, value)
    roles = ["seller", "buyer"] if chance(rng, 0.7) else ["buyer", "seller"]
    for role in roles:
        section(role)
    if chance(rng, 0.3):
        heading(office.label("ship"))
        entry(name_word, company(rng, office.words, office.where))
        for text in address(rng, office.words, office.where):
            entry("", text)
    plan.gap(1.0)

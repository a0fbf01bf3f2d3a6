"""Other papers of trade: purchase orders, delivery notes, bank statements, utility bills."""

from typing import Any

import numpy as np

from training.synthetic.flow import PLAIN, Cell, Plan, Row, Style, wrap
from training.synthetic.labels import PAPERS
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
)
from training.synthetic.parties import company, person
from training.synthetic.values import chance, code, digits, iban, letters, pick
from training.synthetic.words import Words


def _open(rng: np.random.Generator, words: Words, kind: str, keys: tuple[str, ...]) -> Office:
    office = open_office(rng, words, PAPERS)
    office.says = {**office.says, **PAPERS[office.country.language]}
    office.record = dict.fromkeys(keys)
    style = Style(size=pick(rng, (1.2, 1.5, 2.0)), bold=chance(rng, 0.7))
    at, align = (0.0, "left") if chance(rng, 0.6) else (1.0, "right")
    office.plan.add(Cell(office.label(kind), at, align, style), below=0.6)  # type: ignore[arg-type]
    return office


def _facts(office: Office, facts: list[tuple[str, str, float]]) -> list[Pair]:
    """Pairs of label and value for (key, value, odds); what is printed enters the record."""
    pairs: list[Pair] = []
    for key, value, odds in facts:
        if chance(office.rng, odds):
            pairs.append((office.label(key), value))
            if key in office.record:
                office.record[key] = value
    order = [int(i) for i in office.rng.permutation(len(pairs))]
    pairs = [pairs[i] for i in order] if chance(office.rng, 0.5) else pairs
    if office.sign_mode == "word" and office.money.sign is not None:
        pairs.append((CURRENCY_WORD[office.country.language], office.money.sign))
    return pairs


def _block(office: Office, title: str, name: str, lines: list[str], at: float) -> Rows:
    rows: Rows = [[Cell(title + office.colon, at, style=Style(bold=True))]]
    return rows + [[Cell(text, at)] for text in [name, *lines]]


def _print_facts(office: Office, pairs: list[Pair], beside: Rows) -> None:
    """The facts to the right of a block, or as a strip below it."""
    if chance(office.rng, 0.3):
        office.merge(beside, [])
        office.plan.gap(0.6)
        strip(office, pairs)
    else:
        office.merge(beside, pair_rows(office, pairs, float(office.rng.uniform(0.5, 0.6)), 1.0))
    office.plan.gap(float(office.rng.uniform(0.5, 1.5)))


def purchase_order(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """An order to a supplier: the sender is the buyer, and sums need not be printed."""
    office = _open(rng, words, "purchase_order_title", (
        "order_number", "order_date", "delivery_date", "supplier_name", "supplier_address",
        "buyer_name", "buyer_address", "currency", "total", "line_items",
    ))  # fmt: skip
    office.record.update(currency=office.money.sign, line_items=[])
    buyer, buyer_lines = party(office, "buyer")
    letterhead(office, buyer, buyer_lines, None, "buyer")
    supplier, lines = party(office, "supplier")
    pairs = _facts(office, [
        ("order_number", code(rng), 1.0), ("order_date", office.day(0), 0.95),
        ("delivery_date", office.day(int(rng.integers(3, 60))), 0.6),
        ("other_number", code(rng), 0.5), ("quote", code(rng), 0.3),
    ])  # fmt: skip
    _print_facts(office, pairs, _block(office, office.label("supplier"), supplier, lines, 0.0))
    table(office)
    net = sum(office.bases.values())
    label = office.label("total")
    if office.sign_mode == "label" and office.money.sign is not None:
        label += f" {office.money.sign}"
        office.record["total"] = office.money.bare(net)
    elif office.sign_mode in {"all", "sums"} or chance(rng, 0.8):
        office.record["total"] = office.money.bare(net)
    if office.record["total"] is not None:
        print_sums(office, [(label, office.write(net), Style(bold=chance(rng, 0.5)))])
    return office.plan, office.record


def delivery_note(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """Goods without prices: from whom, to whom, what and how many."""
    office = _open(rng, words, "delivery_note_title", (
        "delivery_note_number", "delivery_date", "order_number", "customer_number", "seller_name",
        "seller_address", "buyer_name", "buyer_address", "total_weight", "line_items",
    ))  # fmt: skip
    plan = office.plan
    office.sign_mode = "none"
    seller, seller_lines = party(office, "seller")
    letterhead(office, seller, seller_lines, None)
    buyer, lines = party(office, "buyer")
    pairs = _facts(office, [
        ("delivery_note_number", code(rng), 1.0), ("delivery_date", office.day(0), 0.95),
        ("order_number", code(rng), 0.6), ("customer_number", digits(rng, 6), 0.5),
        ("order_date", office.day(-int(rng.integers(1, 20))), 0.3),
    ])  # fmt: skip
    _print_facts(office, pairs, _block(office, office.label("ship"), buyer, lines, 0.0))
    bold = Style(bold=chance(rng, 0.7))
    places = (0.005, 0.2, 0.86, 0.9)
    heads = [office.label(key) for key in ("article", "description", "quantity")]
    plan.rows.append(Row((
        Cell(heads[0], places[0], style=bold), Cell(heads[1], places[1], style=bold),
        Cell(heads[2], places[2], "right", bold),
    ), below=0.3, rule=True))  # fmt: skip
    office.record["line_items"] = []
    unit = office.label("unit")
    for _ in range(int(rng.integers(1, 16 if chance(rng, 0.8) else 31))):
        item = {
            "article": f"{letters(rng, 2)}{digits(rng, 5)}",
            "description": words.phrase(rng, 1, 4).capitalize(),
            "quantity": str(rng.integers(1, 200)),
        }
        office.record["line_items"].append(item)
        parts = wrap(item["description"], max(10, int(plan.columns * 0.5)))
        plan.add(
            Cell(item["article"], places[0]), Cell(parts[0], places[1]),
            Cell(item["quantity"], places[2], "right"), Cell(unit, places[3]),
        )  # fmt: skip
        for part in parts[1:]:
            plan.add(Cell(part, places[1]))
    if chance(rng, 0.5):
        weight = f"{rng.integers(1, 2000)}{office.money.decimal}{rng.integers(0, 10)} kg"
        office.record["total_weight"] = weight
        plan.add(Cell(f"{office.label('total_weight')}{office.colon or ':'} {weight}"), above=0.8)
    return plan, office.record


def statement(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """An account over some weeks: postings with running balance between two balances."""
    office = _open(rng, words, "statement_title", (
        "bank_name", "account_holder", "iban", "statement_date", "statement_number", "currency",
        "opening_balance", "closing_balance", "transactions",
    ))  # fmt: skip
    plan, how, record = office.plan, office.money, office.record
    bank, bank_lines = party(office, "seller")
    letterhead(office, bank, bank_lines, None)
    holder, lines = party(office, "buyer")
    for key in ("seller_name", "seller_address", "buyer_name", "buyer_address"):
        del record[key]
    record.update(bank_name=bank, account_holder=holder, currency=how.sign, transactions=[])
    number = iban(rng, office.where if office.country.codes[0] in {"EUR", "CHF"} else "gb")
    pairs = _facts(office, [
        ("iban", number, 0.9), ("statement_date", office.day(0), 0.95),
        ("statement_number", code(rng), 0.6), ("other_number", code(rng), 0.4),
    ])  # fmt: skip
    _print_facts(office, pairs, _block(office, office.label("account_holder"), holder, lines, 0.0))
    balance = int(10 ** rng.uniform(3, 6.5))
    record["opening_balance"] = how.bare(balance)
    bold = Style(bold=chance(rng, 0.6))
    places = (0.0, 0.16, 0.8, 1.0)
    keys = ("date", "description", "amount", "balance")
    heads = [Cell(office.label(key), at, "right" if at > 0.5 else "left", bold)
             for key, at in zip(keys, places, strict=True)]  # fmt: skip
    first = Row((Cell(office.label("opening_balance"), places[1]),
                 Cell(office.write(balance), 1.0, "right")), below=0.2)  # fmt: skip
    outside = chance(rng, 0.4)
    if outside:
        plan.rows.append(first)
    plan.rows.append(Row(tuple(heads), below=0.3, rule=True))
    if not outside:
        plan.rows.append(first)
    day = -40
    for _ in range(int(rng.integers(2, 22 if chance(rng, 0.75) else 45))):
        day += int(rng.integers(0, 3))
        amount = int(10 ** rng.uniform(2, 5)) * (1 if chance(rng, 0.35) else -1)
        balance += amount
        posting = {
            "date": office.day(day),
            "description": _purpose(rng, words, office.where),
            "amount": how.bare(amount),
            "balance": how.bare(balance),
        }
        record["transactions"].append(posting)
        plan.add(*(
            Cell(posting[key], at, "right" if at > 0.5 else "left")
            for key, at in zip(keys, places, strict=True)
        ))  # fmt: skip
    record["closing_balance"] = how.bare(balance)
    label = office.label("closing_balance")
    if office.sign_mode in {"label", "head"} and how.sign is not None:
        label += f" ({how.sign})"
    last = (Cell(label, places[1], style=bold), Cell(office.write(balance), 1.0, "right", bold))
    plan.rows.append(Row(last, 0.2, rule_over=True))
    return plan, record


def _purpose(rng: np.random.Generator, words: Words, where: str) -> str:
    """What a posting says it was for, in one line."""
    shapes = (
        words.phrase(rng, 1, 3).capitalize(), company(rng, words, where)[:30].strip(),
        f"{person(rng, words)} {code(rng)}", f"{words.word(rng).upper()} {digits(rng, 6)}",
    )  # fmt: skip
    return pick(rng, shapes)


def utility_bill(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """Power, water or gas: a meter read twice, and what is to be paid."""
    office = _open(rng, words, "utility_bill_title", (
        "provider_name", "provider_address", "customer_name", "customer_address",
        "account_number", "bill_number",
        "bill_date", "due_date", "meter_number", "previous_reading", "current_reading",
        "consumption", "currency", "amount_due",
    ))  # fmt: skip
    how, record = office.money, office.record
    provider, provider_lines = party(office, "seller")
    letterhead(office, provider, provider_lines, None)
    record["provider_address"] = record["seller_address"]
    customer, lines = party(office, "buyer")
    record.update(provider_name=provider, customer_name=customer, currency=how.sign)
    record["customer_address"] = record.pop("buyer_address")
    for key in ("seller_name", "seller_address", "buyer_name"):
        del record[key]
    pairs = _facts(office, [
        ("account_number", digits(rng, 10), 0.9), ("bill_number", code(rng), 0.7),
        ("bill_date", office.day(0), 0.95), ("due_date", office.day(21), 0.8),
    ])  # fmt: skip
    _print_facts(office, pairs, _block(office, office.label("buyer"), customer, lines, 0.0))
    before, used = int(rng.integers(100, 90000)), int(rng.integers(10, 3000))
    unit = pick(rng, (" kWh", " m³", "", " kWh"))
    meter = _facts(office, [
        ("meter_number", code(rng), 0.85), ("previous_reading", str(before), 0.85),
        ("current_reading", str(before + used), 0.9), ("consumption", f"{used}{unit}", 0.85),
    ])  # fmt: skip
    if office.sign_mode == "word" and how.sign is not None:
        meter.pop()
    if chance(rng, 0.4):
        strip(office, meter)
    else:
        office.merge(pair_rows(office, meter, 0.0, float(rng.uniform(0.5, 1.0))), [])
    office.plan.gap(0.8)
    price = int(rng.integers(5, 60))
    net, fee = used * price, int(rng.integers(300, 4000))
    tax = round((net + fee) * office.country.tax_rates[0] / 100)
    label = office.label("amount_due")
    if office.sign_mode in {"label", "head"} and how.sign is not None:
        label += f" ({how.sign})"
    record["amount_due"] = how.bare(net + fee + tax)
    record["tax_total"] = how.bare(tax)
    print_sums(office, [
        (office.label("usage"), office.write(net), PLAIN),
        (office.label("base_fee"), office.write(fee), PLAIN),
        (office.label("tax_total"), office.write(tax), PLAIN),
        (label, office.write(net + fee + tax), Style(bold=chance(rng, 0.6))),
    ])  # fmt: skip
    return office.plan, record

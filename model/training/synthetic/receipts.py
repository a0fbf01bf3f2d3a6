"""Receipts as tills print them: head, numbers and dates, items, a block of totals, thanks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from training.synthetic.flow import PLAIN, Cell, Plan, Row, Style, wrap
from training.synthetic.heads import head, title
from training.synthetic.labels import RECEIPT
from training.synthetic.parties import person, website
from training.synthetic.till import Item, Till, rule
from training.synthetic.values import (
    COUNTRIES,
    chance,
    code,
    digits,
    money,
    pick,
    some_day,
    write_date,
    write_time,
)
from training.synthetic.words import Words

_COUNTRY_ODDS = {
    "my": 0.5, "sg": 0.05, "us": 0.08, "gb": 0.05, "au": 0.03, "in": 0.03, "ca": 0.02, "za": 0.01,
    "de": 0.06, "at": 0.02, "ch": 0.02, "fr": 0.04, "es": 0.03, "it": 0.03, "nl": 0.015,
    "pt": 0.015,
}  # fmt: skip
_FAREWELLS = ("Thank you for shopping at", "Thank you for choosing", "", "Thank you from", "Your",
              "All rights reserved", "Visit us at", "For and on behalf of")  # fmt: skip
_TAX_MARKS = ("SR", "S", "ZRL", "T", "*S", "Z", "ZR", "SR", "A", "*")


def receipt(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """The plan of a receipt and the values it shows, as printed."""
    where = str(rng.choice(list(_COUNTRY_ODDS), p=np.array(list(_COUNTRY_ODDS.values()))))
    country = COUNTRIES[where]
    shouting = chance(rng, 0.35)
    mode = pick(rng, ("none", "label", "total", "all", "none", "head"))
    slip = chance(rng, 0.06)  # those of card machines, car parks and pumps list nothing
    cut = not slip and chance(rng, 0.03)  # a long one, seen in two pictures
    if cut:
        mode = "none"
    if slip and mode == "head":
        mode = "total"
    how = money(rng, country, 0.0 if mode == "none" else 1.0)
    till = Till(
        rng=rng,
        words=words,
        where=where,
        country=country,
        says=RECEIPT[country.language],
        money=how,
        sign_mode=mode,
        plan=Plan(
            columns=float(rng.integers(30, 49)),
            leading=float(rng.uniform(0.94, 1.45)),
            mono=0.72,
            squeeze=pick(rng, (1.0, 1.0, 1.0, 1.2, 1.35, 1.5, 0.85)),
        ),
        case=str.upper if shouting else str,
        colon=pick(rng, ("", "", ":", " :", "", ": ")).rstrip(" "),
        total_style=_loud(rng),
    )
    till.record = {
        "merchant_name": None, "merchant_address": None, "date": None, "time": None,
        "currency": how.sign, "subtotal": None, "tax": None, "total": None,
        "payment_method": None, "line_items": [], "receipt_number": None, "merchant_phone": None,
        "merchant_tax_id": None, "registration_number": None, "rounding": None,
        "cash_tendered": None, "change": None, "buyer_name": None, "buyer_address": None,
    }  # fmt: skip
    if chance(rng, 0.25):
        till.amount_edge = float(rng.uniform(0.86, 0.97))
    if chance(rng, 0.25):
        till.label_at = float(rng.uniform(0.1, 0.45))
    day_place = pick(rng, ("meta", "meta", "meta", "meta", "after", "end"))
    head(till)
    if chance(rng, 0.7) and day_place != "end":
        title(till)
    _meta(till, with_day=day_place == "meta")
    rule(till)
    till.items = _draw_items(till)
    if not slip:
        _items(till)
    if cut:
        return till.plan, till.record
    _totals(till, after=(lambda: _day(till)) if day_place == "after" else None)
    if day_place == "end":
        if chance(rng, 0.5):
            rule(till)
        _day(till)
    _foot(till)
    return till.plan, till.record


def _loud(rng: np.random.Generator) -> Style:
    """How the line of the total is set: mostly louder than the rest."""
    return pick(rng, (
        PLAIN, PLAIN, Style(bold=True), Style(bold=True, size=1.2), Style(wide=1.7),
        Style(tall=1.8), Style(size=1.5, bold=True), Style(wide=1.4, tall=1.4, bold=True),
    ))  # fmt: skip


def _day_cells(till: Till) -> list[tuple[str, str]]:
    """Date and time as (label, value) pairs; a label may be empty."""
    rng = till.rng
    pairs: list[tuple[str, str]] = []
    shown_date = write_date(rng, some_day(rng), till.country)
    shown_time = write_time(rng, till.country) if chance(rng, 0.75) else None
    if till.record["date"] is None and chance(rng, 0.96):
        till.record["date"] = shown_date
        label = till.label("date") if chance(rng, 0.68) else ""
        before = after = ""
        if till.country.language == "en" and chance(rng, 0.1):
            names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "MON", "Friday", "Saturday")
            before = pick(rng, names) + pick(rng, (" ", ", "))
        elif chance(rng, 0.12):
            # The till, the cashier or the kind of bill in the same line.
            who = (person(rng, till.words).upper(), "REG " + person(rng, till.words).upper())
            before = pick(rng, (*who, "[Sales]", "(SALE) ", f"#{digits(rng, 4)}", code(rng))) + " "
            before = before.replace("] ", "]")
            after = pick(rng, ("", "", " " + digits(rng, 4), " MC #01", " " + code(rng)))
        elif chance(rng, 0.03):
            before, after = "[", "]"
        together = shown_time is not None and chance(rng, 0.6)
        if together and shown_time is not None:
            till.record["time"] = shown_time
            gap = "] [" if after == "]" else pick(rng, (" ", " ", "  "))
            pairs.append((label, f"{before}{shown_date}{gap}{shown_time}{after}"))
            return pairs
        pairs.append((label, f"{before}{shown_date}{after}"))
    if shown_time is not None:
        till.record["time"] = shown_time
        pairs.append((till.label("time") if chance(rng, 0.8) else "", shown_time))
    return pairs


def _set_pairs(till: Till, pairs: list[tuple[str, str]]) -> None:
    """Labels and values one below the other, or two to a line."""
    rng, plan = till.rng, till.plan
    colon = pick(rng, (" : ", ": ", ":", " ", " :"))
    table = float(rng.uniform(0.25, 0.4)) if chance(rng, 0.35) else None
    at = 0
    while at < len(pairs):
        label, value = pairs[at]
        joined = f"{label}{colon}{value}" if label else value
        follows = pairs[at + 1] if at + 1 < len(pairs) else None
        if follows is not None and chance(rng, 0.3):
            other = f"{follows[0]}{colon}{follows[1]}" if follows[0] else follows[1]
            if len(joined) + len(other) + 2 < plan.columns:
                if chance(rng, 0.6):
                    plan.add(Cell(joined), Cell(other, 1.0, "right"))
                else:
                    plan.add(Cell(joined), Cell(other, 0.55))
                at += 2
                continue
        if label and table is not None and len(label) + 2 < table * plan.columns:
            plan.add(Cell(label), Cell(f"{colon.strip()} {value}".strip(), table))
        else:
            plan.add(Cell(joined))
        at += 1


def _day(till: Till) -> None:
    _set_pairs(till, _day_cells(till))


def _meta(till: Till, with_day: bool) -> None:
    """Numbers of the bill, who served, where; mostly with date and time."""
    rng = till.rng
    pairs: list[tuple[str, str]] = []
    if chance(rng, 0.85):
        till.record["receipt_number"] = code(rng)
        pairs.append((till.label("number"), till.record["receipt_number"]))
    for label in dict.fromkeys(till.label("other") for _ in range(int(rng.integers(0, 5)))):
        shapes = (
            digits(rng, int(rng.integers(1, 5))),
            person(rng, till.words),
            code(rng),
            till.words.name(rng).upper(),
        )
        pairs.append((label, pick(rng, shapes)))
    order = [int(i) for i in rng.permutation(len(pairs))]
    pairs = [pairs[i] for i in order]
    if with_day:
        place = int(rng.integers(0, len(pairs) + 1))
        pairs[place:place] = _day_cells(till)
    _set_pairs(till, pairs)


def _draw_items(till: Till) -> list[Item]:
    rng = till.rng
    count = 1 + min(int(rng.geometric(0.22)), 29) if chance(rng, 0.8) else 1
    top = 10 ** float(rng.uniform(2.6, 4.6))
    tags = chance(rng, 0.4) and till.country.language == "en"
    tag = pick(rng, _TAX_MARKS)
    items = []
    for _ in range(count):
        quantity = 1 if chance(rng, 0.6) else int(rng.integers(2, 13))
        price = max(5, int(rng.uniform(0.05, 1.0) * top))
        price = round(price, -1) if chance(rng, 0.6) else price
        name = till.words.phrase(rng, 1, 3)
        if chance(rng, 0.3):
            name += pick(rng, (" {}ML", " {}G", " {}KG", " {}PCS", " A4 {}", " {}MM", " ({})",
                               "-{}", " {}'S", " {}x10")).format(rng.integers(1, 900))  # fmt: skip
        name = name.upper() if till.case is str.upper or chance(rng, 0.5) else name.capitalize()
        barcode = digits(rng, 13) if chance(rng, 0.5) else digits(rng, int(rng.integers(4, 9)))
        mark = (tag if chance(rng, 0.85) else pick(rng, _TAX_MARKS)) if tags else ""
        items.append(Item(name, quantity, price, quantity * price, barcode, mark))
    return items


def _quantity(till: Till, item: Item, style: int) -> str:
    if style == 1:
        return f"{item.quantity}{till.money.decimal}00"
    if style == 2:
        return f"{item.quantity}.000" if till.money.decimal == "." else f"{item.quantity},000"
    return str(item.quantity)


def _items(till: Till) -> None:
    """The bought things in one of several layouts."""
    rng, plan, items = till.rng, till.plan, till.items
    write = till.money.signed if till.sign_mode == "all" else till.money.bare
    layout = int(rng.integers(0, 7))
    numbers = int(rng.choice(3, p=(0.8, 0.14, 0.06)))
    longest_tag = max(len(item.tag) for item in items)
    edge = 1.0 - (longest_tag + 1.5) / plan.columns if longest_tag else 1.0
    till.amount_edge = min(till.amount_edge, edge)
    names = till.says[pick(rng, ("columns", "columns2"))]
    head = [till.case(name) for name in names]
    if till.sign_mode == "head" and till.money.sign:
        head[3] += pick(rng, ("({})", " ({})", " {}")).format(till.money.sign)
    columns = (0.0, 0.52, 0.74, edge) if layout == 2 else (0.0, 0.48, 0.72, edge)
    if layout == 6:
        columns = (0.13, 0.0, 0.72, edge)
    if chance(rng, 0.7) or till.sign_mode == "head":
        aligns = ("left", "left" if layout == 6 else "right", "right", "right")
        cells = sorted(
            (Cell(n, a, al) for n, a, al in zip(head, columns, aligns, strict=True)),  # type: ignore[arg-type]
            key=lambda c: c.at,
        )
        plan.rows.append(Row(tuple(cells)))
        rule(till)
    dots = chance(rng, 0.2)
    for place, item in enumerate(items):
        quantity = _quantity(till, item, numbers)
        price, amount = write(item.price), write(item.amount)
        tail = [Cell(amount, edge, "right")]
        if item.tag:
            tail.append(Cell(item.tag, 1.0, "right"))
        shown: dict[str, Any] = {
            "description": item.description, "quantity": quantity,
            "unit_price": till.money.bare(item.price), "amount": till.money.bare(item.amount),
        }  # fmt: skip
        number = f"{place + 1}. " if dots else ""
        times = pick(rng, (" x ", " X ", " @ ", "x", " * "))
        if layout == 0:
            shown["unit_price"] = None
            plan.add(Cell(quantity), Cell(item.description, 0.12), *tail)
        elif layout == 1:
            plan.add(Cell(f"{number}{item.code}"))
            _lines(plan, item.description, 0.0)
            plan.add(Cell(f"{quantity}{times}{price}", 0.15), *tail)
        elif layout == 2:
            plan.add(
                Cell(item.description), Cell(quantity, 0.52, "right"), Cell(price, 0.74, "right"),
                *tail,
            )  # fmt: skip
        elif layout == 3:
            _lines(plan, item.description, 0.0)
            plan.add(
                Cell(item.code), Cell(f"{quantity}{times}{price}", 0.72, "right"), *tail
            )  # fmt: skip
        elif layout == 4:
            shown["quantity"] = shown["unit_price"] = None
            plan.add(Cell(f"{number}{item.description}"), *tail)
            if item.quantity > 1 and chance(rng, 0.7):
                shown["quantity"], shown["unit_price"] = quantity, till.money.bare(item.price)
                plan.add(Cell(f"{quantity}{times}{price}", 0.08))
        elif layout == 5:
            plan.add(Cell(item.code))
            _lines(plan, item.description, 0.1)
            plan.add(
                Cell(quantity, 0.3, "right"), Cell(price, 0.6, "right"), *tail
            )  # fmt: skip
        else:
            plan.add(
                Cell(quantity), Cell(item.description, 0.13), Cell(price, 0.72, "right"), *tail
            )
        till.record["line_items"].append(shown)


def _lines(plan: Plan, text: str, at: float) -> None:
    """A text over as many lines as it needs, from `at` of the width on."""
    for part in wrap(text, max(10, int(plan.columns * (0.95 - at)))):
        plan.add(Cell(part, at))


def _totals(till: Till, after: Callable[[], None] | None) -> None:
    """Sums, tax, rounding, the total, what was paid and the change, in one of many orders."""
    rng, _plan = till.rng, till.plan
    items = till.items
    record, bare = till.record, till.money.bare
    write = till.money.signed if till.sign_mode in {"all", "total"} else bare
    rate = pick(rng, till.country.tax_rates)
    tax_name = till.case(pick(rng, till.country.tax_names))
    net = sum(item.amount for item in items)
    rule(till)

    def count_line() -> None:
        total = sum(i.quantity for i in items)
        till.pair(till.label("count"), str(total if chance(rng, 0.6) else len(items)))

    counted = chance(rng, 0.35)
    if counted and chance(rng, 0.6):
        count_line()
        counted = False
    discount = 0
    scheme = str(rng.choice(("plain", "added", "included", "split"), p=(0.3, 0.25, 0.2, 0.25)))
    if scheme != "plain" and chance(rng, 0.2):
        discount = -int(net * float(rng.uniform(0.02, 0.2)))
    service = int(net * 0.1) if scheme in {"added", "split"} and chance(rng, 0.15) else 0
    due = net + discount + service
    tax = 0
    if scheme in {"added", "split"} and till.country.decimal == "." or scheme == "added":
        tax = round(due * rate / 100)
        if chance(rng, 0.7) or scheme == "split":
            words = till.says["subtotal"] if scheme == "split" else till.says["subtotal"][:4]
            record["subtotal"] = bare(net)
            till.pair(till.case(pick(rng, words)), write(net))
    elif scheme != "plain" and chance(rng, 0.5):
        record["subtotal"] = bare(net)
        till.pair(till.case(pick(rng, till.says["subtotal"][:3])), write(net))
    if discount or chance(rng, 0.12):
        till.pair(till.label("discount"), write(discount))
    if service:
        till.pair(till.label("service"), write(service))
    if tax:
        record["tax"] = bare(tax)
        text = pick(rng, (f"{tax_name} {rate}%", f"{tax_name} @{rate}%", tax_name,
                          f"{rate}% {tax_name}", f"{tax_name} ({rate}%)", f"Total {tax_name}",
                          f"{tax_name} Payable"))  # fmt: skip
        till.pair(text, write(tax))
    due += tax
    rounding = 0
    rounds = till.where in {"my", "ch"} and chance(rng, 0.55)
    if rounds:
        rounding = round(due / 5) * 5 - due
    if scheme == "split" or (scheme != "plain" and rounds and chance(rng, 0.6)):
        till.pair(till.label("gross"), write(due))
    if rounds:
        record["rounding"] = bare(rounding)
        till.pair(till.label("rounding"), write(rounding))
    total = due + rounding
    record["total"] = bare(total)
    label = till.label("total")
    if till.sign_mode == "label" and till.money.sign:
        label += pick(rng, (" {}", " ({})", "({})")).format(till.money.sign)
    if chance(rng, 0.15):
        rule(till)
    if len(label) * till.total_style.wide > 0.6 * till.plan.columns * (1 - till.label_at):
        till.total_style = Style(bold=till.total_style.bold)
    till.pair(label, write(total), till.total_style)
    if counted:
        count_line()
    _payment(till, total, write)
    if after is not None:
        if chance(rng, 0.5):
            rule(till)
        after()
    if scheme != "plain" and chance(rng, 0.5):
        _summary(till, tax, total, rate, tax_name)


def _payment(till: Till, total: int, write: Callable[[int], str]) -> None:
    rng = till.rng
    if not chance(rng, 0.85):
        return
    if chance(rng, 0.7):
        step = pick(rng, (100, 500, 1000, 5000))
        given = -(-total // step) * step if chance(rng, 0.85) else total
        name = till.label("cash")
        till.record["payment_method"] = name
        tendered = -given if chance(rng, 0.05) else given
        till.record["cash_tendered"] = till.money.bare(tendered)
        till.pair(name, write(tendered), _maybe(till))
        if chance(rng, 0.92):
            till.record["change"] = till.money.bare(given - total)
            till.pair(till.label("change"), write(given - total), _maybe(till))
    else:
        name = till.label("card")
        till.record["payment_method"] = name
        till.pair(name, write(total))
        if chance(rng, 0.4):
            shown = "X" * int(rng.integers(4, 13)) + digits(rng, 4)
            till.plan.add(Cell(shown if chance(rng, 0.7) else shown.replace("X", "*")))


def _maybe(till: Till) -> Style:
    return till.total_style if chance(till.rng, 0.4) else PLAIN


def _summary(till: Till, tax: int, total: int, rate: int, tax_name: str) -> None:
    """The table of tax rates below the payment; it names the tax where no line above did."""
    rng, plan, bare = till.rng, till.plan, till.money.bare
    if not tax:
        tax = round(total * rate / (100 + rate))
        till.record["tax"] = bare(tax)
    net = total - tax
    rule(till)
    plan.add(
        Cell(till.label("summary")),
        Cell(till.case(till.says["columns"][3]), 0.68, "right"),
        Cell(tax_name, 1.0, "right"),
    )
    mark = pick(rng, ("SR", "S", "T", "A", "SR", "1"))
    plan.add(
        Cell(pick(rng, (f"{mark} @ {rate}%", f"{mark} ({rate}%)", f"{mark} {rate}%", f"{rate}%"))),
        Cell(bare(net), 0.68, "right"),
        Cell(bare(tax), 1.0, "right"),
    )
    if chance(rng, 0.3):
        plan.add(
            Cell(pick(rng, ("ZRL @ 0%", "Z (0%)", "ZR 0%", "0%"))),
            Cell(bare(0), 0.68, "right"),
            Cell(bare(0), 1.0, "right"),
        )


def _foot(till: Till) -> None:
    rng, plan = till.rng, till.plan
    if chance(rng, 0.7):
        rule(till)
    if chance(rng, 0.12):
        other = write_date(rng, some_day(rng), till.country)
        plan.add(Cell(f"{till.label('printed')} : {other} {write_time(rng, till.country)}"))
    plan.gap(float(rng.uniform(0.0, 1.5)))
    at, align = (0.5, "centre") if chance(rng, 0.8) else (0.0, "left")
    for _ in range(int(rng.integers(0, 6))):
        roll = rng.random()
        if roll < 0.68:
            text = pick(rng, till.says["thanks"])
        elif roll < 0.75:
            text = f"{pick(rng, _FAREWELLS)} {till.record['merchant_name']}".strip()
        elif roll < 0.88:
            text = till.words.phrase(rng, 3, 6)
        else:
            text = website(rng, till.words)
        text = till.case(text)
        plan.add(Cell(text, at, align))  # type: ignore[arg-type]
    if chance(rng, 0.12):
        widths = tuple(int(w) for w in rng.integers(1, 5, int(rng.integers(41, 80))))
        plan.rows.append(Row(above=0.5, bars=widths))
    if chance(rng, 0.15):
        plan.add(Cell(digits(rng, int(rng.integers(12, 22))), 0.5, "centre"), above=0.3)

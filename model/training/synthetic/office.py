"""What the papers of offices share: habits, parties, labels with values, tables, sums."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from training.synthetic.flow import PLAIN, Align, Cell, Frame, Plan, Row, Style, wrap
from training.synthetic.labels import INVOICE
from training.synthetic.parties import address, company, person, website
from training.synthetic.values import (
    COUNTRIES,
    Country,
    Money,
    chance,
    digits,
    letters,
    money,
    phone,
    pick,
    some_day,
    tax_number,
    write_date,
)
from training.synthetic.words import Words

_COUNTRY_ODDS = {
    "us": 0.09, "gb": 0.1, "my": 0.03, "sg": 0.03, "au": 0.04, "in": 0.03, "ca": 0.03, "za": 0.02,
    "de": 0.27, "at": 0.03, "ch": 0.03, "fr": 0.1, "es": 0.06, "it": 0.06, "nl": 0.04, "pt": 0.04,
}  # fmt: skip
_FOREIGN = (
    ("JPY", "¥"), ("SEK", "kr"), ("DKK", "kr."), ("NOK", "NOK"), ("AED", "AED"), ("HKD", "HK$"),
    ("NZD", "NZ$"), ("BRL", "R$"), ("THB", "THB"), ("EUR", "€"), ("USD", "US$"), ("CHF", "CHF"),
)  # fmt: skip
Pair = tuple[str, str]
Rows = list[list[Cell]]
CURRENCY_WORD = {
    "en": "Currency", "de": "Währung", "fr": "Devise", "es": "Moneda", "it": "Valuta",
    "nl": "Valuta", "pt": "Moeda",
}  # fmt: skip


@dataclass
class Office:
    """One office's habits, and the page it is printing."""

    rng: np.random.Generator
    words: Words
    where: str
    country: Country
    says: dict[str, tuple[str, ...]]
    money: Money
    sign_mode: str
    colon: str
    plan: Plan
    small: float
    issued: date
    date_form: int
    record: dict[str, Any] = field(default_factory=dict)
    seller_lines: list[str] = field(default_factory=list)
    bases: dict[int, int] = field(default_factory=dict)
    """What the positions come to, in cents, by tax rate."""
    sign: int = 1
    """-1 where the paper takes money back."""

    def day(self, later: int) -> str:
        """The day `later` days after the issue, in the form that all dates of the page have."""
        form = np.random.default_rng(self.date_form)
        return write_date(form, self.issued + timedelta(days=later), self.country)

    def label(self, key: str) -> str:
        """One of the words for `key` in the office's language."""
        return pick(self.rng, self.says[key])

    def write(self, cents: int) -> str:
        """An amount of the sums, with the sign where this office prints one there."""
        if self.sign_mode in {"all", "sums"}:
            return self.money.signed(cents)
        return self.money.bare(cents)

    def merge(self, left: Rows, right: Rows) -> tuple[int, int]:
        """Print two blocks beside each other; returns the first and last row."""
        first = len(self.plan.rows)
        for at in range(max(len(left), len(right))):
            cells = (left[at] if at < len(left) else []) + (right[at] if at < len(right) else [])
            self.plan.rows.append(Row(tuple(sorted(cells, key=lambda cell: cell.at))))
        return first, len(self.plan.rows) - 1


def open_office(
    rng: np.random.Generator, words: Words, languages: Collection[str] | None = None
) -> Office:
    """An office of some country with habits of its own, and an empty page and record.

    `languages` are those that it may print in; None means all.
    """
    odds = {
        where: share
        for where, share in _COUNTRY_ODDS.items()
        if languages is None or COUNTRIES[where].language in languages
    }
    shares = np.array(list(odds.values()))
    where = str(rng.choice(list(odds), p=shares / shares.sum()))
    country = COUNTRIES[where]
    mode = pick(rng, ("all", "sums", "sums", "label", "head", "word", "none"))
    how = money(rng, country, 0.0 if mode == "none" else 1.0)
    if mode != "none" and country.language == "en" and chance(rng, 0.15):
        how = Money(how.decimal, how.thousands, pick(rng, pick(rng, _FOREIGN)), how.glued)
    landscape = chance(rng, 0.06)
    plan = Plan(
        columns=float(rng.integers(115, 150) if landscape else rng.integers(68, 138)),
        leading=float(rng.uniform(1.12, 1.5)),
        min_aspect=0.0
        if chance(rng, 0.3)
        else (0.7 if landscape else float(rng.uniform(1.3, 1.5))),
        mono=0.2,
        margin=(2.5, 2.5) if chance(rng, 0.5) else (0.6, 0.6),
    )
    return Office(
        rng=rng,
        words=words,
        where=where,
        country=country,
        says=INVOICE[country.language],
        money=how,
        sign_mode=mode,
        colon=pick(rng, ("", ":", ":", " :")),
        plan=plan,
        small=float(rng.uniform(0.75, 1.0)),
        issued=some_day(rng),
        date_form=int(rng.integers(2**31)),
    )


def party(office: Office, role: str) -> tuple[str, list[str]]:
    """Name and address lines of seller or buyer; the record takes note."""
    rng = office.rng
    near = office.where if chance(rng, 0.9) else pick(rng, tuple(COUNTRIES))
    name = company(rng, office.words, near)
    if role == "buyer" and chance(rng, 0.25):
        name = person(rng, office.words)
    lines = address(rng, office.words, near)
    office.record[f"{role}_name"] = name
    office.record[f"{role}_address"] = " ".join(lines)
    if role == "seller":
        office.seller_lines = lines
    return name, lines


def tax_id(office: Office) -> Pair | None:
    """The seller's tax number with its label, once a page at most, or None."""
    if not chance(office.rng, 0.75) or office.record["seller_tax_id"] is not None:
        return None
    number = tax_number(office.rng, office.where)
    office.record["seller_tax_id"] = number
    return office.label("tax_id"), number


def pair_rows(office: Office, pairs: list[Pair], at: float, to: float) -> Rows:
    """Label and value between `at` and `to`, the values in a column, behind the label or right."""
    rng = office.rng
    form = pick(rng, ("column", "column", "behind", "right"))
    bold_label, bold_value = chance(rng, 0.2), chance(rng, 0.2)
    split = at + (to - at) * float(rng.uniform(0.45, 0.6))
    rows: Rows = []
    for label, value in pairs:
        left = Style(bold=bold_label)
        right = Style(bold=bold_value)
        if form == "behind":
            rows.append([Cell(f"{label}{office.colon or ':'} {value}", at)])
        elif form == "right":
            rows.append([Cell(label + office.colon, at, style=left),
                         Cell(value, to, "right", right)])  # fmt: skip
        else:
            rows.append([Cell(label + office.colon, at, style=left),
                         Cell(value, split, style=right)])  # fmt: skip
    return rows


def letterhead(
    office: Office, name: str, lines: list[str], tax: Pair | None, role: str = "seller"
) -> None:
    """Print name, address and numbers of the paper's sender on top."""
    rng, plan = office.rng, office.plan
    at, align = pick(rng, ((0.0, "left"), (0.0, "left"), (1.0, "right"), (0.5, "centre")))
    style = pick(rng, (Style(bold=True), Style(size=1.5, bold=True), Style(size=1.9, title=True),
                       PLAIN, Style(size=1.3)))  # fmt: skip
    if len(name) * style.size > 0.6 * plan.columns:
        style = Style(bold=True)
    if chance(rng, 0.22):
        plan.rows.append(Row(below=0.3, logo=int(rng.integers(2**31)),
                             logo_lines=float(rng.uniform(2, 6)),
                             logo_at=float(rng.uniform(0, 0.8))))  # fmt: skip
    if chance(rng, 0.15):
        label = office.label(role) + office.colon
        plan.add(Cell(label, at, align, Style(bold=True)))  # type: ignore[arg-type]
    plan.add(Cell(name, at, align, style))  # type: ignore[arg-type]
    if chance(rng, 0.2):
        joint = pick(rng, (", ", " - ", " · ", " | "))
        lines = [joint.join(lines)]
        office.record[f"{role}_address"] = lines[0]
    for text in lines:
        plan.add(Cell(text, at, align))  # type: ignore[arg-type]
    extra = []
    if chance(rng, 0.5):
        extra.append(f"{office.label('phone')}{office.colon or ':'} {phone(rng, office.country)}")
    if chance(rng, 0.4):
        extra.append(website(rng, office.words))
    if tax is not None:
        extra.append(f"{tax[0]}{office.colon or ':'} {tax[1]}")
    for text in extra:
        plan.add(Cell(text, at, align, Style(size=office.small)))  # type: ignore[arg-type]
    plan.gap(float(rng.uniform(0.5, 2.5)))


def strip(office: Office, facts: list[Pair]) -> None:
    """Facts as a table of one row: labels above, values below."""
    rng, plan = office.rng, office.plan
    shade = int(rng.integers(205, 245)) if chance(rng, 0.6) else None
    for start in range(0, len(facts), 4):
        some = facts[start : start + 4]
        step = 1.0 / max(len(some), 3)
        bold = Style(bold=chance(rng, 0.5), size=office.small)
        heads = tuple(Cell(f[0], n * step, style=bold) for n, f in enumerate(some))
        plan.rows.append(Row(heads, shade=shade, rule=shade is None))
        plan.rows.append(Row(tuple(Cell(f[1], n * step) for n, f in enumerate(some)), below=0.4))


@dataclass(frozen=True)
class _Column:
    key: str
    at: float
    align: Align


def _columns(office: Office) -> list[_Column]:
    """Which columns the table has, and where they hang."""
    rng = office.rng
    shown = [_Column("amount", 0.995, "right")]
    at = 0.86
    if chance(rng, 0.25):
        shown.insert(0, _Column("rate", at, "right"))
        at -= 0.09
    if chance(rng, 0.85):
        shown.insert(0, _Column("unit_price", at, "right"))
        at -= 0.13
    if chance(rng, 0.2):
        shown.insert(0, _Column("unit", at, "left"))
        at -= 0.04
    left = 0.005
    quantity_first = chance(rng, 0.2)
    if chance(rng, 0.9):
        if quantity_first:
            shown.insert(0, _Column("quantity", left, "left"))
            left += 0.1
        else:
            shown.insert(0, _Column("quantity", at, "right"))
    front: list[_Column] = []
    if not quantity_first and chance(rng, 0.4):
        front.append(_Column("position", left, "left"))
        left += 0.07
    if chance(rng, 0.3):
        front.append(_Column("article", left, "left"))
        left += 0.14
    front.append(_Column("description", left, "left"))
    if shown[0].key == "quantity" and quantity_first:
        return [shown[0], *front, *shown[1:]]
    return [*front, *shown]


def table(office: Office) -> None:
    """The positions: their head, rules and shades, and the record's line items."""
    rng, plan, how = office.rng, office.plan, office.money
    columns = _columns(office)
    style = Style(size=float(rng.uniform(0.85, 1.0)))
    head_style = Style(bold=chance(rng, 0.7), size=style.size)
    dark = chance(rng, 0.12)
    if dark:
        head_style = Style(bold=True, white=True, size=style.size)
    heads = []
    for column in columns:
        text = "" if column.key == "unit" else office.label(column.key)
        if column.key == "amount" and office.sign_mode == "head" and how.sign is not None:
            text += pick(rng, (" ({})", " {}", " in {}")).format(how.sign)
        if text:
            heads.append(Cell(text, column.at, column.align, head_style))
    light = int(rng.integers(200, 245)) if chance(rng, 0.4) else None
    ruled = chance(rng, 0.75)
    plan.rows.append(Row(tuple(heads), 0.2, 0.3, rule=ruled, rule_over=chance(rng, 0.3),
                         shade=25 if dark else light))  # fmt: skip
    first = len(plan.rows) - 1
    count = 1 + min(int(rng.geometric(0.25)), 14) if chance(rng, 0.9) else int(rng.integers(8, 30))
    top = 10 ** float(rng.uniform(3, 6))
    zebra = chance(rng, 0.15)
    lined = chance(rng, 0.25)
    fraction = int(rng.integers(0, 3))
    mark = pick(rng, ("%", "%", " %", "", f"{how.decimal}0", f"{how.decimal}00%"))
    signed = how.signed if office.sign_mode == "all" else how.bare
    by_key = {column.key: column for column in columns}
    room = _description_room(columns, plan.columns)
    unit = office.label("unit")
    base = digits(rng, 5)
    zeros = int(rng.integers(1, 5))
    start = 0 if chance(rng, 0.9) else int(rng.integers(1, 40))
    rates = sorted({pick(rng, office.country.tax_rates) for _ in range(int(rng.integers(1, 4)))})
    for n in range(start, start + count):
        quantity = int(rng.integers(1, 20)) if chance(rng, 0.8) else int(rng.integers(1, 500))
        price = max(10, int(rng.uniform(0.05, 1.0) * top)) * office.sign
        rate = pick(rng, rates)
        shown_quantity = str(quantity)
        if fraction == 1:
            shown_quantity = f"{quantity}{how.decimal}{'0' * zeros}"
        values = {
            "position": str(n + 1),
            "article": f"{letters(rng, 2)}{base[:2]}{digits(rng, 3)}",
            "quantity": shown_quantity,
            "unit": unit,
            "unit_price": signed(price),
            "rate": f"{rate}{mark}",
            "amount": signed(quantity * price),
        }
        description = office.words.phrase(rng, 1, 12 if chance(rng, 0.15) else 5)
        description = description.capitalize() if chance(rng, 0.85) else description.upper()
        if chance(rng, 0.25):
            description += f" {letters(rng, 1)}{digits(rng, 3)}"
        parts = wrap(description, room)
        cells = [
            Cell(parts[0] if c.key == "description" else values[c.key], c.at, c.align, style)
            for c in columns
        ]
        shade = 240 if zebra and n % 2 else None
        rows = [tuple(cells)]
        rows += [(Cell(part, by_key["description"].at, style=style),) for part in parts[1:]]
        for at, row in enumerate(rows):
            under = lined and at == len(rows) - 1
            plan.rows.append(Row(row, 0.1 if at == 0 else 0.0, rule=under, shade=shade))
        office.record["line_items"].append({
            "description": description,
            "quantity": shown_quantity if "quantity" in by_key else None,
            "unit_price": how.bare(price) if "unit_price" in by_key else None,
            "amount": how.bare(quantity * price),
        })  # fmt: skip
        office.bases[rate] = office.bases.get(rate, 0) + quantity * price
    if ruled or chance(rng, 0.3):
        plan.rows.append(Row(above=0.1, below=0.3, rule=True))
    if chance(rng, 0.1):
        plan.frames.append(Frame(first, len(plan.rows) - 1, 0.0, 1.0))


def _description_room(columns: list[_Column], width: float) -> int:
    """How many letters a description may have before the next column begins."""
    place = [column.key for column in columns].index("description")
    follower = columns[place + 1]
    # A right-aligned number begins some ten letters before the place it hangs at.
    end = follower.at - (11 / width if follower.align == "right" else 0.0)
    return max(8, int((end - columns[place].at) * width * 0.85))


def print_sums(office: Office, pairs: list[tuple[str, str, Style]]) -> None:
    """Print sums with their labels: a block on the right, or a table of one row."""
    rng, plan = office.rng, office.plan
    if chance(rng, 0.1):
        step = 1.0 / len(pairs)
        plan.rows.append(Row(tuple(
            Cell(p[0], (n + 1) * step - 0.02, "right", Style(bold=True, size=0.9))
            for n, p in enumerate(pairs)), rule=True))  # fmt: skip
        plan.rows.append(
            Row(tuple(Cell(p[1], (n + 1) * step - 0.02, "right") for n, p in enumerate(pairs)))
        )
        return
    start = float(rng.uniform(0.45, 0.66))
    right_labels = chance(rng, 0.3)
    ruled = chance(rng, 0.4)
    colon = office.colon
    first = len(plan.rows)
    for n, (label, value, style) in enumerate(pairs):
        if right_labels:
            cell = Cell(label + colon, 0.8, "right", style)
        else:
            cell = Cell(label + colon, start, "left", style)
        plan.rows.append(Row((cell, Cell(value, 0.995, "right", style)), 0.15,
                             rule_over=ruled and n == len(pairs) - 1,
                             rule_span=(start, 1.0)))  # fmt: skip
    if chance(rng, 0.15):
        plan.frames.append(Frame(first, len(plan.rows) - 1, start - 0.02, 1.0))

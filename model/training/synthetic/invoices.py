"""Invoices of offices: letterhead, buyer, numbers and dates, a table of positions, sums, bank."""

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
    code,
    digits,
    iban,
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
    "us": 0.11, "gb": 0.11, "my": 0.05, "sg": 0.04, "au": 0.05, "in": 0.04, "ca": 0.03, "za": 0.03,
    "de": 0.2, "at": 0.03, "ch": 0.03, "fr": 0.08, "es": 0.06, "it": 0.06, "nl": 0.04, "pt": 0.04,
}  # fmt: skip
_FOREIGN = (
    ("JPY", "¥"), ("SEK", "kr"), ("DKK", "kr."), ("NOK", "NOK"), ("AED", "AED"), ("HKD", "HK$"),
    ("NZD", "NZ$"), ("BRL", "R$"), ("THB", "THB"), ("EUR", "€"), ("USD", "US$"), ("CHF", "CHF"),
)  # fmt: skip
_NAME_ADDRESS = {
    "en": ("Name", "Address"), "de": ("Name", "Anschrift"), "fr": ("Nom", "Adresse"),
    "es": ("Nombre", "Dirección"), "it": ("Nome", "Indirizzo"), "nl": ("Naam", "Adres"),
    "pt": ("Nome", "Morada"),
}  # fmt: skip
_CURRENCY_WORD = {
    "en": "Currency", "de": "Währung", "fr": "Devise", "es": "Moneda", "it": "Valuta",
    "nl": "Valuta", "pt": "Moeda",
}  # fmt: skip
KEYS = (
    "invoice_number", "issue_date", "due_date", "purchase_order", "seller_name", "seller_address",
    "seller_tax_id", "buyer_name", "buyer_address", "currency", "net_total", "tax_total", "total",
    "iban",
)  # fmt: skip
Pair = tuple[str, str]
Rows = list[list[Cell]]


@dataclass
class _Office:
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

    def day(self, later: int) -> str:
        """The day `later` days after the issue, in the form that all dates of the page have."""
        form = np.random.default_rng(self.date_form)
        return write_date(form, self.issued + timedelta(days=later), self.country)

    def label(self, key: str) -> str:
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
            self.plan.rows.append(Row(tuple(cells)))
        return first, len(self.plan.rows) - 1


def invoice(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """The plan of an invoice and the values it shows, as printed."""
    where = str(rng.choice(list(_COUNTRY_ODDS), p=np.array(list(_COUNTRY_ODDS.values()))))
    country = COUNTRIES[where]
    mode = pick(rng, ("all", "sums", "sums", "label", "head", "word", "none"))
    how = money(rng, country, 0.0 if mode == "none" else 1.0)
    if mode != "none" and country.language == "en" and chance(rng, 0.15):
        how = Money(how.decimal, how.thousands, pick(rng, pick(rng, _FOREIGN)), how.glued)
    landscape = chance(rng, 0.06)
    plan = Plan(
        columns=float(rng.integers(115, 150) if landscape else rng.integers(68, 108)),
        leading=float(rng.uniform(1.15, 1.5)),
        min_aspect=0.0 if chance(rng, 0.5) else (0.7 if landscape else 1.35),
        mono=0.2,
        margin=(2.5, 2.5),
    )
    office = _Office(
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
        record={**dict.fromkeys(KEYS), "currency": how.sign, "line_items": []},
    )
    layout = pick(rng, ("letter", "letter", "letter", "strip", "sections", "boxes"))
    if layout == "sections":
        _sections(office)
    else:
        _letter(office, layout)
    _table(office)
    _sums(office)
    _bottom(office)
    return plan, office.record


def _party(office: _Office, role: str) -> tuple[str, list[str]]:
    """Name and address lines of seller or buyer; the record takes note."""
    rng = office.rng
    near = office.where if chance(rng, 0.9) else pick(rng, tuple(COUNTRIES))
    name = company(rng, office.words, near)
    if role == "buyer" and chance(rng, 0.25):
        name = person(rng, office.words)
    lines = address(rng, office.words, near)
    office.record[f"{role}_name"] = name
    office.record[f"{role}_address"] = " ".join(lines)
    return name, lines


def _facts(office: _Office) -> list[Pair]:
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
        pairs.append((_CURRENCY_WORD[office.country.language], office.money.sign))
    rest = pairs[fixed:]
    pairs = pairs[:fixed] + [rest[int(i)] for i in rng.permutation(len(rest))]
    seen: set[str] = set()
    return [pair for pair in pairs if not (pair[0] in seen or seen.add(pair[0]))]  # type: ignore[func-returns-value]


def _tax_id(office: _Office) -> Pair | None:
    if not chance(office.rng, 0.75) or office.record["seller_tax_id"] is not None:
        return None
    number = tax_number(office.rng, office.where)
    office.record["seller_tax_id"] = number
    return office.label("tax_id"), number


def _pair_rows(office: _Office, pairs: list[Pair], at: float, to: float) -> Rows:
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


def _title(office: _Office) -> list[Cell]:
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


def _letter(office: _Office, layout: str) -> None:
    """Seller on top, buyer and facts below: as a letter, with a strip of facts, or in boxes."""
    rng, plan = office.rng, office.plan
    seller, seller_lines = _party(office, "seller")
    buyer, buyer_lines = _party(office, "buyer")
    title = _title(office)
    facts = _facts(office)
    tax = _tax_id(office) if chance(rng, 0.6) else None
    title_first = chance(rng, 0.3)
    if title_first:
        plan.add(*title, below=0.5)
    _letterhead(office, seller, seller_lines, tax)
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
        _strip(office, facts)
    else:
        start = float(rng.uniform(0.5, 0.62))
        right = _pair_rows(office, facts, start, 1.0)
        flip = chance(rng, 0.12)
        if flip:
            left = [[Cell(c.text, c.at + 0.58, c.align, c.style) for c in row] for row in left]
            right = _pair_rows(office, facts, 0.0, 0.42)
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


def _letterhead(office: _Office, name: str, lines: list[str], tax: Pair | None) -> None:
    rng, plan = office.rng, office.plan
    at, align = pick(rng, ((0.0, "left"), (0.0, "left"), (1.0, "right"), (0.5, "centre")))
    style = pick(rng, (Style(bold=True), Style(size=1.5, bold=True), Style(size=1.9, title=True),
                       PLAIN, Style(size=1.3)))  # fmt: skip
    if len(name) * style.size > 0.6 * plan.columns:
        style = Style(bold=True)
    if chance(rng, 0.15):
        label = office.label("seller") + office.colon
        plan.add(Cell(label, at, align, Style(bold=True)))  # type: ignore[arg-type]
    plan.add(Cell(name, at, align, style))  # type: ignore[arg-type]
    if chance(rng, 0.2):
        joint = pick(rng, (", ", " - ", " · ", " | "))
        lines = [joint.join(lines)]
        office.record["seller_address"] = lines[0]
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


def _strip(office: _Office, facts: list[Pair]) -> None:
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


def _sections(office: _Office) -> None:
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

    def party(role: str) -> None:
        name, lines = _party(office, role)
        heading(office.label(role))
        if chance(rng, 0.5):
            entry(office.label("other_number"), digits(rng, 6))
        entry(name_word, name)
        entry(address_word, lines[0])
        for text in lines[1:]:
            plan.add(Cell(text, value_at))
        if role == "seller" and (tax := _tax_id(office)) is not None:
            entry(*tax)

    title = _title(office)
    plan.add(*title, below=0.6)
    for label, value in _facts(office):
        entry(label, value)
    roles = ["seller", "buyer"] if chance(rng, 0.7) else ["buyer", "seller"]
    for role in roles:
        party(role)
    plan.gap(1.0)


@dataclass(frozen=True)
class _Column:
    key: str
    at: float
    align: Align


def _columns(office: _Office) -> list[_Column]:
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


def _table(office: _Office) -> None:
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
    signed = how.signed if office.sign_mode == "all" else how.bare
    by_key = {column.key: column for column in columns}
    room = _description_room(columns, plan.columns)
    unit = office.label("unit")
    base = digits(rng, 5)
    for n in range(count):
        quantity = int(rng.integers(1, 20)) if chance(rng, 0.8) else int(rng.integers(1, 500))
        price = max(10, int(rng.uniform(0.05, 1.0) * top))
        shown_quantity = str(quantity)
        if fraction == 1:
            shown_quantity = f"{quantity}{how.decimal}00"
        values = {
            "position": str(n + 1),
            "article": f"{letters(rng, 2)}{base[:2]}{digits(rng, 3)}",
            "quantity": shown_quantity,
            "unit": unit,
            "unit_price": signed(price),
            "rate": f"{office.country.tax_rates[0]}%",
            "amount": signed(quantity * price),
        }
        description = office.words.phrase(rng, 1, 5)
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
        office.record["net_total"] = (office.record["net_total"] or 0) + quantity * price
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


def _sums(office: _Office) -> None:
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
        net_at = office.write(0)
        pairs.append((office.label("paid"), net_at, PLAIN))
    _print_sums(office, pairs)


def _print_sums(office: _Office, pairs: list[tuple[str, str, Style]]) -> None:
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


def _bottom(office: _Office) -> None:
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
    tax = _tax_id(office)
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

"""Pages of labels that no one has seen before, so that fields are found by their printed names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.synthetic.flow import Cell, Frame, Plan, Row, Style, wrap
from training.synthetic.parties import address, company, person, website
from training.synthetic.values import (
    COUNTRIES,
    chance,
    code,
    digits,
    letters,
    money,
    phone,
    pick,
    some_day,
    tax_number,
    write_date,
    write_time,
)
from training.synthetic.words import Words

# Labels of everyday forms with the sort of value that stands beside them.
_COMMON = {
    "name": ("Name", "Full name", "Patient name", "Driver", "Applicant", "Contact person",
             "Policy holder", "Tenant", "Employee", "Account holder", "Passenger", "Doctor"),
    "company": ("Company", "Employer", "Carrier", "Supplier", "Manufacturer", "Insurer"),
    "date": ("Date of birth", "Expiry date", "Start date", "End date", "Order date", "Valid until",
             "Delivery date", "Reading date", "Departure date", "Date of issue", "Billing period"),
    "time": ("Arrival time", "Departure", "Check-in", "Opening time", "Time of test"),
    "code": ("Reference", "Policy number", "Account number", "Customer ID", "Serial number",
             "Licence plate", "Flight", "Order number", "Tracking number", "Meter number", "Batch",
             "Passport No.", "Contract number", "Model", "Case number", "Booking reference"),
    "number": ("Quantity", "Pages", "Meter reading", "Previous reading", "Age", "Weight", "Seats",
               "Mileage", "Pieces", "Floor", "Points", "Rooms", "Gross weight", "Net weight"),
    "amount": ("Total", "Balance", "Deposit", "Monthly rent", "Premium", "Fee", "Salary", "Price",
               "Amount paid", "Opening balance", "Closing balance", "Credit limit", "Net pay"),
    "address": ("Address", "Delivery address", "Property address", "Place of work"),
    "phone": ("Phone", "Mobile", "Emergency contact", "Fax", "Telephone"),
    "web": ("E-mail", "Website", "Email address"),
    "words": ("Remarks", "Description", "Subject", "Purpose", "Status", "Colour", "Material",
              "Condition", "Department", "Vessel", "Destination", "Diagnosis", "Occupation"),
}  # fmt: skip
_UNITS = ("kg", "km", "m", "kWh", "m²", "%", "°C", "pcs", "l", "cm", "h", "days", "mm", "m³")


@dataclass(frozen=True)
class _Entry:
    """A printed label, its key in the record, the text beside it and the value that it means.

    Amounts are shown with a currency sign at times and recorded without it.
    """

    label: str
    key: str
    shown: str
    value: str | None


@dataclass
class _Form:
    rng: np.random.Generator
    words: Words
    where: str
    plan: Plan
    name_of: Callable[[str], str]
    colon: str
    used: set[str]

    def label(self, near: str | None = None) -> tuple[str, str]:
        """A label and its key, not used before on this page; `near` shares its first word."""
        rng = self.rng
        while True:
            text = self.words.phrase(rng, 1, 3)
            if near is not None:
                text = f"{near.split()[0]} {self.words.word(rng)}".lower()
            shown = text.capitalize()
            style = int(rng.integers(0, 8))
            if style == 0:
                shown = text.upper()
            elif style == 1:
                shown = text.title()
            key = self.name_of(text)
            if key not in self.used:
                self.used.add(key)
                return shown, key

    def value(self, sort: str) -> tuple[str, str]:
        """A value of a sort: as shown, and as recorded."""
        if sort == "amount":
            how = money(self.rng, COUNTRIES[self.where], 0.4)
            cents = int(10 ** self.rng.uniform(2, 6.5))
            return how.signed(cents), how.bare(cents)
        text = self.text(sort)
        return text, text

    def text(self, sort: str) -> str:
        """A value of a sort that has no currency."""
        rng, where = self.rng, self.where
        country = COUNTRIES[where]
        if sort == "name":
            return person(rng, self.words)
        if sort == "company":
            return company(rng, self.words, where)
        if sort == "date":
            return write_date(rng, some_day(rng), country)
        if sort == "time":
            return write_time(rng, country)
        if sort == "code":
            plate = f"{letters(rng, 2)} {digits(rng, 4)}"
            return pick(rng, (code(rng), code(rng), plate, tax_number(rng, where)))
        if sort == "number":
            number = str(rng.integers(0, 10 ** int(rng.integers(1, 6))))
            if chance(rng, 0.3):
                number += country.decimal + digits(rng, int(rng.integers(1, 4)))
            return f"{number} {pick(rng, _UNITS)}" if chance(rng, 0.4) else number
        if sort == "address":
            return ", ".join(address(rng, self.words, where))
        if sort == "phone":
            return phone(rng, country)
        if sort == "web":
            return website(rng, self.words)
        return pick(rng, (self.words.phrase(rng, 1, 4), self.words.word(rng).upper(), "Yes", "No"))

    def entry(self, near: str | None = None) -> _Entry:
        """A label with its value; now and then the value was left blank."""
        rng = self.rng
        sort = pick(rng, tuple(_COMMON))
        common = pick(rng, _COMMON[sort])
        key = self.name_of(common.replace(".", "").replace("-", " ").lower())
        if near is None and chance(rng, 0.4) and key not in self.used:
            self.used.add(key)
            label = common
        else:
            label, key = self.label(near)
            if chance(rng, 0.5):
                sort = pick(rng, ("code", "number", "date", "amount", "words"))
        if chance(rng, 0.05):
            return _Entry(label, key, "", None)
        return _Entry(label, key, *self.value(sort))

    def entries(self, count: int) -> list[_Entry]:
        """Entries, some of which differ in one word of the label only."""
        made: list[_Entry] = []
        for _ in range(count):
            near = made[-1].label if made and chance(self.rng, 0.2) else None
            made.append(self.entry(near))
        return made


def _snake(text: str) -> str:
    return "_".join(text.split())


def _camel(text: str) -> str:
    first, *rest = text.split()
    return first + "".join(word.capitalize() for word in rest)


def _prose(text: str) -> str:
    return " ".join(text.split())


def form(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """The plan of a form and its record, keyed by the printed labels in one naming style."""
    wide = chance(rng, 0.6)
    sheet = _Form(
        rng=rng,
        words=words,
        where=pick(rng, tuple(COUNTRIES)),
        plan=Plan(
            columns=float(rng.integers(56, 100) if wide else rng.integers(32, 50)),
            leading=float(rng.uniform(1.15, 1.6)),
            min_aspect=1.35 if chance(rng, 0.25) else 0.0,
            mono=0.35,
            margin=(1.8, 1.8),
        ),
        name_of=pick(rng, (_snake, _snake, _snake, _camel, _prose)),
        colon=pick(rng, (":", ":", "", " :")),
        used=set(),
    )
    record: dict[str, Any] = {}
    _head(sheet)
    for part_number in range(int(rng.integers(1, 4))):
        roll = rng.random()
        if part_number == 0 or roll < 0.5:
            count = int(rng.integers(5 if part_number == 0 else 2, 14))
            nested = chance(rng, 0.25)
            entries = sheet.entries(count)
            if nested or chance(rng, 0.2):
                title, key = sheet.label()
                _heading(sheet, title)
            part = {entry.key: entry.value for entry in entries}
            if nested:
                record[key] = part
            else:
                record.update(part)
            _print(sheet, entries, wide)
        elif roll < 0.8:
            _table(sheet, record)
        else:
            _list(sheet, record)
        sheet.plan.gap(float(rng.uniform(0.3, 1.2)))
    for _ in range(int(rng.integers(0, 3))):
        record[sheet.label()[1]] = None
    if chance(rng, 0.3):
        sheet.plan.add(Cell(words.phrase(rng, 4, 9).capitalize() + "."))
    order = [int(i) for i in rng.permutation(len(record))]
    keys = list(record)
    if chance(rng, 0.5):
        record = {keys[i]: record[keys[i]] for i in order}
    return sheet.plan, record


def _head(sheet: _Form) -> None:
    rng, plan = sheet.rng, sheet.plan
    at, align = (0.5, "centre") if chance(rng, 0.4) else (0.0, "left")
    if chance(rng, 0.5):
        name = company(rng, sheet.words, sheet.where)
        plan.add(Cell(name, at, align, Style(bold=chance(rng, 0.5))))  # type: ignore[arg-type]
    if chance(rng, 0.7):
        title = sheet.words.phrase(rng, 1, 3)
        title = title.upper() if chance(rng, 0.5) else title.title()
        style = Style(size=pick(rng, (1.2, 1.5, 1.8)), bold=chance(rng, 0.6))
        plan.add(Cell(title, at, align, style), below=0.6)  # type: ignore[arg-type]


def _heading(sheet: _Form, text: str) -> None:
    rng = sheet.rng
    if chance(rng, 0.2):
        row = Row((Cell(text, 0.01, style=Style(bold=True, white=True)),), 0.4, 0.4, shade=30)
    else:
        shade = int(rng.integers(200, 245)) if chance(rng, 0.4) else None
        row = Row((Cell(text, style=Style(bold=True)),), 0.4, 0.3, rule=shade is None, shade=shade)
    sheet.plan.rows.append(row)


def _print(sheet: _Form, entries: list[_Entry], wide: bool) -> None:
    """Labels beside their values, above them, or two pairs to a line."""
    rng, plan = sheet.rng, sheet.plan
    form = pick(rng, ("behind", "column", "column", "right", "below", "grid", "double"))
    if form in {"grid", "double"} and not wide:
        form = "column"
    bold = Style(bold=chance(rng, 0.4), size=0.85 if form in {"below", "grid"} else 1.0)
    at = float(rng.uniform(0.3, 0.5))
    if form in {"grid", "double"}:
        per_line = 2 if form == "double" else int(rng.integers(2, 4))
        _beside(sheet, entries, per_line, form == "grid", bold)
        return
    ruled = chance(rng, 0.15)
    for entry in entries:
        label = Cell(entry.label + sheet.colon, style=bold)
        value = entry.shown
        if form == "behind":
            plan.add(Cell(f"{entry.label}{sheet.colon or ':'} {value}".rstrip()))
        elif form == "right":
            plan.add(label, *([Cell(value, 1.0, "right")] if value else []))
        elif form == "below":
            plan.add(label)
            plan.add(*([Cell(value, 0.02)] if value else [Cell("_", 0.02)]), below=0.3)
        else:
            parts = wrap(value, max(8, int(plan.columns * (1 - at) * 0.85))) or [""]
            plan.add(label, *([Cell(parts[0], at)] if parts[0] else []))
            for part in parts[1:]:
                plan.add(Cell(part, at))
        if ruled:
            plan.rows.append(Row(below=0.1, rule=True))


def _beside(sheet: _Form, entries: list[_Entry], per_line: int, above: bool, style: Style) -> None:
    """Two or three entries to a line, the value beside or below its label."""
    rng, plan = sheet.rng, sheet.plan
    step = 1.0 / per_line
    framed = above and chance(rng, 0.5)
    room = max(8, int(plan.columns * step * (0.9 if above else 0.5)))
    for start in range(0, len(entries), per_line):
        some = entries[start : start + per_line]
        values = [wrap(entry.shown, room) for entry in some]
        first = len(plan.rows)
        labels = [Cell(e.label + sheet.colon, n * step, style=style) for n, e in enumerate(some)]
        shift = 0.0 if above else step * 0.47
        if above:
            plan.rows.append(Row(tuple(labels)))
        for line in range(max(1, *(len(v) for v in values))):
            cells = [Cell(v[line], n * step + shift) for n, v in enumerate(values) if line < len(v)]
            if not above and line == 0:
                cells = sorted([*labels, *cells], key=lambda c: c.at)
            plan.rows.append(Row(tuple(cells)))
        if framed:
            for n in range(len(some)):
                frame = Frame(first, len(plan.rows) - 1, n * step, (n + 1) * step - 0.015)
                plan.frames.append(frame)
            plan.gap(0.45)
        else:
            plan.gap(0.2)


def _table(sheet: _Form, record: dict[str, Any]) -> None:
    """A table under its own heading: a list of records."""
    rng, plan = sheet.rng, sheet.plan
    title, key = sheet.label()
    _heading(sheet, title)
    count = int(rng.integers(2, 6 if plan.columns > 55 else 4))
    step = 1.0 / count
    room = max(7, int(plan.columns * step * 0.8))
    heads: list[tuple[str, str, str]] = []
    taken: set[str] = set()
    while len(heads) < count:
        text = sheet.words.word(rng)
        name = sheet.name_of(text)
        if name in taken or len(text) > room:
            continue
        taken.add(name)
        sort = pick(rng, ("code", "number", "amount", "date", "words", "words"))
        heads.append((text.capitalize(), name, sort))
    bold = Style(bold=chance(rng, 0.6))
    cells = [Cell(h[0], n * step, style=bold) for n, h in enumerate(heads)]
    plan.rows.append(Row(tuple(cells), below=0.2, rule=chance(rng, 0.6)))
    rows = []
    for _ in range(int(rng.integers(1, 9))):
        values = [sheet.value(sort) for _, _, sort in heads]
        short = digits(rng, min(room, 5))
        values = [v if len(v[0]) <= room else (short, short) for v in values]
        plan.add(*(Cell(shown, n * step) for n, (shown, _) in enumerate(values)))
        rows.append({name: v for (_, name, _), (_, v) in zip(heads, values, strict=True)})
    record[key] = rows


def _list(sheet: _Form, record: dict[str, Any]) -> None:
    """A label with several values below each other, or in one line with commas."""
    rng, plan = sheet.rng, sheet.plan
    title, key = sheet.label()
    values = [sheet.words.phrase(rng, 1, 2) for _ in range(int(rng.integers(2, 6)))]
    if chance(rng, 0.5):
        plan.add(Cell(title + sheet.colon, style=Style(bold=chance(rng, 0.5))))
        mark = pick(rng, ("- ", "* ", "", "· ", "[x] "))
        for value in values:
            plan.add(Cell(mark + value, 0.03))
    else:
        at = 0.0
        lines = wrap(f"{title}{sheet.colon or ':'} {', '.join(values)}", int(plan.columns * 0.95))
        for line in lines:
            plan.add(Cell(line, at))
            at = 0.03
    record[key] = values

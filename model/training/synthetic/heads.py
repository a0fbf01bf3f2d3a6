"""How a receipt introduces its shop: what stands above, beside and below the name.

The name is the company's, without its register number, its slogan or its branch; the address is
all its lines joined by blanks, without telephone and tax numbers.
"""

from collections.abc import Callable

from training.synthetic.flow import PLAIN, Align, Cell, Row, Style, wrap
from training.synthetic.parties import address, company, person, website
from training.synthetic.till import Till, rule
from training.synthetic.values import (
    chance,
    code,
    digits,
    letters,
    phone,
    pick,
    some_day,
    tax_number,
    write_date,
)

_NAME_STYLES = (
    PLAIN, PLAIN, PLAIN, Style(bold=True), Style(bold=True), Style(size=1.35, bold=True),
    Style(wide=1.6), Style(wide=1.5, tall=1.5), Style(tall=1.8), Style(size=1.6, title=True),
    Style(size=1.3, title=True, bold=True), Style(wide=1.8, tall=1.2), Style(size=1.8, title=True),
)  # fmt: skip
_TAX_WORDS = {
    "my": ("GST ID : ", "GST Reg No: ", "(GST ID No :", "GST NO. ", "GST ID No: ", "GST ID=",
           "SST NO : ", "(GST Reg. No : "),
    "us": ("EIN ",), "de": ("USt-IdNr.: ", "St.-Nr. ", "UID: "), "fr": ("TVA ", "SIRET "),
    "es": ("CIF: ", "NIF ", "C.I.F. "), "it": ("P.IVA ", "Partita IVA "),
    "nl": ("BTW nr. ",), "pt": ("NIF: ", "Contribuinte nº "), "au": ("ABN ", "A.B.N. "),
}  # fmt: skip
_REGISTERS = {
    "de": ("HRB {}", "Amtsgericht HRB {}"), "at": ("FN {}",), "fr": ("RCS {}", "SIREN {}"),
    "es": ("Reg. Merc. {}",), "it": ("REA {}", "C.F. {}"), "nl": ("KvK {}", "K.v.K. nr. {}"),
    "gb": ("Company No. {}", "Reg. in England {}"), "sg": ("UEN: {}", "Co Reg No: {}"),
    "in": ("CIN: {}", "FSSAI {}"), "au": ("ACN {}",), "ch": ("CH-ID {}",),
}  # fmt: skip
_ABOVE = (
    "WELCOME", "Welcome to", "*** COPY ***", "REPRINT", "CUSTOMER COPY", "DUPLICATE", "** BILL **",
    "Thank you for visiting", "-- ORIGINAL --", "SELF COLLECT", "TAKE AWAY", "Bienvenue",
    "Herzlich willkommen", "Bienvenidos", "Benvenuti", "Welkom",
)  # fmt: skip
_OWNERS = ("Owned By :", "Owned and operated by", "Trading as", "(Formerly known as", "OPERATED BY",
           "Managed by", "A member of", "Franchisee of", "fka", "Division of", "formerly known as",
           "Licensee of", "A division of")  # fmt: skip
_FORMED = ("BHD", "Bhd", "BHD.", "LTD", "Ltd", "Ltd.", "LLC", "INC", "Inc.", "GmbH", "B.V.", "S.L.")
"""What tells a company from the sign above it."""


def head(till: Till) -> None:
    """Name, register number, address, telephone and tax number of the merchant."""
    rng, plan, record = till.rng, till.plan, till.record
    at: float = 0.5
    align: Align = "centre"
    if chance(rng, 0.25):
        at, align = 0.0, "left"

    def line(text: str, style: Style = PLAIN) -> None:
        plan.add(Cell(text, at, align, style))

    name = company(rng, till.words, till.where)
    record["merchant_name"] = name
    _above(till, line, name)
    register = _register(till) if chance(rng, 0.75 if till.where == "my" else 0.15) else ""
    _name(till, line, name, register)
    _between(till, line, name)
    early = chance(rng, 0.15)
    if early:
        _tax(till, line)
    if chance(rng, 0.95):
        _address(till, line)
    contacts: list[Callable[[], None]] = []
    if chance(rng, 0.72):
        contacts.append(lambda: _phone(till, line))
    if not early and chance(rng, 0.65):
        contacts.append(lambda: _tax(till, line))
    if chance(rng, 0.15):
        contacts.append(lambda: line(website(rng, till.words)))
    if chance(rng, 0.15):
        contacts.reverse()
    for print_contact in contacts:
        print_contact()
    _below(till, line)
    plan.gap(float(rng.uniform(0.0, 1.2)))


def title(till: Till) -> None:
    """What the paper calls itself; at times white on a dark bar, or between rules."""
    rng = till.rng
    style = pick(rng, (PLAIN, Style(bold=True), Style(wide=1.5), Style(tall=1.6), Style(size=1.3)))
    text = till.label("title")
    if chance(rng, 0.1):
        till.plan.rows.append(
            Row((Cell(text, 0.5, "centre", Style(bold=True, white=True)),), 0.2, 0.2, shade=20)
        )
        return
    places: tuple[tuple[float, Align], ...] = (
        (0.5, "centre"), (0.5, "centre"), (0.0, "left"), (1.0, "right"),
    )  # fmt: skip
    at, align = pick(rng, places)
    till.plan.add(Cell(text, at, align, style), below=0.3)


def _above(till: Till, line: Callable[..., None], name: str) -> None:
    """What may stand above the name: notes by hand, emblems, greetings, an order's number."""
    rng, plan = till.rng, till.plan
    if chance(rng, 0.15):
        scrawl = Style(hand=True, size=float(rng.uniform(1.4, 2.4)))
        shapes = (digits(rng, int(rng.integers(3, 9))), code(rng), till.words.phrase(rng, 1, 2))
        plan.add(Cell(pick(rng, shapes), float(rng.uniform(0.1, 0.9)), "centre", scrawl))
    if chance(rng, 0.05):
        owner = Style(size=float(rng.uniform(1.0, 1.9)), title=chance(rng, 0.5))
        text = person(rng, till.words)
        line(text.lower() if chance(rng, 0.5) else text, owner)
    if chance(rng, 0.14):
        plan.rows.append(Row(below=0.4, logo=int(rng.integers(2**31)),
                             logo_lines=float(rng.uniform(1.5, 5)),
                             logo_at=float(rng.uniform(0.0, 0.6))))  # fmt: skip
    if chance(rng, 0.08):
        brand = name.split()[0] if chance(rng, 0.6) else till.words.name(rng)
        brand = pick(rng, (brand, brand.upper(), brand.lower()))
        line(brand, Style(size=float(rng.uniform(1.6, 2.6)), title=True))
    elif chance(rng, 0.15 if name.endswith(_FORMED) else 0.05) and len(name.split()) > 2:
        # A chain's sign over the company that runs this branch of it.
        first = name.split()[0] if chance(rng, 0.4) else till.words.name(rng)
        brand = f"{first} {till.words.phrase(rng, 1, 3)}"
        style = PLAIN if chance(rng, 0.5) else pick(rng, _NAME_STYLES)
        line(brand.upper() if chance(rng, 0.7) else brand.title(), style)
    if chance(rng, 0.06):
        line(till.words.phrase(rng, 2, 5).capitalize() + pick(rng, ("", "!", ".")))
    if chance(rng, 0.06):
        line(till.case(pick(rng, _ABOVE)))
    if chance(rng, 0.03):
        line(pick(rng, ("Your order number is", "Order No.", "Queue No", "Ticket", "TABLE")))
        line(digits(rng, int(rng.integers(1, 5))), Style(size=2.0, bold=True))
        if chance(rng, 0.5):
            rule(till)
    if chance(rng, 0.08):
        title(till)


def _register(till: Till) -> str:
    """A company's number in a register, behind or below the name."""
    rng = till.rng
    if till.where == "my":
        number = f"{digits(rng, int(rng.integers(5, 8)))}-{letters(rng, 1)}"
        number = pick(rng, (number, number, number, f"{letters(rng, 2)}{digits(rng, 7)}",
                            f"{digits(rng, 9)}-{letters(rng, 1)}", number.replace("-", " "),
                            f"{digits(rng, 12)} ({number})"))  # fmt: skip
        shape = pick(rng, ("({})", "({})", "{}", "(Co. No. {})", "(CO.REG :{})", "Co. No: {}",
                           "Company Reg No: {}", "Co. Reg. No : {}", "ROC NO: {}", "BR No.: {}",
                           "Company No:{}", "Reg No: {}", "(CO REG: {})", "[{}]"))  # fmt: skip
    else:
        number = digits(rng, int(rng.integers(5, 12)))
        shape = pick(rng, (*_REGISTERS.get(till.where, ()), "({})", "Reg. No. {}", "(Reg. {})"))
    till.record["registration_number"] = number
    return shape.format(number)


def _name(till: Till, line: Callable[..., None], name: str, register: str) -> None:
    """The name over as many lines as it needs, the number behind it or on the next line."""
    rng, plan = till.rng, till.plan
    style = pick(rng, _NAME_STYLES)
    beside = register.startswith(("(", "[")) and chance(rng, 0.3)
    # Capitals are wider than the mean letter, so that a headline holds fewer of them.
    room = max(int(plan.columns / (style.size * style.wide * 1.25)), 9)
    parts = wrap(name, room)
    if len(parts) == 1 and chance(rng, 0.1) and " " in name:
        parts = wrap(name, max(len(name) * 2 // 3, 9))
    elif name.count(" ") > 2 and chance(rng, 0.08):
        *words, last, form = name.split()  # the legal form on a line of its own
        parts = [*wrap(" ".join(words), room), f"{last} {form}"]
    if beside and len(parts[-1]) + len(register) < room:
        parts[-1] += f" {register}"
        register = ""
    for part in parts:
        line(part, style)
    if register:
        line(register)


def _between(till: Till, line: Callable[..., None], name: str) -> None:
    """What may stand between name and address without being part of either."""
    rng = till.rng
    if chance(rng, 0.07):
        word = pick(rng, _OWNERS)
        other = company(rng, till.words, till.where)
        if word.startswith("("):
            other += ")"
        if chance(rng, 0.5):
            line(word)
            line(other)
        else:
            line(f"{word} {other}")
    if chance(rng, 0.05):
        line(till.words.phrase(rng, 1, 4).capitalize())
    if chance(rng, 0.05):
        place = till.words.name(rng)
        shapes = (f"{place} Branch", f"BRANCH: {place}", f"Filiale {place}",
                  f"Store #{digits(rng, 4)}", f"({place})",
                  f"Site: {digits(rng, 4)}", f"Outlet : {place}")  # fmt: skip
        line(till.case(pick(rng, shapes)))
    elif chance(rng, 0.08):
        # The sign over this branch's door, as "CORNER Northgate" above where that is.
        sign = f"{name.split()[0]} {till.words.phrase(rng, 1, 2)}"
        line(pick(rng, (sign, sign.upper(), sign.title())))
    if till.record["date"] is None and chance(rng, 0.02):
        shown = write_date(rng, some_day(rng), till.country)
        till.record["date"] = shown
        line(shown)


def _address(till: Till, line: Callable[..., None]) -> None:
    rng = till.rng
    lines = address(rng, till.words, till.where)
    if chance(rng, 0.04):
        # Too long for what the till has room for, and cut there: nothing is to be made up.
        room = max(map(len, lines)) - int(rng.integers(1, 10))
        lines = [text[: max(room, 6)].rstrip() for text in lines]
    till.record["merchant_address"] = " ".join(lines)
    for text in lines:
        for part in wrap(text, int(till.plan.columns)):
            line(part)


def _phone(till: Till, line: Callable[..., None]) -> None:
    rng, country = till.rng, till.country
    word = pick(rng, ("TEL: ", "Tel : ", "Tel: ", "TEL ", "Tel. ", "Phone: ", "H/P: ", "T: ", "",
                      "Telephone:", "Mobile/Whatsapp : ", "TEL/FAX: ", "Hotline "))  # fmt: skip
    number = phone(rng, country)
    till.record["merchant_phone"] = number
    text = word + number
    if chance(rng, 0.15):
        text += pick(rng, (" / ", ", ", " & ")) + phone(rng, country)
    other = pick(rng, ("FAX: ", "Fax:", "FAX ", "Fax : ")) + phone(rng, country)
    roll = rng.random()
    if roll < 0.25 and len(text) + len(other) < till.plan.columns:
        line(f"{text} {other}")
        return
    line(text)
    if roll < 0.35:
        line(other)


def _tax(till: Till, line: Callable[..., None]) -> None:
    rng = till.rng
    number = tax_number(rng, till.where)
    till.record["merchant_tax_id"] = number
    word = pick(rng, _TAX_WORDS.get(till.where, ("VAT No: ", "Tax ID: ", "Reg. No ")))
    line(f"{word}{number}{')' if word.startswith('(') else ''}")


def _below(till: Till, line: Callable[..., None]) -> None:
    """What may follow the address: the branch, opening hours, the customer."""
    rng, record = till.rng, till.record
    if chance(rng, 0.12):
        place = till.words.name(rng)
        shapes = (f"({place} {till.words.name(rng)})", f"({place})", f"{place} Branch",
                  f"{digits(rng, 4)} {place}", f"OUTLET: {place}")  # fmt: skip
        line(till.case(pick(rng, shapes)))
    if chance(rng, 0.04):
        line(pick(rng, ("SHOPPING HOURS", "Opening hours", "BUSINESS HOURS :", "Öffnungszeiten")))
        line(pick(rng, ("MON-SUN: 1000 HRS - 2200 HRS", "Mo-Sa 8:00-20:00", "10AM - 10PM DAILY")))
    if chance(rng, 0.06):
        till.plan.gap(0.4)
        word = pick(rng, ("Bill To :", "Customer", "Sold to:", "M/S", "Kunde:", "Client :", "TO:"))
        till.plan.add(Cell(word))
        record["buyer_name"] = company(rng, till.words, till.where)
        lines = address(rng, till.words, till.where) if chance(rng, 0.6) else []
        for part in wrap(record["buyer_name"], int(till.plan.columns * 0.8)):
            till.plan.add(Cell(part))
        for text in lines:
            till.plan.add(Cell(text))
        record["buyer_address"] = " ".join(lines) or None

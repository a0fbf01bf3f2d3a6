"""The end of an invoice: sums by tax rate, when and where to pay, the small print at the foot."""

from training.synthetic.flow import PLAIN, Align, Cell, Row, Style, wrap
from training.synthetic.labels import CLOSING
from training.synthetic.office import Office, Pair, print_sums, tax_id
from training.synthetic.parties import company, person, website
from training.synthetic.values import chance, code, digits, iban, letters, phone, pick

_WITH_IBAN = {"gb", "de", "at", "ch", "fr", "es", "it", "nl", "pt"}


def sums(office: Office) -> None:
    """Net, tax of one or more rates and total; only what is printed enters the record."""
    rng, record, how = office.rng, office.record, office.money
    bases = dict(office.bases)
    lines = sum(bases.values())
    first = next(iter(bases))
    pairs: list[tuple[str, str, Style]] = []
    more = CLOSING[office.country.language]
    if chance(rng, 0.2):
        step = -round(lines * float(rng.uniform(0.01, 0.1)))
        if chance(rng, 0.5):
            step = round(lines * float(rng.uniform(0.01, 0.1)))
        pairs.append((pick(rng, more["lines"]), office.write(lines), PLAIN))
        word = office.label("shipping") if step > 0 else pick(rng, more["allowance"])
        pairs.append((word, office.write(step), PLAIN))
        bases[first] += step
    taxed = chance(rng, 0.87)
    taxes = {rate: round(base * rate / 100) if taxed else 0 for rate, base in bases.items()}
    net, tax = sum(bases.values()), sum(taxes.values())
    if taxed and chance(rng, 0.22):
        _breakdown(office, bases, taxes)
        if office.sign_mode != "label" and chance(rng, 0.4):
            return
    if chance(rng, 0.87):
        record["net_total"] = how.bare(net)
        pairs.append((office.label("net_total"), office.write(net), PLAIN))
    if taxed:
        pairs += _tax_lines(office, bases, taxes)
    label = office.label("total")
    if office.sign_mode == "label" and how.sign is not None:
        label += pick(rng, (" {}", " ({})", " in {}")).format(how.sign)
    loud = pick(rng, (PLAIN, Style(bold=True), Style(bold=True), Style(bold=True, size=1.3)))
    record["total"] = how.bare(net + tax)
    pairs.append((label, office.write(net + tax), loud))
    if chance(rng, 0.1):
        pairs.append((office.label("paid"), office.write(0), PLAIN))
        if chance(rng, 0.5):
            pairs.append((pick(rng, more["balance"]), office.write(net + tax), loud))
    print_sums(office, pairs)


def _tax_lines(
    office: Office, bases: dict[int, int], taxes: dict[int, int]
) -> list[tuple[str, str, Style]]:
    """A line for each rate; the sum of several taxes is recorded where it is printed."""
    rng, record, how = office.rng, office.record, office.money
    name = office.label("tax_total")
    tax = sum(taxes.values())
    pairs = []
    several = len(taxes) > 1
    if several or chance(rng, 0.9):
        for rate, part in taxes.items():
            base = how.bare(bases[rate])
            of = CLOSING[office.country.language]["of"][0]
            shapes = [
                f"{name} {rate}%", f"{rate} % {name}", f"{name} ({rate}%)", f"+ {rate}% {name}",
                f"{name} {rate}{how.decimal}0 %", f"{rate}% {name} ({base})",
                f"{name} {rate} % {of} {base}",
            ]  # fmt: skip
            if not several:
                shapes += [name, name, name]
            pairs.append((pick(rng, shapes), office.write(part), PLAIN))
    if not several:
        record["tax_total"] = how.bare(tax)
        return pairs or [(name, office.write(tax), PLAIN)]
    if chance(rng, 0.5):
        record["tax_total"] = how.bare(tax)
        word = pick(rng, CLOSING[office.country.language]["all_taxes"])
        pairs.append((word, office.write(tax), PLAIN))
    return pairs


def _breakdown(office: Office, bases: dict[int, int], taxes: dict[int, int]) -> None:
    """A table of the rates; its last row, where it is printed, holds net, tax and total."""
    rng, plan, how = office.rng, office.plan, office.money
    bold = Style(bold=chance(rng, 0.6), size=office.small)
    places: tuple[tuple[float, Align], ...] = (
        (0.02, "left"), (0.35, "right"), (0.65, "right"), (0.98, "right"),
    )  # fmt: skip
    keys = ("rate", "net_total", "tax_total", "total")
    heads = [Cell(office.label(k), *p, bold) for k, p in zip(keys, places, strict=True)]
    shade = int(rng.integers(205, 245)) if chance(rng, 0.4) else None
    plan.rows.append(Row(tuple(heads), 0.6, 0.2, rule=True, shade=shade))
    small = Style(size=office.small)
    for rate, base in bases.items():
        row = (f"{rate}{pick(rng, ('%', ' %', how.decimal + '0'))}", how.bare(base),
               how.bare(taxes[rate]), how.bare(base + taxes[rate]))  # fmt: skip
        plan.add(*(Cell(t, *p, small) for t, p in zip(row, places, strict=True)))
    net, tax = sum(bases.values()), sum(taxes.values())
    label = pick(office.rng, CLOSING[office.country.language]["sum"])
    row = (label, office.write(net), office.write(tax), office.write(net + tax))
    loud = Style(bold=True, size=office.small)
    plan.rows.append(Row(tuple(Cell(t, *p, loud) for t, p in zip(row, places, strict=True)),
                         0.1, 0.5, rule_over=True))  # fmt: skip
    for key, value in (("net_total", net), ("tax_total", tax), ("total", net + tax)):
        office.record[key] = how.bare(value)


def terms(office: Office) -> None:
    """Sentences about the payment; the day it is due may stand in one of them."""
    rng, record, says = office.rng, office.record, CLOSING[office.country.language]
    style = Style(size=office.small)
    sentences: list[str] = []
    if record["due_date"] is None and chance(rng, 0.35):
        late, soon = int(rng.integers(14, 61)), int(rng.integers(5, 14))
        record["due_date"] = office.day(late)
        text = pick(rng, says["due"]).format(record["due_date"])
        if chance(rng, 0.25):
            skonto = pick(rng, says["discount"]).format(office.day(soon), rng.integers(2, 4))
            text = f"{skonto} {text}"
        sentences.append(text)
    sentences += [office.label("terms") for _ in range(int(rng.integers(0, 3)))]
    if chance(rng, 0.3):
        sentences.append(office.words.phrase(rng, 6, 16).capitalize() + ".")
    for text in dict.fromkeys(sentences):
        for part in wrap(text, int(office.plan.columns * 0.95 / office.small)):
            office.plan.add(Cell(part, style=style))
        office.plan.gap(0.3)


def bank(office: Office) -> list[Pair]:
    """Where to pay: an IBAN with its neighbours, or an account number of another kind."""
    rng, record = office.rng, office.record
    if not chance(rng, 0.68):
        return []
    name = company(rng, office.words, office.where)
    pairs: list[Pair] = []
    if chance(rng, 0.6):
        pairs.append((pick(rng, CLOSING[office.country.language]["bank"]), name))
    if office.where in _WITH_IBAN or chance(rng, 0.3):
        number = iban(rng, office.where if office.where in _WITH_IBAN else "gb")
        record["iban"] = number
        pairs.append((office.label("iban").rstrip(": "), number))
        if chance(rng, 0.7):
            bic = letters(rng, 6) + pick(rng, (digits(rng, 2), "X" * 3, letters(rng, 2)))
            record["bic"] = bic
            pairs.append((pick(rng, ("BIC", "BIC", "SWIFT", "BIC/SWIFT", "SWIFT-BIC")), bic))
    else:
        pairs.append((pick(rng, ("Account No.", "A/C No.", "Account")), digits(rng, 8)))
        pairs.append((pick(rng, ("Sort code", "BSB", "Routing No.", "SWIFT")), digits(rng, 6)))
    return pairs


def foot(office: Office) -> None:
    """The small print: bank, tax numbers, register and addresses, in a list or in columns."""
    rng, plan, record = office.rng, office.plan, office.record
    says = CLOSING[office.country.language]
    account = bank(office)
    tax = tax_id(office)
    if account and chance(rng, 0.2):
        colon = office.colon or ":"
        text = pick(rng, (", ", " · ", "  ", " | ", "; ")).join(
            f"{a}{colon} {b}" for a, b in account
        )
        for part in wrap(text, int(plan.columns * 0.98)):
            plan.add(Cell(part))
        account = []
    pairs = [*account, *([tax] if tax else [])]
    if chance(rng, 0.35):
        pairs.append((pick(rng, says["register"]), f"{letters(rng, 2)} {digits(rng, 5)}"))
    if chance(rng, 0.6):
        plan.foot = len(plan.rows)
    else:
        plan.gap(float(rng.uniform(0.5, 3)))
    if chance(rng, 0.4):
        plan.rows.append(Row(below=0.3, rule=True))
    style = Style(size=min(office.small, float(rng.uniform(0.7, 1.0))))
    shape = rng.random()
    if shape < 0.25:
        for label, value in pairs:
            plan.add(Cell(f"{label}{office.colon or ':'} {value}", style=style))
    elif shape < 0.4:
        for label, value in pairs:
            plan.add(Cell(label + office.colon, style=style), Cell(value, 0.2, style=style))
    else:
        _columns(office, pairs, style)
    if record["seller_name"] is not None and chance(rng, 0.2):
        plan.add(Cell(f"{record['seller_name']} {code(rng)}", 0.5, "centre", style))
    if chance(rng, 0.35):
        at: tuple[float, Align] = (1.0, "right") if chance(rng, 0.6) else (0.5, "centre")
        plan.add(Cell(office.label("page"), *at, style), above=0.4)


def _columns(office: Office, pairs: list[Pair], style: Style) -> None:
    """Two to four columns: the seller, how to reach it, who leads it, bank and tax numbers."""
    rng, record = office.rng, office.record
    says, colon = CLOSING[office.country.language], office.colon or ":"
    reach = [f"{office.label('phone')}{colon} {phone(rng, office.country)}",
             website(rng, office.words)]  # fmt: skip
    if chance(rng, 0.5):
        reach.append(f"{pick(rng, says['manager'])}{colon} {person(rng, office.words)}")
    blocks = [reach, [f"{label}{colon} {value}" for label, value in pairs]]
    if len(pairs) > 3:
        blocks[1:] = [blocks[1][:2], blocks[1][2:]]
    if record["seller_name"] is not None and chance(rng, 0.6):
        blocks.insert(0, [record["seller_name"], *office.seller_lines])
    step = 1.0 / len(blocks)
    room = max(12, int(office.plan.columns * step * 0.85 / style.size))
    columns = [[part for text in block for part in wrap(text, room)] for block in blocks]
    for at in range(max(len(column) for column in columns)):
        cells = [Cell(column[at], n * step, style=style)
                 for n, column in enumerate(columns) if at < len(column)]  # fmt: skip
        office.plan.add(*cells)

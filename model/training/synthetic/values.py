"""Dates, times, amounts and codes the way printers of several countries write them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

T = TypeVar("T")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def chance(rng: np.random.Generator, odds: float) -> bool:
    """True with probability `odds`."""
    return bool(rng.random() < odds)


def pick(rng: np.random.Generator, options: list[T] | tuple[T, ...]) -> T:
    """One of `options`, each as likely."""
    return options[int(rng.integers(len(options)))]


def digits(rng: np.random.Generator, count: int) -> str:
    """`count` digits, zeros in front allowed."""
    return "".join(str(d) for d in rng.integers(0, 10, count))


def letters(rng: np.random.Generator, count: int) -> str:
    """`count` capitals."""
    return "".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), count))


def code(rng: np.random.Generator) -> str:
    """A document number: digits, or letters and digits in the shapes that tills and offices use."""
    year = str(rng.integers(2014, 2027))
    shapes = (
        lambda: digits(rng, int(rng.integers(3, 11))),
        lambda: letters(rng, int(rng.integers(1, 4))) + digits(rng, int(rng.integers(4, 10))),
        lambda: f"{letters(rng, 2)}-{digits(rng, int(rng.integers(4, 8)))}",
        lambda: f"{year}-{digits(rng, int(rng.integers(3, 6)))}",
        lambda: f"{letters(rng, 2)}{year}/{digits(rng, 4)}",
        lambda: f"{letters(rng, 2)}-{letters(rng, 2)}-{digits(rng, 7)}",
        lambda: f"{digits(rng, 2)}/{year}/{digits(rng, 3)}",
        lambda: f"{digits(rng, 4)}/{digits(rng, 4)}/{digits(rng, 5)}",
        lambda: f"{letters(rng, 1)}{digits(rng, 3)}-{digits(rng, 6)}",
        lambda: f"{pick(rng, ('INV', 'RE', 'CS', 'OR', 'BILL', 'No'))}{digits(rng, 6)}",
        lambda: f"{pick(rng, ('INV', 'RE', 'FA', 'CS', 'F'))}-{year}-{digits(rng, 4)}",
        lambda: f"#{digits(rng, int(rng.integers(3, 7)))}",
    )
    return shapes[int(rng.integers(len(shapes)))]()


MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
}
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(frozen=True)
class Country:
    """How a country prints: language, money, dates and addresses.

    `day_first` is false where 03/31/2018 is written; `zip_digits` counts the post code's digits.
    """

    language: str
    codes: tuple[str, ...]
    signs: tuple[str, ...]
    decimal: str
    thousands: tuple[str, ...]
    day_first: bool
    separators: tuple[str, ...]
    tax_names: tuple[str, ...]
    tax_rates: tuple[int, ...]
    zip_digits: int
    phone: tuple[str, ...]


COUNTRIES = {
    "my": Country("en", ("MYR", "RM"), ("RM",), ".", (",",), True, ("/", "/", "-", "."),
                  ("GST", "GST", "SST", "Service Tax"), (6, 6, 6, 10, 5), 5,
                  ("03-", "07-", "+603-", "012-", "06-", "+60")),
    "sg": Country("en", ("SGD", "S$"), ("$", "S$"), ".", (",",), True, ("/", "-"),
                  ("GST",), (7, 8, 9), 6, ("6", "+65 6", "9")),
    "us": Country("en", ("USD",), ("$",), ".", (",",), False, ("/", "-"),
                  ("Tax", "Sales Tax", "TAX 1"), (6, 7, 8, 9), 5, ("(", "1-", "")),
    "gb": Country("en", ("GBP",), ("£",), ".", (",",), True, ("/", "-", "."),
                  ("VAT",), (20, 5), 0, ("01", "020 ", "+44 ")),
    "au": Country("en", ("AUD",), ("$", "A$"), ".", (",",), True, ("/", "-"),
                  ("GST",), (10,), 4, ("02 ", "(03) ", "04")),
    "in": Country("en", ("INR", "Rs.", "Rs"), ("Rs.", "Rs"), ".", (",",), True, ("/", "-"),
                  ("GST", "CGST", "IGST"), (5, 12, 18), 6, ("+91 ", "0")),
    "ca": Country("en", ("CAD",), ("$", "C$"), ".", (",",), False, ("/", "-"),
                  ("HST", "GST"), (13, 5), 0, ("(", "")),
    "za": Country("en", ("ZAR",), ("R",), ".", (" ", ","), True, ("/", "-"),
                  ("VAT",), (15, 14), 4, ("0", "+27 ")),
    "de": Country("de", ("EUR",), ("€",), ",", (".", ""), True, (".",),
                  ("MwSt", "MwSt.", "USt", "USt."), (19, 7), 5, ("0", "+49 ", "Tel. 0")),
    "at": Country("de", ("EUR",), ("€",), ",", (".", ""), True, (".",),
                  ("MwSt", "USt"), (20, 10), 4, ("0", "+43 ")),
    "ch": Country("de", ("CHF",), ("Fr.", "CHF"), ".", ("'", ""), True, (".",),
                  ("MwSt", "MWST"), (8, 3), 4, ("0", "+41 ")),
    "fr": Country("fr", ("EUR",), ("€",), ",", (" ", ""), True, ("/", "/", "-"),
                  ("TVA",), (20, 10, 5), 5, ("01 ", "04 ", "+33 ")),
    "es": Country("es", ("EUR",), ("€",), ",", (".",), True, ("/", "-"),
                  ("IVA", "I.V.A."), (21, 10, 4), 5, ("91 ", "93 ", "+34 ")),
    "it": Country("it", ("EUR",), ("€",), ",", (".",), True, ("/", "-", "."),
                  ("IVA",), (22, 10, 4), 5, ("02 ", "06 ", "+39 ")),
    "nl": Country("nl", ("EUR",), ("€",), ",", (".",), True, ("-", "-", "/"),
                  ("BTW",), (21, 9), 0, ("020-", "010-", "+31 ")),
    "pt": Country("pt", ("EUR",), ("€",), ",", (".", " "), True, ("/", "-"),
                  ("IVA",), (23, 13, 6), 4, ("21 ", "22 ", "+351 ")),
}  # fmt: skip


def some_day(rng: np.random.Generator) -> date:
    """A day between 2010 and 2027."""
    return date(2010, 1, 1) + timedelta(days=int(rng.integers(0, 6570)))


def write_date(rng: np.random.Generator, day: date, country: Country) -> str:
    """`day` in one of the forms that are printed in `country`."""
    names = MONTHS[country.language].split()
    month = names[day.month - 1]
    separator = pick(rng, country.separators)
    short = day.strftime("%y")
    if country.day_first:
        first, second = f"{day.day:02d}", f"{day.month:02d}"
    else:
        first, second = f"{day.month:02d}", f"{day.day:02d}"
    roll = rng.random()
    if roll < 0.58:
        if chance(rng, 0.15):
            first, second = first.lstrip("0"), second.lstrip("0")
        year = short if chance(rng, 0.25) else str(day.year)
        return separator.join((first, second, year))
    if roll < 0.68:
        return day.isoformat() if chance(rng, 0.8) else day.strftime("%Y/%m/%d")
    if country.language == "en":
        brief = month[:3].upper() if chance(rng, 0.5) else month[:3]
        forms = (
            f"{day.day:02d} {brief} {day.year}",
            f"{day.day:02d}-{brief}-{day.year}",
            f"{day.day:02d}/{brief}/{day.year}",
            f"{day.day}-{brief}-{short}",
            f"{day.day} {month} {day.year}",
            f"{day.day} {month}, {day.year}",
            f"{month} {day.day}, {day.year}",
            f"{brief} {day.day}, {day.year}",
            f"{brief} {day.day:02d} {day.year}",
            f"{day.day:02d}{brief}{short}",
            f"{day.day:02d} {brief} '{short}",
        )
        return pick(rng, forms)
    if country.language == "de":
        return pick(rng, (f"{day.day}. {month} {day.year}", f"{day.day:02d}. {month} {day.year}"))
    joint = " de " if country.language in {"es", "pt"} and chance(rng, 0.7) else " "
    return f"{day.day}{joint}{month}{joint}{day.year}"


def write_time(rng: np.random.Generator, country: Country) -> str:
    """A time of day, 12 or 24 hours, with or without seconds."""
    hour = int(rng.integers(7, 24))
    minute, second = int(rng.integers(0, 60)), int(rng.integers(0, 60))
    seconds = f":{second:02d}" if chance(rng, 0.5) else ""
    if country.language == "en" and chance(rng, 0.45):
        half = pick(rng, ("AM", "PM")) if hour == 12 else ("AM" if hour < 12 else "PM")
        half = half.lower() if chance(rng, 0.25) else half
        shown = hour - 12 if hour > 12 else hour
        lead = f"{shown:02d}" if chance(rng, 0.5) else str(shown)
        return f"{lead}:{minute:02d}{seconds}{pick(rng, (' ', ' ', ''))}{half}"
    return f"{hour:02d}:{minute:02d}{seconds}"


@dataclass(frozen=True)
class Money:
    """Writes amounts, given in cents, in one page's way.

    `sign` is the printed sign or code, or None where the page shows none; `glued` says on which
    side the sign stands when one is shown beside an amount.
    """

    decimal: str
    thousands: str
    sign: str | None
    glued: str
    places: int = 2

    def bare(self, cents: int) -> str:
        """The amount without sign: what the record holds."""
        value = abs(cents)
        whole, part = divmod(value, 100)
        grouped = f"{whole:,}".replace(",", self.thousands)
        minus = "-" if cents < 0 else ""
        if self.places == 0:
            return f"{minus}{grouped}"
        return f"{minus}{grouped}{self.decimal}{part:02d}"

    def signed(self, cents: int) -> str:
        """The amount with the page's sign, where it has one."""
        bare = self.bare(cents)
        if self.sign is None:
            return bare
        joint = "" if self.glued in {"before", "after"} else " "
        before = self.glued in {"before", "before_blank"}
        return f"{self.sign}{joint}{bare}" if before else f"{bare}{joint}{self.sign}"


def money(rng: np.random.Generator, country: Country, shown: float) -> Money:
    """A way of writing amounts in `country`, with a currency shown at odds `shown`."""
    sign: str | None = None
    glued = "before_blank"
    if chance(rng, shown):
        if chance(rng, 0.6):
            sign = pick(rng, country.signs)
            before = country.decimal == "." or chance(rng, 0.25)
            glued = ("before" if chance(rng, 0.7) else "before_blank") if before else "after_blank"
            if not before and chance(rng, 0.3):
                glued = "after"
        else:
            sign = pick(rng, country.codes)
            glued = pick(rng, ("before_blank", "before_blank", "after_blank"))
    return Money(country.decimal, pick(rng, country.thousands), sign, glued)


def phone(rng: np.random.Generator, country: Country) -> str:
    """A telephone number in the country's shape."""
    start = pick(rng, country.phone)
    if start == "(":
        return f"({digits(rng, 3)}) {digits(rng, 3)}-{digits(rng, 4)}"
    middle = pick(rng, ("", "", " ", "-"))
    return f"{start}{digits(rng, int(rng.integers(3, 5)))}{middle}{digits(rng, 4)}"


def tax_number(rng: np.random.Generator, country: str) -> str:
    """A tax number in the country's shape."""
    nine, eleven = digits(rng, 9), digits(rng, 11)
    shapes = {
        "my": digits(rng, 12),
        "de": f"DE{nine}" if chance(rng, 0.8) else f"DE {nine[:3]} {nine[3:6]} {nine[6:]}",
        "at": f"ATU{digits(rng, 8)}",
        "ch": f"CHE-{nine[:3]}.{nine[3:6]}.{nine[6:]}",
        "fr": f"FR{eleven}" if chance(rng, 0.7) else f"FR {eleven[:2]} {nine}",
        "es": f"{letters(rng, 1)}{digits(rng, 8)}",
        "it": f"IT{eleven}" if chance(rng, 0.5) else eleven,
        "nl": f"NL{nine}B0{rng.integers(1, 9)}",
        "pt": f"PT{nine}" if chance(rng, 0.4) else nine,
        "gb": f"GB{nine}" if chance(rng, 0.5) else f"{nine[:3]} {nine[3:7]} {nine[7:]}",
        "us": f"{digits(rng, 2)}-{digits(rng, 7)}",
        "in": f"{digits(rng, 2)}{letters(rng, 5)}{digits(rng, 4)}{letters(rng, 1)}1Z5",
        "au": f"{digits(rng, 2)} {nine[:3]} {nine[3:6]} {nine[6:]}",
    }
    return shapes.get(country, nine)


def iban(rng: np.random.Generator, country: str) -> str:
    """An account number in the shape of an IBAN, in fours or in one run."""
    lengths = {"de": 18, "at": 16, "ch": 17, "fr": 23, "es": 20, "it": 23, "nl": 14, "pt": 21}
    run = f"{country.upper()}{digits(rng, 2)}{digits(rng, lengths.get(country, 18))}"
    if country in {"nl", "gb"}:
        length = 10 if country == "nl" else 14
        run = f"{country.upper()}{digits(rng, 2)}{letters(rng, 4)}{digits(rng, length)}"
    if chance(rng, 0.7):
        return " ".join(run[at : at + 4] for at in range(0, len(run), 4))
    return run

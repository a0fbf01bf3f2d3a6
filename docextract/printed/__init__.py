"""Values as they stand on paper, and what they mean.

The model copies, this code converts: "27 MAY 2018" becomes a date, "(45.00)" a number, "RM" a
currency. It never guesses. What can mean several things is ambiguous unless the rest of the page
decides (`Hints`); what means nothing of its kind is not readable.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from docextract.printed.amounts import amount_readings, number_readings
from docextract.printed.codes import iban_of, tax_id_of
from docextract.printed.currencies import currency_readings
from docextract.printed.dates import date_readings, datetime_readings, read_time
from docextract.printed.hints import NO_HINTS, Hints, gather_hints
from docextract.printed.readings import AmbiguousError, NotReadableError, choose

__all__ = [
    "CONVERTERS",
    "NO_HINTS",
    "AmbiguousError",
    "Hints",
    "Kind",
    "NotReadableError",
    "gather_hints",
    "read_amount",
    "read_boolean",
    "read_currency",
    "read_date",
    "read_datetime",
    "read_float",
    "read_iban",
    "read_integer",
    "read_measure",
    "read_number",
    "read_tax_id",
    "read_text",
    "read_time",
]

Kind = Literal[
    "text",
    "amount",
    "number",
    "float",
    "integer",
    "boolean",
    "date",
    "time",
    "datetime",
    "currency",
    "iban",
    "tax_id",
    "measure",
]
"""What a printed value is to become. `number` drops a unit ("2 pcs"), `measure` keeps it,
`amount` drops a currency."""

_MEASURE = re.compile(r"(?P<number>[-+−(]?[\d.,'’ ]*\d\)?)(?P<unit>\s*[^\d\s].*)?", re.DOTALL)
_YES = ("yes", "y", "true", "x", "✓", "✔", "☑", "☒", "ja", "oui", "sí", "si", "sim", "paid")
_NO = ("no", "n", "false", "☐", "nein", "non", "não", "unpaid")


def read_text(text: str, hints: Hints = NO_HINTS) -> str:
    """The text itself, without blanks around it."""
    return text.strip()


def read_amount(text: str, hints: Hints = NO_HINTS) -> Decimal:
    """An amount of money: "3.038,14", "(45.00)", "RM153.35", "1,234.50-".

    Raises:
        NotReadableError: it is no amount.
        AmbiguousError: "1.234", where nothing tells thousands from decimals.
    """
    return choose(text, amount_readings(text), hints.decimal_mark)


def read_number(text: str, hints: Hints = NO_HINTS) -> Decimal:
    """A number that may carry a unit or a percent sign: "2 pcs", "1,5 kg", "6%" (which is 6).

    Raises:
        NotReadableError: it is no number.
        AmbiguousError: "1.234", where nothing tells thousands from decimals.
    """
    return choose(text, number_readings(text), hints.decimal_mark)


def read_float(text: str, hints: Hints = NO_HINTS) -> float:
    """As `read_number`, for fields that want a float."""
    return float(read_number(text, hints))


def read_integer(text: str, hints: Hints = NO_HINTS) -> int:
    """As `read_number`, among the readings that are whole: "1.234" can only be 1234.

    Raises:
        NotReadableError: it is no whole number.
        AmbiguousError: "2.000", where nothing tells thousands from decimals.
    """
    whole = [r for r in number_readings(text) if r.value == r.value.to_integral_value()]
    if not whole:
        raise NotReadableError(text, "a whole number")
    return int(choose(text, whole, hints.decimal_mark))


def read_boolean(text: str, hints: Hints = NO_HINTS) -> bool:
    """A yes or a no, in words or as a mark in a box.

    Raises:
        NotReadableError: it is neither.
    """
    word = text.strip().strip(".!").casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise NotReadableError(text, "a yes or a no")


def read_date(text: str, hints: Hints = NO_HINTS) -> date:
    """A calendar day: "25/12/2018", "27 MAY 2018", "20180113".

    Raises:
        NotReadableError: it is no date, or one without a year.
        AmbiguousError: "09/01/2019", where nothing tells the day from the month.
    """
    return choose(text, date_readings(text), hints.date_order)


def read_datetime(text: str, hints: Hints = NO_HINTS) -> datetime:
    """A day with its time; errors as in `read_date`."""
    return choose(text, datetime_readings(text), hints.date_order)


def read_currency(text: str, hints: Hints = NO_HINTS) -> str:
    """An ISO 4217 code: "RM" is MYR, "€" is EUR.

    Raises:
        NotReadableError: it names no currency.
        AmbiguousError: "$", where nothing tells whose dollars they are.
    """
    return choose(text, currency_readings(text), hints.currency)


def read_iban(text: str, hints: Hints = NO_HINTS) -> str:
    """An IBAN in its electronic form, without blanks, its check digits right (ISO 13616).

    Raises:
        NotReadableError: it is none.
    """
    return iban_of(text)


def read_tax_id(text: str, hints: Hints = NO_HINTS) -> str:
    """A tax number, without its label: "VAT No. GB 284 5531 07" is GB284553107.

    Raises:
        NotReadableError: it is none.
    """
    return tax_id_of(text)


def read_measure(text: str, hints: Hints = NO_HINTS) -> str:
    """A quantity with its unit, as "number unit": "1,5kg" is "1.5 kg", "12" stays "12".

    Raises:
        NotReadableError: it does not begin with a number.
        AmbiguousError: "1.234 kg", where nothing tells thousands from decimals.
    """
    found = _MEASURE.fullmatch(text.strip())
    if not found:
        raise NotReadableError(text, "a quantity")
    number = read_number(found["number"], hints)
    return f"{number:f} {(found['unit'] or '').strip()}".rstrip()


def _read_time(text: str, hints: Hints) -> object:
    return read_time(text)


CONVERTERS: Mapping[Kind, Callable[[str, Hints], object]] = {
    "text": read_text,
    "amount": read_amount,
    "number": read_number,
    "float": read_float,
    "integer": read_integer,
    "boolean": read_boolean,
    "date": read_date,
    "time": _read_time,
    "datetime": read_datetime,
    "currency": read_currency,
    "iban": read_iban,
    "tax_id": read_tax_id,
    "measure": read_measure,
}
"""One converter for each kind; all may raise NotReadableError, some AmbiguousError."""

"""What the rest of a page says about how its values are written.

Hints settle what one value leaves open: whether "09/01/2019" is in January, whether "1.234" is a
thousand, whose dollars "$" are. Values that leave nothing open come first, then the words of the
page. Hints that contradict each other settle nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from docextract.printed.amounts import COMMA, POINT, amount_readings
from docextract.printed.currencies import SIGN, currency_readings
from docextract.printed.dates import DAY_FIRST, MONTH_FIRST, date_readings
from docextract.printed.readings import NotReadableError, Reading

T = TypeVar("T")


@dataclass(frozen=True)
class Hints:
    """Conventions of a page; None where it says nothing, or contradicts itself."""

    date_order: str | None = None
    decimal_mark: str | None = None
    currency: str | None = None


NO_HINTS = Hints()


class _Custom(NamedTuple):
    """Words that tell a country or a language, and what is customary there."""

    words: re.Pattern[str]
    date_order: str | None = None
    decimal_mark: str | None = None
    currency: str | None = None


def _custom(words: str, *conventions: str | None) -> _Custom:
    return _Custom(re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE), *conventions)


_AMERICAN_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|"
    "NJ|NM|NV|NY|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY|DC"
)

_MALAYSIAN_STATES = (
    "johor|kedah|kelantan|melaka|negeri sembilan|pahang|perak|perlis|pulau pinang|sabah|sarawak|"
    "selangor|terengganu|kuala lumpur|labuan|putrajaya"
)

# Countries, their states, legal forms, tax names, and the words of a language for "street", "shop"
# or "invoice": nothing that names one business or one address.
_CUSTOMS = (
    _custom(rf"malaysia|sdn|bhd|berhad|{_MALAYSIAN_STATES}", DAY_FIRST, POINT, "MYR"),
    _custom(r"jalan|jln|jl|lorong|lrg|taman|tmn|lebuh|persiaran|kampung|bandar", DAY_FIRST),
    _custom(r"seksyen|tingkat|cawangan|restoran|kedai|perniagaan|syarikat|tunai", DAY_FIRST),
    _custom(r"singapore|pte\.? ltd", DAY_FIRST, POINT, "SGD"),
    _custom(r"indonesia", DAY_FIRST, COMMA, "IDR"),
    _custom(r"india|gstin|pvt\.? ltd", DAY_FIRST, POINT, "INR"),
    _custom(r"australia|pty\.? ltd", DAY_FIRST, POINT, "AUD"),
    _custom(r"new zealand", DAY_FIRST, POINT, "NZD"),
    _custom(r"hong kong", DAY_FIRST, POINT, "HKD"),
    _custom(r"united kingdom|great britain|england|scotland|wales|plc", DAY_FIRST, POINT, "GBP"),
    _custom(r"ireland", DAY_FIRST, POINT, "EUR"),
    _custom(r"vat", DAY_FIRST),
    _custom(r"deutschland|germany|österreich|austria|ust-?id(?:nr)?", DAY_FIRST, COMMA, "EUR"),
    _custom(r"gmbh|mwst|\w*stra(?:ß|ss)e|rechnung|quittung", DAY_FIRST),
    _custom(r"schweiz|suisse|svizzera|switzerland", DAY_FIRST, POINT, "CHF"),
    _custom(r"france|siret", DAY_FIRST, COMMA, "EUR"),
    _custom(r"tva|facture|rue|sarl", DAY_FIRST),
    _custom(r"italia|italy|s\.r\.l\.?|partita iva", DAY_FIRST, COMMA, "EUR"),
    _custom(r"españa|spain", DAY_FIRST, COMMA, "EUR"),
    _custom(r"factura|calle|avenida|rua", DAY_FIRST),
    _custom(r"portugal", DAY_FIRST, COMMA, "EUR"),
    _custom(r"nederland|netherlands|belgië|belgique|belgium|btw", DAY_FIRST, COMMA, "EUR"),
    _custom(r"brasil|brazil|cnpj", DAY_FIRST, COMMA, "BRL"),
    _custom(r"polska|poland", DAY_FIRST, COMMA, "PLN"),
    _custom(r"danmark|denmark", DAY_FIRST, COMMA, "DKK"),
    _custom(r"norge|norway", DAY_FIRST, COMMA, "NOK"),
    _custom(r"sverige|sweden", None, COMMA, "SEK"),
    _custom(r"canada", None, None, "CAD"),
    _custom(r"usa|u\.s\.a\.?|united states(?: of america)?", MONTH_FIRST, POINT, "USD"),
    _custom(rf"(?-i:(?:{_AMERICAN_STATES}),? \d{{5}}(?:-\d{{4}})?)", MONTH_FIRST, POINT, "USD"),
    _custom(r"sales tax|llc", MONTH_FIRST, POINT),
)

# Currencies of places that agree on a custom. Dollars and euros of an invoice may come from
# anywhere, so a euro says nothing of the decimal mark, and a dollar nothing at all.
_DAY_FIRST_CURRENCIES = "MYR SGD INR AUD NZD GBP EUR CHF BRL PLN CZK DKK NOK IDR"
_POINT_CURRENCIES = "MYR SGD INR AUD NZD GBP USD HKD CHF JPY CNY THB"
_COMMA_CURRENCIES = "BRL PLN CZK DKK NOK SEK IDR"

_SIGNED = re.compile(
    rf"(?<![^\W_])(?P<before>{SIGN})\.? ?\d|\d ?(?P<after>{SIGN})(?![^\W_])", re.IGNORECASE
)


def gather_hints(
    amounts: Iterable[str] = (),
    dates: Iterable[str] = (),
    currencies: Iterable[str] = (),
    words: Iterable[str] = (),
) -> Hints:
    """Ask a page's printed amounts, dates, currencies and other words for its conventions."""
    amounts = list(amounts)
    page = "\n".join(words)
    customs = [custom for custom in _CUSTOMS if custom.words.search(page)]
    signs = [
        match["before"] or match["after"] for text in amounts for match in _SIGNED.finditer(text)
    ]
    currency = _agreed(_sure(currency_readings, [*currencies, *signs], _value)) or _agreed(
        custom.currency for custom in customs
    )
    return Hints(
        date_order=_agreed(_sure(date_readings, dates, _convention))
        or _agreed(custom.date_order for custom in customs)
        or _if_among(_DAY_FIRST_CURRENCIES, currency, DAY_FIRST),
        decimal_mark=_agreed(_sure(amount_readings, amounts, _convention))
        or _agreed(custom.decimal_mark for custom in customs)
        or _if_among(_POINT_CURRENCIES, currency, POINT)
        or _if_among(_COMMA_CURRENCIES, currency, COMMA),
        currency=currency,
    )


def _if_among(codes: str, currency: str | None, convention: str) -> str | None:
    return convention if currency and currency in codes.split() else None


def _sure(
    readings_of: Callable[[str], list[Reading[T]]],
    texts: Iterable[str],
    tell: Callable[[Reading[T]], str],
) -> Iterable[str]:
    """What the texts with exactly one reading tell."""
    for text in texts:
        try:
            readings = readings_of(text)
        except NotReadableError:
            continue
        if len(readings) == 1:
            yield tell(readings[0])


def _value(reading: Reading[str]) -> str:
    return reading.value


def _convention(reading: Reading[T]) -> str:
    return reading.convention


def _agreed(votes: Iterable[str | None]) -> str | None:
    opinions = {vote for vote in votes if vote}
    return opinions.pop() if len(opinions) == 1 else None

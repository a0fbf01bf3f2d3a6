"""Field types for schemas: amounts, dates and codes, accepted as printed.

    from pydantic import BaseModel
    from docextract.types import Money, PrintedDate

    class Ticket(BaseModel):
        total: Money
        date: PrintedDate | None = None

Each takes the normalised value too, so that a record's JSON loads into its model again. A text
that can mean several things is refused, unless `extract` finds on the page what decides.
"""

import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from docextract.printed import (
    read_amount,
    read_currency,
    read_date,
    read_iban,
    read_measure,
    read_number,
    read_tax_id,
    read_time,
)

_PLAIN_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def _decimal(read: Callable[[str], Decimal]) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str):
            return value
        return Decimal(value) if _PLAIN_DECIMAL.fullmatch(value) else read(value)

    return BeforeValidator(validate)


def _printed(read: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _measure(value: object) -> object:
    if not isinstance(value, str) or _PLAIN_DECIMAL.fullmatch(value.split(" ")[0]):
        return value
    return read_measure(value)


def clock(value: time) -> str:
    """A time as JSON has it: seconds only where there are any."""
    return value.isoformat("seconds" if value.second else "minutes")


def _named(format: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": format})


Money = Annotated[Decimal, _decimal(read_amount), _named("money")]
"""An amount of money: "3.038,14", "(45.00)", "RM153.35". A string in JSON: "153.35"."""

Quantity = Annotated[Decimal, _decimal(read_number), _named("quantity")]
"""A number that may carry a unit: "2", "1,5 kg", "6%". A string in JSON."""

PrintedDate = Annotated[date, _printed(read_date)]
"""A calendar day: "25/12/2018", "27 MAY 2018". ISO 8601 in JSON: "2018-12-25"."""

PrintedTime = Annotated[
    time, _printed(read_time), PlainSerializer(clock, return_type=str, when_used="json")
]
"""A time of day: "8:13 PM". ISO 8601 in JSON: "20:13", with seconds where they are not zero."""

Currency = Annotated[str, _printed(read_currency), _named("currency")]
"""A currency: "RM", "€", "USD". ISO 4217 in JSON: "MYR"."""

Iban = Annotated[str, _printed(read_iban), _named("iban")]
"""A bank account (ISO 13616), its check digits right, without blanks."""

TaxId = Annotated[str, _printed(read_tax_id), _named("tax-id")]
"""A tax number: "VAT No. GB 284 5531 07" is "GB284553107"; one without a country stays as it is."""

Measure = Annotated[str, BeforeValidator(_measure), _named("measure")]
"""A quantity with its unit: "1,5kg" is "1.5 kg"."""

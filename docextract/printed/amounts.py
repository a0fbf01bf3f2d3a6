"""Printed numbers: "3.038,14", "1'234.50", "(45.00)", "RM153.35", "1,234.50-"."""

import re
import unicodedata
from decimal import Decimal

from docextract.printed.currencies import SIGN
from docextract.printed.readings import NotReadableError, Reading

POINT, COMMA = ".", ","

_MAX_LENGTH = 64
_SAME = str.maketrans({"−": "-", "–": "-", "—": "-", "’": "'", "‘": "'", "`": "'", "´": "'"})
_SPACES = re.compile(r"\s+")
# Letters and marks that tills print behind an amount: tax codes, and stars against alteration.
_TILL_MARKS = re.compile(r"(?:^[*:]+\s*)|(?:\s*[*#]+$)|(?:(?<=\d)\s+(?:SR|ZR|S|Z|T)$)")
_CURRENCY = re.compile(rf"^(?:{SIGN})(?![^\W\d_])\.?\s*|(?<![^\W\d_])(?:{SIGN})\.?$", re.IGNORECASE)
_UNIT = re.compile(r"^[x×]\s*|\s*(?:[x×@]|[^\W\d_]{1,8}\.?[²³]?)$", re.IGNORECASE)
_NO_CENTS = re.compile(r"(?<=\d)[.,]-{1,2}$")
_NUMBER = re.compile(r"[\d.,' ]*\d[.,]?")
_WHOLE = re.compile(r"\d+|\d{1,3}(?:(?P<mark>[.,' ])\d{3})(?:(?P=mark)\d{3})*")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")


def amount_readings(text: str) -> list[Reading[Decimal]]:
    """The numbers that a printed amount can mean; its currency is dropped, its sign kept.

    The convention of a reading is its decimal mark, where the text shows one. Two readings come
    back for one mark before three digits: "1.234" is 1234 or 1.234.

    Raises:
        NotReadableError: it is no amount.
    """
    digits, negative = _bare(text, _CURRENCY)
    return _signed(_number_readings(digits, text, "an amount"), negative)


def number_readings(text: str) -> list[Reading[Decimal]]:
    """As `amount_readings`, where a unit or a percent sign may follow: "2 pcs", "1,5 kg", "6%".

    Raises:
        NotReadableError: it is no number.
    """
    digits, negative = _bare(text, _CURRENCY)
    if digits.endswith("%"):
        digits = digits[:-1].rstrip()
    if not _NUMBER.fullmatch(digits):
        digits = _UNIT.sub("", digits).strip()
    return _signed(_number_readings(digits, text, "a number"), negative)


def _bare(text: str, affix: re.Pattern[str]) -> tuple[str, bool]:
    """The digits and marks of `text` without sign and currency, and whether it is negative."""
    if len(text) > _MAX_LENGTH:
        raise NotReadableError(text[:_MAX_LENGTH] + "…", "an amount")
    bare = _SPACES.sub(" ", _half_width(text).translate(_SAME)).strip()
    bare = _NO_CENTS.sub("", _TILL_MARKS.sub("", bare))
    signs = 0
    # Signs and currencies come in any order: "-RM5.00", "RM-5.00", "$(45.00)", "(RM45.00)".
    while True:
        before = bare
        bare = affix.sub("", bare).strip()
        if bare.startswith("(") and bare.endswith(")"):
            bare, signs = bare[1:-1].strip(), signs + 1
        elif bare.startswith("-"):
            bare, signs = bare[1:].strip(), signs + 1
        elif bare.endswith("-"):
            bare, signs = bare[:-1].strip(), signs + 1
        elif bare.startswith("+"):
            bare = bare[1:].strip()
        if bare == before:
            break
    if signs > 1:
        raise NotReadableError(text, "an amount")
    return bare, signs == 1


def _half_width(text: str) -> str:
    # Not NFKC on everything: it would make 995 of a price printed as 9⁹⁵.
    return "".join(
        unicodedata.normalize("NFKC", letter)
        if unicodedata.east_asian_width(letter) == "F"
        else letter
        for letter in text
    )


def _signed(readings: list[Reading[Decimal]], negative: bool) -> list[Reading[Decimal]]:
    if not negative:
        return readings
    return [Reading(-reading.value, reading.convention) for reading in readings]


def _number_readings(digits: str, text: str, kind: str) -> list[Reading[Decimal]]:
    if not digits.isascii() or not _NUMBER.fullmatch(digits):
        raise NotReadableError(text, kind)
    readings = [
        Reading(value, mark)
        for mark in (POINT, COMMA)
        if (value := _with_decimal_mark(digits, mark)) is not None
    ]
    if not readings:
        raise NotReadableError(text, kind)
    if len(readings) == 2 and readings[0].value == readings[1].value:
        return [Reading(readings[0].value)]
    return readings


def _with_decimal_mark(digits: str, mark: str) -> Decimal | None:
    """The number if `mark` separates its decimals, or None if the text cannot be read so."""
    whole, separator, decimals = digits.rstrip(mark).rpartition(mark)
    if not separator:
        whole, decimals = decimals, ""
    if whole == "" and separator:
        whole = "0"
    if decimals and not decimals.isdigit():
        return None
    grouped = _WHOLE.fullmatch(whole)
    if grouped and grouped["mark"] == mark:
        return None
    if not grouped and not (mark == POINT and _INDIAN.fullmatch(whole)):
        return None
    if whole.startswith("0") and grouped and grouped["mark"]:
        return None
    plain = re.sub(r"\D", "", whole)
    return Decimal(f"{plain}.{decimals}" if decimals else plain)

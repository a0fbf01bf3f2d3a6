"""Currency signs, codes and names, to ISO 4217."""

import re

from docextract.printed.readings import NotReadableError, Reading

_ISO_4217 = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL
    GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF
    KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH
    UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """
CODES = frozenset(_ISO_4217.split())

_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP")
_SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₫": ("VND",),
    "₱": ("PHP",),
    "₽": ("RUB",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₦": ("NGN",),
    "฿": ("THB",),
    "¥": ("JPY", "CNY"),
    "$": _DOLLARS,
    "us$": ("USD",),
    "ca$": ("CAD",),
    "c$": ("CAD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "nz$": ("NZD",),
    "s$": ("SGD",),
    "hk$": ("HKD",),
    "nt$": ("TWD",),
    "mx$": ("MXN",),
    "r$": ("BRL",),
    "rm": ("MYR",),
    "r": ("ZAR",),
    "rp": ("IDR",),
    "rs": ("INR", "PKR", "LKR", "NPR"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "euro": ("EUR",),
    "euros": ("EUR",),
    "dollar": _DOLLARS,
    "dollars": _DOLLARS,
    "pounds": ("GBP",),
    "ringgit": ("MYR",),
    "yen": ("JPY",),
}

SIGN = "|".join(
    re.escape(sign) for sign in sorted([*_SIGNS, *CODES], key=lambda sign: (-len(sign), sign))
)
"""A regular expression (to be used without case) of all that names a currency."""


def currency_readings(text: str) -> list[Reading[str]]:
    """The ISO 4217 codes that `text` can stand for.

    Raises:
        NotReadableError: it names no currency.
    """
    token = text.strip().strip(".:()").strip()
    if token.upper() in CODES:
        return [Reading(token.upper())]
    if codes := _SIGNS.get(token.casefold()):
        return [Reading(code, convention=code) for code in codes]
    raise NotReadableError(text, "a currency")

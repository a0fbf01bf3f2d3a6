"""Printed identifiers: bank accounts and tax numbers."""

import re

from docextract.printed.readings import NotReadableError

_IBAN_LABEL = re.compile(r"^iban\W*", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_AFTER_LABEL = re.compile(r"\D*?(?P<number>(?:\b[A-Z]{2,4}[ -]?)?\d.*)", re.DOTALL)
_VAT = re.compile(r"(?!\d)[A-Z]{2}[0-9A-Z+*]{2,13}", re.ASCII)
_TAX_NUMBER = re.compile(r"[0-9A-Z][0-9A-Z./ -]{3,28}[0-9A-Z]", re.ASCII)
_FEWEST_DIGITS = 5


def iban_of(text: str) -> str:
    """An IBAN in its electronic form, without blanks, its check digits right (ISO 13616).

    Raises:
        NotReadableError: it is none.
    """
    iban = re.sub(r"[\s.-]", "", _IBAN_LABEL.sub("", text.strip())).upper()
    if _IBAN.fullmatch(iban):
        digits = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
        if int(digits) % 97 == 1:
            return iban
    raise NotReadableError(text, "an IBAN with right check digits")


def tax_id_of(text: str) -> str:
    """A tax number: one with its country in front without blanks, any other as it is printed.

    "DE 123 456 789" is DE123456789, "12/345/67890" stays. A label before it is dropped. Check
    digits are not looked at: every country has its own, and some have none.

    Raises:
        NotReadableError: it has fewer than five digits, or letters that no tax number has.
    """
    found = _AFTER_LABEL.fullmatch(text.strip())
    bare = found["number"].strip(" .:").upper() if found else ""
    joined = re.sub(r"[\s.\-/]", "", bare)
    if sum(letter.isdigit() for letter in joined) >= _FEWEST_DIGITS:
        if _VAT.fullmatch(joined):
            return joined
        if _TAX_NUMBER.fullmatch(bare):
            return " ".join(bare.split())
    raise NotReadableError(text, "a tax number")

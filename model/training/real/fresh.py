"""New values in the manner of the old ones."""

import re
import string
from dataclasses import dataclass

import numpy as np

from training.synthetic.parties import address, company
from training.synthetic.values import COUNTRIES, chance, pick, some_day, write_date, write_time
from training.synthetic.words import Words

_DAY = re.compile(r"(\d{1,4})([-/. ]+)(\d{1,2})([-/. ]+)(\d{2,4})")
_AMOUNT = re.compile(r"(.*?)(\d[\d.,' ]*[.,]\d\d|\d+)(\D*)")
AMOUNTS = ("total", "subtotal", "net_total", "tax_total")
DATES = ("date", "issue_date", "due_date")
NAMES = ("merchant_name", "seller_name", "buyer_name")
CODES = ("invoice_number", "seller_tax_id", "iban")


@dataclass(frozen=True)
class Fresh:
    """Makes values; `home` is the country whose manner most of them follow."""

    words: Words
    home: str

    def value(
        self,
        rng: np.random.Generator,
        key: str,
        old: str,
        printed: str,
        parts: int,
        free: bool,
    ) -> list[str]:
        """Another value for `key`, in as many parts as the old one had lines.

        `printed` is how the page had it, without blanks; it decides about capitals. `free` allows
        another form and another length.
        """
        if key in AMOUNTS:
            return [amount(rng, old, free)]
        if key in DATES:
            return [self._date(rng, old, free)]
        if key in CODES:
            return [shuffled(rng, old)]
        if key == "time":
            return [write_time(rng, COUNTRIES["my"]) if free else shuffled_time(rng, old)]
        country = self.home if chance(rng, 0.7) else pick(rng, sorted(COUNTRIES))
        for _ in range(8):
            if key in NAMES:
                new = company(rng, self.words, country)
            else:
                new = " ".join(address(rng, self.words, country))
            new = like_case(new, printed)
            if 0.6 <= len(new) / len(old) <= 1.35 and len(new.split()) >= parts:
                break
        return split(new, parts)

    def phrase(self, rng: np.random.Generator, old: str) -> str:
        """Words about as long as `old`."""
        new = self.words.word(rng)
        while len(new) < len(old) - 4:
            new += " " + self.words.word(rng)
        return like_case(new, old)

    def _date(self, rng: np.random.Generator, old: str, free: bool) -> str:
        day = some_day(rng)
        match = _DAY.fullmatch(old.strip())
        if match is None or (free and chance(rng, 0.25)):
            return like_case(write_date(rng, day, COUNTRIES[self.home]), old)
        first, joint, second, other, last = match.groups()
        if len(first) == 4:
            numbers = f"{day.year}", f"{day.month:0{len(second)}}", f"{day.day:0{len(last)}}"
        else:
            one, two = (day.month, day.day) if int(second) > 12 else (day.day, day.month)
            year = f"{day.year}"[-len(last) :]
            numbers = f"{one:0{len(first)}}", f"{two:0{len(second)}}", year
        return joint.join(numbers[:2]) + other + numbers[2]


def amount(rng: np.random.Generator, old: str, free: bool) -> str:
    """Another amount: signs, decimal mark and grouping as in `old`."""
    match = _AMOUNT.fullmatch(old)
    if match is None:
        return shuffled(rng, old)
    before, figure, after = match.groups()
    if len(figure) < 4:
        return shuffled(rng, old)
    mark = figure[-3]
    whole = sum(letter.isdigit() for letter in figure[:-3])
    if free and chance(rng, 0.5):
        whole = int(np.clip(whole + rng.integers(-1, 2), 1, 5))
    cents = int(rng.integers(10 ** (whole + 1) if whole > 1 else 0, 10 ** (whole + 2)))
    grouped = f"{cents // 100:,}"
    gaps = [letter for letter in figure[:-3] if not letter.isdigit()]
    grouping = gaps[0] if gaps else ("," if mark == "." else ".") if whole > 3 and free else ""
    return f"{before}{grouped.replace(',', grouping)}{mark}{cents % 100:02d}{after}"


def shuffled(rng: np.random.Generator, old: str) -> str:
    """Other digits, and mostly other capitals, in the same pattern."""
    others = chance(rng, 0.5)

    def swap(letter: str) -> str:
        if letter.isdigit():
            return str(rng.integers(0, 10))
        if others and letter in string.ascii_uppercase:
            return string.ascii_uppercase[int(rng.integers(26))]
        return letter

    return "".join(map(swap, old))


def shuffled_time(rng: np.random.Generator, old: str) -> str:
    """Other minutes and seconds."""
    return re.sub(r":\d\d", lambda _: f":{rng.integers(0, 60):02d}", old)


def like_case(new: str, old: str) -> str:
    """`new` in capitals where `old` holds no small letters."""
    return new.upper() if old == old.upper() else new


def split(text: str, parts: int) -> list[str]:
    """`text` in `parts` lines of about one length, broken at blanks."""
    words = text.split()
    lines: list[str] = []
    for left in range(parts, 0, -1):
        goal = len(" ".join(words)) / left
        take = 1
        while len(words) - take > left - 1 and len(" ".join(words[: take + 1])) <= goal + 3:
            take += 1
        if left == 1:
            take = len(words)
        lines.append(" ".join(words[:take]))
        words = words[take:]
    return lines

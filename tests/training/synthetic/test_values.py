import re
from datetime import date

import numpy as np
import pytest

from training.synthetic.values import COUNTRIES, Money, write_date, write_time


@pytest.mark.parametrize(
    ("how", "cents", "bare", "signed"),
    [
        (Money(".", ",", "RM", "before"), 123456, "1,234.56", "RM1,234.56"),
        (Money(".", ",", "$", "before_blank"), 5, "0.05", "$ 0.05"),
        (Money(",", ".", "€", "after_blank"), 123456789, "1.234.567,89", "1.234.567,89 €"),
        (Money(",", " ", "EUR", "after"), -150000, "-1 500,00", "-1 500,00EUR"),
        (Money(",", "", None, "before"), 99, "0,99", "0,99"),
    ],
)
def test_amounts(how: Money, cents: int, bare: str, signed: str) -> None:
    assert how.bare(cents) == bare
    assert how.signed(cents) == signed


@pytest.mark.parametrize("where", COUNTRIES)
def test_a_date_names_its_day_and_year(where: str) -> None:
    for seed in range(40):
        text = write_date(np.random.default_rng(seed), date(2018, 3, 27), COUNTRIES[where])
        assert "27" in text and "18" in text, text


def test_times_are_on_the_clock() -> None:
    for seed in range(100):
        text = write_time(np.random.default_rng(seed), COUNTRIES["my"])
        found = re.fullmatch(r"(\d{1,2}):(\d\d)(:\d\d)? ?([AaPp][Mm])?", text)
        assert found, text
        assert int(found[1]) <= (12 if found[4] else 23) and int(found[2]) < 60

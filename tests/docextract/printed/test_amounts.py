from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.printed import (
    AmbiguousError,
    Hints,
    NotReadableError,
    read_amount,
    read_float,
    read_integer,
    read_number,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.038,14", "3038.14"),
        ("3 038,14 EUR", "3038.14"),
        ("1'234.50", "1234.50"),
        ("1’234.50", "1234.50"),
        ("(45.00)", "-45.00"),
        ("$(45.00)", "-45.00"),
        ("(RM45.00)", "-45.00"),
        ("RM153.35", "153.35"),
        ("RM 153.35", "153.35"),
        ("$10.70", "10.70"),
        ("-$9.99", "-9.99"),
        ("RM-5.00", "-5.00"),
        ("1,234.50-", "-1234.50"),
        ("−12,00 €", "-12.00"),
        ("2,34", "2.34"),
        ("12,5", "12.5"),
        ("1.234.567", "1234567"),
        ("1,234,567.89", "1234567.89"),
        ("1,23,456.00", "123456.00"),
        ("0,123", "0.123"),
        ("1234.567", "1234.567"),
        (".50", "0.50"),
        ("45,-", "45"),
        ("CHF 45.–", "45"),
        ("kr 12,50", "12.50"),
        ("10.60 SR", "10.60"),
        ("*12.00", "12.00"),
        ("9.00", "9.00"),
        ("１２.５０", "12.50"),
    ],
)
def test_an_amount_keeps_its_sign_and_its_decimals(text: str, value: str) -> None:
    assert str(read_amount(text)) == value


@pytest.mark.parametrize(
    "text",
    ["", "abc", "12.03.24", "9⁹⁵", "5 K", "12 34", "1,234,56", "--5", "(-5)", "6%", "2 pcs"]
    + ["9" * 100],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotReadableError):
        read_amount(text)


@pytest.mark.parametrize(("text", "thousands"), [("1.234", ","), ("RM 1,234", ".")])
def test_one_mark_before_three_digits_is_ambiguous_until_the_page_decides(
    text: str, thousands: str
) -> None:
    with pytest.raises(AmbiguousError, match=r"may be .* or"):
        read_amount(text)
    assert read_amount(text, Hints(decimal_mark=thousands)) == 1234
    other = "," if thousands == "." else "."
    assert read_amount(text, Hints(decimal_mark=other)) == Decimal("1.234")


@pytest.mark.parametrize(
    ("text", "value"),
    [("2 pcs", "2"), ("1,5 kg", "1.5"), ("6%", "6"), ("x2", "2"), ("2 x", "2"), ("3.5 m²", "3.5")],
)
def test_a_number_may_carry_a_unit(text: str, value: str) -> None:
    assert str(read_number(text)) == value
    assert read_float(text) == float(value)


def test_an_integer_takes_the_whole_reading() -> None:
    assert read_integer("1.234") == 1234
    with pytest.raises(NotReadableError, match="whole"):
        read_integer("2.5")
    with pytest.raises(AmbiguousError):
        read_integer("2.000")


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_any_amount_survives_every_custom(amount: Decimal) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    swiss = english.replace(",", "'")
    french = german.replace(".", " ")
    for printed in (english, german, swiss, french, f"{amount:.2f}", f"€{english}"):
        assert read_amount(printed) == amount


@given(st.text(alphabet="0123456789.,' -+()RM$€%xk", max_size=20) | st.text(max_size=80))
def test_any_text_is_an_amount_or_a_typed_error(text: str) -> None:
    for read in (read_amount, read_number, read_integer):
        try:
            value = read(text)
        except (NotReadableError, AmbiguousError):
            continue
        digits = [letter for letter in text if letter.isdigit()]
        assert digits and Decimal(value).is_finite()

import pytest

from docextract.printed import AmbiguousError, Hints, NotReadableError, read_currency


@pytest.mark.parametrize(
    ("text", "code"),
    [("RM", "MYR"), ("€", "EUR"), ("£", "GBP"), ("eur", "EUR"), ("(USD)", "USD"), ("S$", "SGD")],
)
def test_a_sign_or_code_becomes_iso_4217(text: str, code: str) -> None:
    assert read_currency(text) == code


def test_dollars_are_ambiguous_until_the_page_decides() -> None:
    with pytest.raises(AmbiguousError):
        read_currency("$")
    assert read_currency("$", Hints(currency="CAD")) == "CAD"
    with pytest.raises(AmbiguousError):
        read_currency("$", Hints(currency="EUR"))


@pytest.mark.parametrize("text", ["", "XYZ", "12.00", "money"])
def test_what_names_no_currency_is_refused(text: str) -> None:
    with pytest.raises(NotReadableError):
        read_currency(text)

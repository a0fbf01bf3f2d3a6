import pytest

from docextract.printed import NotReadableError, read_iban, read_tax_id


@pytest.mark.parametrize("text", ["DE02 1203 0000 0000 2020 51", "IBAN: de02120300000000202051"])
def test_an_iban_is_written_without_blanks(text: str) -> None:
    assert read_iban(text) == "DE02120300000000202051"


@pytest.mark.parametrize("text", ["DE03 1203 0000 0000 2020 51", "DE02", "120300000000202051"])
def test_an_iban_has_right_check_digits(text: str) -> None:
    with pytest.raises(NotReadableError, match="right check digits"):
        read_iban(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("GB 284 5531 07", "GB284553107"),
        ("USt-IdNr.: DE 123 456 789", "DE123456789"),
        ("VAT No GB123456789", "GB123456789"),
        ("ATU12345678", "ATU12345678"),
        ("ESX1234567X", "ESX1234567X"),
        ("NL123456789B01", "NL123456789B01"),
        ("Steuernummer 201/113/40209", "201/113/40209"),
        ("GST ID : 000750673408", "000750673408"),
        ("12-3456789", "12-3456789"),
    ],
)
def test_a_tax_number_loses_its_label_and_behind_a_country_its_blanks(
    text: str, number: str
) -> None:
    assert read_tax_id(text) == number
    assert read_tax_id(number) == number


@pytest.mark.parametrize("text", ["Acme GmbH", "VAT 20", "", "DE 12?456?789!"])
def test_what_has_no_number_is_no_tax_number(text: str) -> None:
    with pytest.raises(NotReadableError):
        read_tax_id(text)

import typing

import pytest

from docextract.printed import CONVERTERS, Kind, NotReadableError, read_boolean, read_iban


def test_every_kind_has_a_converter() -> None:
    assert set(CONVERTERS) == set(typing.get_args(Kind))


def test_an_iban_loses_its_blanks_and_keeps_its_check_digits() -> None:
    assert read_iban("IBAN: DE02 1203 0000 0000 2020 51") == "DE02120300000000202051"
    with pytest.raises(NotReadableError):
        read_iban("DE03 1203 0000 0000 2020 51")


def test_a_yes_and_a_no() -> None:
    assert read_boolean("Yes") is True
    assert read_boolean("nein") is False
    with pytest.raises(NotReadableError):
        read_boolean("perhaps")

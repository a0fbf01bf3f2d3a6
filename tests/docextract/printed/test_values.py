import typing

import pytest

from docextract.printed import (
    CONVERTERS,
    AmbiguousError,
    Kind,
    NotReadableError,
    read_boolean,
    read_measure,
)


def test_every_kind_has_a_converter() -> None:
    assert set(CONVERTERS) == set(typing.get_args(Kind))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,5kg", "1.5 kg"), ("12", "12"), ("1 250 kWh", "1250 kWh"), ("3 m³", "3 m³")],
)
def test_a_measure_keeps_its_unit(text: str, value: str) -> None:
    assert read_measure(text) == value


def test_a_measure_begins_with_a_number() -> None:
    with pytest.raises(NotReadableError):
        read_measure("kg")
    with pytest.raises(AmbiguousError):
        read_measure("1.234 kg")


def test_a_yes_and_a_no() -> None:
    assert read_boolean("Yes") is True
    assert read_boolean("nein") is False
    with pytest.raises(NotReadableError):
        read_boolean("perhaps")

from datetime import date, time
from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from docextract.types import (
    Currency,
    Iban,
    Measure,
    Money,
    PrintedDate,
    PrintedTime,
    Quantity,
    TaxId,
)


class Everything(BaseModel):
    total: Money | None = None
    quantity: Quantity | None = None
    day: PrintedDate | None = None
    clock: PrintedTime | None = None
    currency: Currency | None = None
    account: Iban | None = None
    taxpayer: TaxId | None = None
    weight: Measure | None = None


PRINTED = Everything.model_validate(
    {
        "total": "3.038,14 €",
        "quantity": "2 pcs",
        "day": "27 MAY 2018",
        "clock": "8:13 PM",
        "currency": "RM",
        "account": "DE02 1203 0000 0000 2020 51",
        "taxpayer": "VAT No. GB 284 5531 07",
        "weight": "1,25kg",
    }
)


def test_types_take_what_is_printed() -> None:
    assert (
        Everything(
            total=Decimal("3038.14"),
            quantity=Decimal(2),
            day=date(2018, 5, 27),
            clock=time(20, 13),
            currency="MYR",
            account="DE02120300000000202051",
            taxpayer="GB284553107",
            weight="1.25 kg",
        )
        == PRINTED
    )


def test_their_json_is_normalised_and_loads_again() -> None:
    assert PRINTED.model_dump(mode="json") == {
        "total": "3038.14",
        "quantity": "2",
        "day": "2018-05-27",
        "clock": "20:13",
        "currency": "MYR",
        "account": "DE02120300000000202051",
        "taxpayer": "GB284553107",
        "weight": "1.25 kg",
    }
    assert Everything.model_validate_json(PRINTED.model_dump_json()) == PRINTED


def test_a_plain_decimal_string_is_what_json_means_by_it() -> None:
    assert Everything.model_validate({"total": "1.234"}).total == Decimal("1.234")
    assert Everything.model_validate({"weight": "1.234 kg"}).weight == "1.234 kg"


@pytest.mark.parametrize(
    "values",
    [
        {"total": "1,234"},
        {"day": "01/02/2019"},
        {"currency": "$"},
        {"total": "free"},
        {"weight": "1,234 kg"},
        {"taxpayer": "none"},
    ],
)
def test_what_is_ambiguous_or_nothing_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Everything.model_validate(values)

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.rules import Rule, Verdict, adds_up, either, in_order, multiplies

CENTS = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2))
ROWS = adds_up("rows.*.price", to="net")


def judged(rule: Rule, **values: object) -> list[Verdict]:
    return list(rule.judge({path.replace("__", "."): value for path, value in values.items()}))


def outcomes(rule: Rule, **values: object) -> list[bool]:
    return [verdict.passed for verdict in judged(rule, **values)]


@given(st.lists(CENTS, min_size=1, max_size=20), CENTS)
def test_rows_sum_to_their_total_and_to_nothing_else(prices: list[Decimal], off: Decimal) -> None:
    rows = {f"rows__{number}__price": price for number, price in enumerate(prices)}
    assert outcomes(ROWS, **rows, net=sum(prices)) == [True]
    assert outcomes(ROWS, **rows, net=sum(prices) + off) == [abs(off) <= Decimal("0.02")]


@given(CENTS, CENTS)
def test_net_and_tax_make_the_total(net: Decimal, tax: Decimal) -> None:
    rule = adds_up("net", "tax", to="total")
    assert outcomes(rule, net=net, tax=tax, total=net + tax) == [True]
    assert outcomes(rule, net=net, tax=tax, total=net + tax + 1) == [False]


def test_a_verdict_names_what_is_wrong() -> None:
    [verdict] = judged(
        adds_up("net", "tax", to="total"),
        net=Decimal("100.00"),
        tax=Decimal(19),
        total=Decimal(118),
    )
    assert verdict == Verdict(
        "adds_up",
        "total",
        ("net", "tax", "total"),
        False,
        "net + tax is 119.00, total is 118",
    )
    [verdict] = judged(ROWS, rows__0__price=Decimal(1), rows__1__price=Decimal(2), net=Decimal(4))
    assert verdict.message == "rows.*.price is 3, net is 4"
    assert verdict.involved == ("rows.0.price", "rows.1.price", "net")


@pytest.mark.parametrize(
    "values",
    [
        {"net": Decimal(3)},
        {"rows__0__price": Decimal(3), "net": None},
        {"rows__0__price": Decimal(3), "rows__1__price": None, "net": Decimal(3)},
        {"rows__0__price": "3", "net": Decimal(3)},
    ],
    ids=["no rows", "no total", "a row without its price", "no number"],
)
def test_what_is_absent_breaks_nothing(values: dict[str, object]) -> None:
    assert judged(ROWS, **values) == []


def test_rows_are_judged_one_by_one_where_the_target_is_a_row() -> None:
    rule = multiplies("rows.*.count", "rows.*.each", to="rows.*.price")
    found = judged(
        rule,
        rows__0__count=Decimal(2),
        rows__0__each=Decimal("1.50"),
        rows__0__price=Decimal("3.00"),
        rows__1__count=Decimal(2),
        rows__1__each=Decimal("1.50"),
        rows__1__price=Decimal("4.00"),
        rows__2__count=None,
        rows__2__each=Decimal(1),
        rows__2__price=Decimal(1),
    )
    assert [(verdict.path, verdict.passed) for verdict in found] == [
        ("rows.0.price", True),
        ("rows.1.price", False),
    ]
    assert found[1].message == "rows.1.count x rows.1.each is 3.00, rows.1.price is 4.00"


@pytest.mark.parametrize(
    ("count", "each", "price", "held"),
    [
        ("3", "0.33", "1.00", True),  # a third, printed with two places
        ("3", "0.33", "1.02", False),
        ("1.234", "5.00", "6.17", True),
        ("2", "5", "10.5", False),
    ],
)
def test_a_printed_factor_stands_for_what_is_rounded_to_it(
    count: str, each: str, price: str, held: bool
) -> None:
    rule = multiplies("count", "each", to="price")
    values = {"count": Decimal(count), "each": Decimal(each), "price": Decimal(price)}
    assert outcomes(rule, **values) == [held]


def test_dates_stand_in_order() -> None:
    rule = in_order("issued", "due")
    early, late = date(2025, 3, 4), date(2025, 4, 3)
    assert outcomes(rule, issued=early, due=late) == [True]
    assert outcomes(rule, issued=early, due=early) == [True]
    assert outcomes(rule, issued=late, due=early) == [False]
    assert outcomes(rule, issued=late, due=None) == []


def test_either_rule_will_do() -> None:
    rule = either(adds_up("net", "tax", to="total"), adds_up("net", to="total"))
    ten, one = Decimal(10), Decimal(1)
    assert outcomes(rule, net=ten, tax=one, total=ten + one) == [True]
    assert outcomes(rule, net=ten, tax=one, total=ten) == [True]
    assert outcomes(rule, net=ten, tax=None, total=ten) == [True]
    [broken] = judged(rule, net=ten, tax=one, total=one)
    assert not broken.passed and broken.involved == ("net", "tax", "total")
    assert judged(rule, net=None, tax=one, total=one) == []
    other = either(adds_up("rows.*.price", to="net"), adds_up("rows.*.price", to="total"))
    assert outcomes(other, rows__0__price=ten, net=one, total=ten) == [True]
    assert outcomes(other, rows__0__price=ten, net=one, total=one) == [False]

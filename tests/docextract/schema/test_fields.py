from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from docextract.errors import SchemaError
from docextract.schema import Group, Leaf, Listing, load_schema
from docextract.types import Money


class Way(Enum):
    CASH = "cash"
    CARD = "card"


class Item(BaseModel):
    text: str
    price: Decimal = Field(gt=0)


class Ticket(BaseModel):
    number: int
    day: date | None = None
    total: Money
    tip: Decimal | None = None
    rate: float = 0.0
    way: Way | None = None
    size: Literal["S", "M"] = "S"
    paid: bool | None = Field(description="stamped paid?")
    items: list[Item]
    refund: Item | None = None
    tags: list[str] = []


def fields() -> dict[str, Leaf | Group | Listing]:
    return dict(load_schema(Ticket).fields.fields)


def test_the_kinds_of_a_pydantic_class() -> None:
    kinds = {key: field.kind for key, field in fields().items() if isinstance(field, Leaf)}
    assert kinds == {
        "number": "integer",
        "day": "date",
        "total": "amount",
        "tip": "number",
        "rate": "float",
        "way": "text",
        "size": "text",
        "paid": "boolean",
    }


def test_choices_come_from_enums_and_literals() -> None:
    way, size = fields()["way"], fields()["size"]
    assert isinstance(way, Leaf) and way.choices == ("cash", "card")
    assert isinstance(size, Leaf) and size.choices == ("S", "M")


def test_required_means_must_not_be_null() -> None:
    assert {key for key, field in fields().items() if field.required} == {
        "number",
        "total",
        "items",
    }
    assert {key for key, field in fields().items() if field.nullable} == {
        "day",
        "tip",
        "way",
        "paid",
        "refund",
    }


def test_nested_objects_and_lists_keep_their_shape() -> None:
    assert load_schema(Ticket).tree["items"] == [{"text": None, "price": None}]
    assert load_schema(Ticket).tree["refund"] == {"text": None, "price": None}
    assert load_schema(Ticket).tree["tags"] == [None]


def test_descriptions_are_kept() -> None:
    assert fields()["paid"].description == "stamped paid?"


class Knot(BaseModel):
    inner: "Knot | None" = None


class Bag(BaseModel):
    things: dict[str, int]


class Either(BaseModel):
    value: int | Item


class Pair(BaseModel):
    both: tuple[int, str]


class Grid(BaseModel):
    rows: list[list[str]]


class Empty(BaseModel):
    pass


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Knot, "contains itself"),
        (Bag, "additionalProperties"),
        (Either, "anyOf"),
        (Pair, "prefixItems"),
        (Grid, "lists of lists"),
        (Empty, "needs properties"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_name(model: type[BaseModel], words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        load_schema(model)

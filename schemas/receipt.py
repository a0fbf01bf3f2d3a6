"""A till receipt: who was paid, when, how much, for what."""

from typing import ClassVar

from pydantic import BaseModel, Field

from docextract.rules import Rules, adds_up, either, multiplies
from docextract.types import Currency, Money, PrintedDate, PrintedTime, Quantity


class LineItem(BaseModel):
    """One thing bought."""

    description: str | None = Field(None, description="what was bought, as printed")
    quantity: Quantity | None = Field(None, description="how many, or how much")
    unit_price: Money | None = Field(None, description="price of one")
    amount: Money | None = Field(None, description="price of the line")


class Receipt(BaseModel):
    """A till receipt."""

    merchant_name: str | None = Field(None, description="name of the shop or company")
    merchant_address: str | None = Field(None, description="full address, its lines joined")
    date: PrintedDate | None = Field(None, description="day of the purchase")
    time: PrintedTime | None = Field(None, description="time of the purchase")
    currency: Currency | None = Field(None, description="currency sign or code")
    subtotal: Money | None = Field(None, description="sum before tax and rounding")
    tax: Money | None = Field(None, description="amount of all taxes")
    total: Money = Field(description="amount to pay, taxes and rounding included")
    payment_method: str | None = Field(None, description="cash, card, ... as printed")
    line_items: list[LineItem] = Field([], description="the things bought, in printed order")

    rules: ClassVar[Rules] = (
        either(
            adds_up("line_items.*.amount", to="subtotal"),
            adds_up("line_items.*.amount", to="total"),
        ),
        # The tax of many a till is part of the sum, and cash is rounded to its smallest coin.
        either(
            adds_up("subtotal", "tax", to="total", within="0.05"),
            adds_up("subtotal", to="total", within="0.05"),
        ),
        multiplies("line_items.*.quantity", "line_items.*.unit_price", to="line_items.*.amount"),
    )

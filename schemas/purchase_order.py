"""A purchase order: what a buyer orders of a supplier, at what price, for when."""

from typing import ClassVar

from pydantic import BaseModel, Field

from docextract.rules import Rules, adds_up, in_order, multiplies
from docextract.types import Currency, Money, PrintedDate, Quantity


class LineItem(BaseModel):
    """One thing ordered."""

    description: str | None = Field(None, description="goods or service, as printed")
    quantity: Quantity | None = Field(None, description="how many, or how much")
    unit_price: Money | None = Field(None, description="price of one")
    amount: Money | None = Field(None, description="price of the line")


class PurchaseOrder(BaseModel):
    """A purchase order."""

    order_number: str = Field(description="number of this order")
    order_date: PrintedDate | None = Field(None, description="day it was written")
    delivery_date: PrintedDate | None = Field(None, description="day the goods are wanted")
    supplier_name: str | None = Field(None, description="company that is to deliver")
    supplier_address: str | None = Field(None, description="full address, its lines joined")
    buyer_name: str | None = Field(None, description="company that orders")
    buyer_address: str | None = Field(None, description="full address, its lines joined")
    currency: Currency | None = Field(None, description="currency sign or code")
    total: Money | None = Field(None, description="sum of the order")
    line_items: list[LineItem] = Field([], description="what is ordered, in printed order")

    rules: ClassVar[Rules] = (
        adds_up("line_items.*.amount", to="total"),
        multiplies("line_items.*.quantity", "line_items.*.unit_price", to="line_items.*.amount"),
        in_order("order_date", "delivery_date"),
    )

"""A credit note: what a seller gives back, of which invoice, and why."""

from typing import ClassVar

from pydantic import BaseModel, Field

from docextract.rules import Rules, adds_up, multiplies
from docextract.types import Currency, Money, PrintedDate, Quantity, TaxId


class LineItem(BaseModel):
    """One position of the credit note."""

    description: str | None = Field(None, description="goods or service, as printed")
    quantity: Quantity | None = Field(None, description="how many, or how much")
    unit_price: Money | None = Field(None, description="price of one")
    amount: Money | None = Field(None, description="price of the line")


class CreditNote(BaseModel):
    """A credit note."""

    credit_note_number: str | None = Field(None, description="number of this credit note")
    issue_date: PrintedDate | None = Field(None, description="day it was written")
    invoice_number: str | None = Field(None, description="number of the invoice that is credited")
    reason: str | None = Field(None, description="why, as printed")
    seller_name: str | None = Field(None, description="company that gives the credit")
    seller_address: str | None = Field(None, description="full address, its lines joined")
    seller_tax_id: TaxId | None = Field(None, description="VAT or tax number of the seller")
    buyer_name: str | None = Field(None, description="company or person that is credited")
    buyer_address: str | None = Field(None, description="full address, its lines joined")
    currency: Currency | None = Field(None, description="currency sign or code")
    net_total: Money | None = Field(None, description="sum before tax")
    tax_total: Money | None = Field(None, description="amount of all taxes")
    total: Money = Field(description="amount credited, taxes included")
    line_items: list[LineItem] = Field([], description="the positions, in printed order")

    rules: ClassVar[Rules] = (
        adds_up("line_items.*.amount", to="net_total"),
        adds_up("net_total", "tax_total", to="total"),
        multiplies("line_items.*.quantity", "line_items.*.unit_price", to="line_items.*.amount"),
    )

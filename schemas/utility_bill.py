"""A utility bill: power, gas or water, a meter read twice, and what is to be paid."""

from typing import ClassVar

from pydantic import BaseModel, Field

from docextract.rules import Rules, adds_up, in_order
from docextract.types import Currency, Money, PrintedDate, Quantity


class UtilityBill(BaseModel):
    """A utility bill."""

    provider_name: str | None = Field(None, description="company that supplies")
    customer_name: str | None = Field(None, description="company or person that is supplied")
    customer_address: str | None = Field(None, description="full address, its lines joined")
    account_number: str | None = Field(None, description="the customer's number with the provider")
    bill_number: str | None = Field(None, description="number of this bill")
    bill_date: PrintedDate | None = Field(None, description="day it was written")
    due_date: PrintedDate | None = Field(None, description="last day to pay")
    meter_number: str | None = Field(None, description="number of the meter")
    previous_reading: Quantity | None = Field(None, description="what the meter showed before")
    current_reading: Quantity | None = Field(None, description="what the meter shows now")
    consumption: Quantity | None = Field(None, description="what was used between the readings")
    currency: Currency | None = Field(None, description="currency sign or code")
    amount_due: Money = Field(description="amount to pay, taxes included")

    rules: ClassVar[Rules] = (
        adds_up("previous_reading", "consumption", to="current_reading"),
        in_order("bill_date", "due_date"),
    )

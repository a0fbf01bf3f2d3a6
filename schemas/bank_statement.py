"""A bank statement: what came in and went out of an account between two balances."""

from typing import ClassVar

from pydantic import BaseModel, Field

from docextract.rules import Rules, adds_up
from docextract.types import Currency, Iban, Money, PrintedDate


class Transaction(BaseModel):
    """One posting."""

    date: PrintedDate | None = Field(None, description="day of the posting")
    description: str | None = Field(None, description="what for, as printed")
    amount: Money | None = Field(None, description="what came in, or with a minus went out")
    balance: Money | None = Field(None, description="balance after it")


class BankStatement(BaseModel):
    """A bank statement."""

    bank_name: str | None = Field(None, description="bank that keeps the account")
    account_holder: str | None = Field(None, description="company or person whose account it is")
    iban: Iban | None = Field(None, description="number of the account")
    statement_date: PrintedDate | None = Field(None, description="day of the statement")
    statement_number: str | None = Field(None, description="number of this statement")
    currency: Currency | None = Field(None, description="currency sign or code")
    opening_balance: Money | None = Field(None, description="balance before the first posting")
    closing_balance: Money = Field(description="balance after the last posting")
    transactions: list[Transaction] = Field([], description="the postings, in printed order")

    rules: ClassVar[Rules] = (
        adds_up("opening_balance", "transactions.*.amount", to="closing_balance"),
    )

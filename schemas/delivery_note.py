"""A delivery note: what goods came, from whom, to whom, on which order."""

from pydantic import BaseModel, Field

from docextract.types import Measure, PrintedDate, Quantity


class LineItem(BaseModel):
    """One kind of goods."""

    article: str | None = Field(None, description="article number")
    description: str | None = Field(None, description="goods, as printed")
    quantity: Quantity | None = Field(None, description="how many, or how much")


class DeliveryNote(BaseModel):
    """A delivery note."""

    delivery_note_number: str = Field(description="number of this note")
    delivery_date: PrintedDate | None = Field(None, description="day of the delivery")
    order_number: str | None = Field(None, description="number of the buyer's order")
    customer_number: str | None = Field(None, description="the buyer's number with the seller")
    seller_name: str | None = Field(None, description="company that delivers")
    seller_address: str | None = Field(None, description="full address, its lines joined")
    buyer_name: str | None = Field(None, description="company or person that receives")
    buyer_address: str | None = Field(None, description="full address, its lines joined")
    total_weight: Measure | None = Field(None, description="weight of all, with its unit")
    line_items: list[LineItem] = Field([], description="the goods, in printed order")

"""A packing list: what is in which package of a shipment, and what it weighs."""

from pydantic import BaseModel, Field

from docextract.types import Measure, PrintedDate, Quantity


class LineItem(BaseModel):
    """One kind of goods in one package."""

    package: str | None = Field(None, description="number or mark of the package")
    article: str | None = Field(None, description="article number")
    description: str | None = Field(None, description="goods, as printed")
    quantity: Quantity | None = Field(None, description="how many, or how much")


class PackingList(BaseModel):
    """A packing list."""

    packing_list_number: str | None = Field(None, description="number of this list")
    date: PrintedDate | None = Field(None, description="day it was written")
    order_number: str | None = Field(None, description="number of the buyer's order")
    seller_name: str | None = Field(None, description="company that sends")
    seller_address: str | None = Field(None, description="full address, its lines joined")
    buyer_name: str | None = Field(None, description="company or person that receives")
    buyer_address: str | None = Field(None, description="full address, its lines joined")
    package_count: int | None = Field(None, description="how many packages")
    net_weight: Measure | None = Field(None, description="weight of the goods, with its unit")
    gross_weight: Measure | None = Field(None, description="weight with packages, with its unit")
    line_items: list[LineItem] = Field(description="what is packed, in printed order")

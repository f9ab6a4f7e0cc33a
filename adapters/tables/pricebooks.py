"""Price books: prices as data, one row a version, never changed once signed under."""

from datetime import date, datetime

from sqlmodel import Field

from adapters.tables.columns import Json, Record, check


class PriceBook(Record, table=True):
    """One version of the price book and the date it is in force from."""

    __tablename__ = "price_books"
    __table_args__ = (check("version", "version >= 1"),)

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    effective_on: date
    content: Json
    created_at: datetime

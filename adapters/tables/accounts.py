"""Billing accounts: who pays, and the row every decision about money locks first."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from adapters.tables.columns import Key, OptionalString, Record, String, check, parent, stored_default
from adapters.tables.testclocks import TestClock


class Account(Record, table=True):
    """A billing account. `next_invoice_number` is taken under this row's lock.

    So is `next_position`, the place in the account's one record of facts and seat changes.

    A `test_clock_id` gives the account its time. `frozen_at` is set while an unpaid
    invoice bars its workspaces. No card data but brand and last four digits is kept.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        check("next_invoice_number", "next_invoice_number >= 1"),
        check("next_position", "next_position >= 1"),
    )

    account_id: Key
    name: String
    time_zone: String
    test_clock_id: UUID | None = Field(default=None, foreign_key="test_clocks.id")
    next_invoice_number: int = stored_default("1", python=1)
    next_position: int = stored_default("1", python=1)
    frozen_at: datetime | None = None
    provider_customer: OptionalString = None
    payment_method: OptionalString = None
    card_brand: OptionalString = None
    card_last4: OptionalString = None
    created_at: datetime

    test_clock: TestClock | None = parent(TestClock)

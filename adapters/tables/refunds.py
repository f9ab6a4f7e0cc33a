"""Refunds: written before the provider is called, finished after."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index

from adapters.tables.columns import (
    Bigint,
    Key,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
)
from adapters.tables.payments import PaymentAttempt

REFUND_STATUSES: Final = ("PENDING", "SUCCEEDED", "FAILED", "UNKNOWN")


class Refund(Record, table=True):
    """Money of one payment on its way back; its id is the provider's idempotency key."""

    __tablename__ = "refunds"
    __table_args__ = (
        reference("payment_attempts", payment_id="id"),
        one_of("status", REFUND_STATUSES),
        check("amount_cents", "amount_cents >= 1"),
        Index("ix_refunds_payment", "account_id", "payment_id"),
    )

    account_id: Key
    id: Key
    payment_id: UUID
    invoice_id: UUID
    amount_cents: Bigint
    reason: String
    status: String
    provider_reference: OptionalString = None
    failure: OptionalString = None
    created_at: datetime
    finished_at: datetime | None = None

    payment: PaymentAttempt = parent(PaymentAttempt)

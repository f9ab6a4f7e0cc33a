"""Payment attempts: written before the provider is called, finished after."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from adapters.tables.columns import (
    Bigint,
    Key,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    parent,
    quoted,
    reference,
    stored_default,
    where,
)
from adapters.tables.invoices import Invoice

PAYMENT_STATUSES: Final = ("PENDING", "SUCCEEDED", "DECLINED", "UNKNOWN", "ACTION_NEEDED")
IN_FLIGHT: Final = ("PENDING", "UNKNOWN", "ACTION_NEEDED")


class PaymentAttempt(Record, table=True):
    """One try to collect `amount_cents`; its id is the provider's idempotency key.

    An invoice has at most one attempt whose outcome is not known.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        reference("invoices", invoice_id="id"),
        UniqueConstraint("account_id", "invoice_id", "attempt", name="uq_payment_attempts_attempt"),
        Index(
            "uq_payment_attempts_in_flight",
            "account_id",
            "invoice_id",
            unique=True,
            postgresql_where=where(f"status IN ({quoted(IN_FLIGHT)})"),
        ),
        one_of("status", PAYMENT_STATUSES),
        check("attempt", "attempt >= 1"),
        check("amount_cents", "amount_cents >= 1"),
    )

    account_id: Key
    id: Key
    invoice_id: UUID
    attempt: int
    status: String
    amount_cents: Bigint
    payment_method: String
    card_brand: OptionalString = None
    card_last4: OptionalString = None
    provider_reference: OptionalString = None
    decline_code: OptionalString = None
    is_hard: bool = stored_default("false", python=False)
    reason: OptionalString = None
    created_at: datetime
    finished_at: datetime | None = None

    invoice: Invoice = parent(Invoice)

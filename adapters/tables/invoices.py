"""Invoices and their lines: issued once, never changed.

Triggers hold what the types cannot: issued columns stay as they were, lines are only
ever added, and at commit an invoice's total is the sum of its lines.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field

from adapters.tables.columns import (
    Bigint,
    JsonList,
    Key,
    OptionalBigint,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
    stored_default,
    where,
)
from adapters.tables.subscriptions import Subscription

INVOICE_STATUSES: Final = ("OPEN", "PAID", "UNCOLLECTIBLE", "VOID")
DUNNING_STATES: Final = ("RETRYING", "CONFIRMING", "STOPPED", "USED_UP")
OCCASIONS: Final = ("CLOSE", "TURN", "CHANGE")
SECTIONS: Final = ("ADDITIONAL_USAGE", "PRORATIONS", "SUBSCRIPTION")


class Invoice(Record, table=True):
    """An issued invoice and how far its collection has come. Amounts are cents.

    `total_cents` may be negative and is fixed; `due_cents` is what is left to pay after
    credit. `ladder_on`, `ladder_step` and `dunning_state` say where dunning stands; at `action_url` the customer
    confirms a charge. `issued_in` is the number of
    the issuing transaction, given by the server: lines are refused in any other.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        reference("subscriptions", subscription_id="id"),
        UniqueConstraint("account_id", "number", name="uq_invoices_number"),
        Index(
            "uq_invoices_stream",
            "account_id",
            "subscription_id",
            "stream",
            "invoice_on",
            unique=True,
            postgresql_where=where("occasion = 'CLOSE' AND status <> 'VOID'"),
        ),
        one_of("status", INVOICE_STATUSES),
        one_of("occasion", OCCASIONS),
        one_of("currency", ("USD",)),
        check("number", "number >= 1"),
        check("period", "period_start <= period_end"),
        check("due_cents", "due_cents >= 0"),
        check(
            "never_over_total",
            "due_cents + credit_applied_cents <= greatest(total_cents, 0)",
        ),
        check("ladder_step", "ladder_step >= 0"),
        one_of("dunning_state", DUNNING_STATES),
    )

    account_id: Key
    id: Key
    number: int
    subscription_id: UUID
    stream: String
    invoice_on: date
    made_at: datetime
    issued_at: datetime
    period_start: date
    period_end: date
    status: String
    currency: str = stored_default("'USD'", python="USD", sa_type=Text)
    total_cents: Bigint
    credit_applied_cents: Bigint
    due_cents: Bigint
    paid_at: datetime | None = None
    ladder_on: date
    ladder_step: int = stored_default("0", python=0)
    next_attempt_at: datetime | None = None
    dunning_state: str = stored_default("'RETRYING'", python="RETRYING", sa_type=Text)
    action_url: OptionalString = None
    failure: OptionalString = None
    issued_in: int | None = stored_default(
        "(pg_current_xact_id()::text)::bigint", python=None, sa_type=BigInteger, nullable=False
    )
    occasion: str = stored_default("'CLOSE'", python="CLOSE", sa_type=Text)
    closed_reason: OptionalString = None
    voided_at: datetime | None = None
    known_at: datetime | None = stored_default("clock_timestamp()", python=None, nullable=False)
    known_position: int = stored_default("1", python=1, sa_type=BigInteger)

    subscription: Subscription = parent(Subscription)


class InvoiceLine(Record, table=True):
    """One charge or adjustment, with the arithmetic that explains it.

    `unit_price` is in 10^-8 dollars, `amount_cents` is rounded once, here. Periods are
    half-open. `key` names the charge, so that the next invoice knows what was billed.
    """

    __tablename__ = "invoice_lines"
    __table_args__ = (
        reference("invoices", invoice_id="id"),
        one_of("section", SECTIONS),
        check("position", "position >= 1"),
        check("period", "period_start <= period_end"),
        check("service", "service_start <= service_end"),
        Index("ix_invoice_lines_period", "account_id", "subscription_id", "period_start"),
    )

    account_id: Key
    invoice_id: Key
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    subscription_id: UUID
    key: String
    section: String
    description: String
    quantity: OptionalBigint = None
    unit_price: OptionalBigint = None
    tiers: JsonList
    period_start: date
    period_end: date
    service_start: date
    service_end: date
    amount_cents: Bigint
    explanation: String
    is_adjustment: bool
    change_key: OptionalString = None
    causes: JsonList

    invoice: Invoice = parent(Invoice)


class CreditNote(Record, table=True):
    """What was forgiven of an issued invoice, and why. `to_due_cents` lowered the due amount, the rest became credit."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        reference("invoices", invoice_id="id"),
        check("amount_cents", "amount_cents >= 1"),
        check("to_due_cents", "to_due_cents BETWEEN 0 AND amount_cents"),
        Index("ix_credit_notes_invoice", "account_id", "invoice_id"),
    )

    account_id: Key
    id: Key
    invoice_id: UUID
    amount_cents: Bigint
    to_due_cents: Bigint
    reason: String
    at: datetime
    recorded_at: datetime

    invoice: Invoice = parent(Invoice)

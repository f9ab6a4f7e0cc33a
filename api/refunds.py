"""Refunds (section 11), for staff: operators' keys pay credit back to where a payment came from, with a reason."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from adapters.tables import refunds as tables
from api.changes import Change, alone, make, token_field
from api.context import Info
from api.enums import RefundStatus
from api.idempotency import key_field
from api.nodes import must_reach
from api.results import mutation
from api.scalars import Money, SafeString, money, whole_cents
from domain.refunds import PaymentNotTaken, RefundTooLarge
from services import refunds
from services.changes import PriceChanged
from services.refunds import UnknownPayment


@strawberry.type(description="Credit paid back to where a payment came from.")
class Refund:
    """A refund."""

    status: RefundStatus = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="What is paid back.")
    reason: str = strawberry.field(description="Why.")
    created_at: datetime = strawberry.field(description="When it was made.")
    finished_at: datetime | None = strawberry.field(description="When the provider's answer was recorded.")
    failure: str | None = strawberry.field(
        description="Why it came to nothing, in plain words; the amount is credit again."
    )
    reference: str | None = strawberry.field(description="The provider's name of the refund.")


@strawberry.input(description="A refund to make.")
class RefundCreateInput:
    """Input of refundCreate."""

    payment_id: strawberry.ID = strawberry.field(description="The payment to pay back from.")
    amount: Decimal = strawberry.field(description="What is paid back, in dollars and whole cents.")
    reason: SafeString = strawberry.field(description="Why.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The refund on its way.")
class RefundCreatePayload:
    """Payload of refundCreate."""

    refund: Refund = strawberry.field(description="The refund; the provider is asked for it next.")


def refund(row: tables.Refund) -> Refund:
    """Show a refund."""
    return Refund(
        status=RefundStatus(row.status),
        amount=money(row.amount_cents),
        reason=row.reason,
        created_at=row.created_at,
        finished_at=row.finished_at,
        failure=row.failure,
        reference=row.provider_reference,
    )


def refund_create_change(info: Info, input: RefundCreateInput) -> Change:
    """Plan to make a refund."""
    account_id, payment_id = must_reach(info, input.payment_id, "Payment", UnknownPayment)
    cents, reason = whole_cents(input.amount), input.reason
    return Change(
        account_id,
        lambda s, a: alone(refunds.create(s, a, payment_id=payment_id, amount_cents=cents, reason=reason)),
        unknown=UnknownPayment,
    )


@mutation(
    payload=RefundCreatePayload,
    refusals=(UnknownPayment, PaymentNotTaken, RefundTooLarge, PriceChanged),
    description=(
        "Pay credit of the account back to where a payment came from. To give back what an invoice billed, make a "
        "credit note on it first: on a paid invoice it becomes credit. Needs an operator's key."
    ),
)
async def refund_create(info: Info, input: RefundCreateInput) -> RefundCreatePayload:
    """Make a refund."""
    row, _ = await make(info, refund_create_change(info, input), token=input.preview_token)
    return RefundCreatePayload(refund=refund(row))

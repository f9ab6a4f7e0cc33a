"""Payments (section 11): attempts to charge an invoice, and the payment method that each was made with."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from adapters.tables import payments as tables
from api.context import Info
from api.enums import AttemptStatus
from api.nodes import Node, node_id
from api.refunds import Refund, refund
from api.scalars import Money, money


@strawberry.type(description="How an account pays. Card data never reaches Prorata.")
class PaymentMethod:
    """A stored payment method."""

    brand: str = strawberry.field(description="The card's or wallet's brand.")
    last4: str = strawberry.field(description="The last four digits.")


@strawberry.type(description="One attempt to charge an invoice.")
class Payment(Node):
    """A payment attempt."""

    attempt: int = strawberry.field(description="Which attempt of the invoice it is, from 1.")
    status: AttemptStatus = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="What was asked for.")
    method: PaymentMethod | None = strawberry.field(description="The payment method that was charged.")
    created_at: datetime = strawberry.field(description="When it was made.")
    finished_at: datetime | None = strawberry.field(description="When the provider's answer was recorded.")
    decline_code: str | None = strawberry.field(description="The provider's code of a decline.")
    is_hard_decline: bool = strawberry.field(
        description="Whether the same card cannot succeed: retries stop until it is changed."
    )
    reason: str | None = strawberry.field(description="Why it was declined, in plain words.")
    reference: str | None = strawberry.field(description="The provider's name of the charge.")
    key: strawberry.Private[tuple[UUID, UUID]]

    @strawberry.field(description="What of it was paid back, or is on its way, first to last.")
    async def refunds(self, info: Info) -> list[Refund]:
        """Load the refunds."""
        rows = await info.context.loaders.refunds.load(self.key)
        return [refund(row) for row in rows or []]


def payment_method(brand: str | None, last4: str | None) -> PaymentMethod | None:
    """Show a payment method by what is kept of it."""
    return PaymentMethod(brand=brand, last4=last4) if brand and last4 else None


def payment(row: tables.PaymentAttempt) -> Payment:
    """Show a payment attempt."""
    return Payment(
        id=node_id("Payment", row.account_id, row.id),
        attempt=row.attempt,
        status=AttemptStatus(row.status),
        amount=money(row.amount_cents),
        method=payment_method(row.card_brand, row.card_last4),
        created_at=row.created_at,
        finished_at=row.finished_at,
        decline_code=row.decline_code,
        is_hard_decline=row.is_hard,
        reason=row.reason,
        reference=row.provider_reference,
        key=(row.account_id, row.id),
    )

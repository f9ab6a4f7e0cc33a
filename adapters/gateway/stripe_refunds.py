"""Giving money back through Stripe."""

from typing import Final, Literal

import msgspec

from adapters.gateway.protocol import Refunded, RefundRefused
from adapters.gateway.stripe_calls import Connection, Rejected, key_used_for_something_else
from adapters.gateway.stripe_messages import KEY, LATEST, List, read

REFUND_REFUSALS: Final = {
    "amount_too_large": "This is more than is left of the charge.",
    "charge_already_refunded": "The charge was given back already.",
    "charge_disputed": "The card holder disputes the charge, so it cannot be given back.",
    "refund_disputed_payment": "The card holder disputes the charge, so it cannot be given back.",
    "balance_insufficient": "The balance at the payment provider is too small for the refund.",
    "insufficient_funds": "The balance at the payment provider is too small for the refund.",
    "payment_intent_unexpected_state": "The charge did not succeed, so there is nothing to give back.",
}
FAILED_REFUNDS: Final = {
    "lost_or_stolen_card": "The card was lost or stolen, so the bank returned the money.",
    "expired_or_canceled_card": "The card has expired or was cancelled, so the bank returned the money.",
    "insufficient_funds": "The balance at the payment provider was too small for the refund.",
    "declined": "The bank declined the refund.",
    "merchant_request": "The refund was cancelled.",
}


class Refund(msgspec.Struct, frozen=True):
    """Money on its way back, or returned by the bank."""

    id: str
    amount: int
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None

    @property
    def key(self) -> str | None:
        """Our idempotency key, if it is ours."""
        return (self.metadata or {}).get(KEY)

    def outcome(self) -> Refunded | RefundRefused:
        """Return what became of it."""
        if self.status in {"failed", "canceled"}:
            reason = FAILED_REFUNDS.get(self.failure_reason or "", "The bank did not take the money back.")
            return RefundRefused(reference=self.id, reason=reason)
        return Refunded(reference=self.id, amount_cents=self.amount)


async def refund(
    stripe: Connection, *, charge: str, amount_cents: int, idempotency_key: str
) -> Refunded | RefundRefused:
    """See `Gateway.refund`. The charge's refunds are read first, so that one whose answer was lost is found again."""
    made = await stripe.ask(stripe.v1.refunds.list_async({"payment_intent": charge, "limit": LATEST}), List)
    for known in (read(each, Refund) for each in made.data):
        if known.key == idempotency_key:
            if known.amount != amount_cents:
                raise key_used_for_something_else()
            return known.outcome()
    call = stripe.v1.refunds.create_async(
        {"payment_intent": charge, "amount": amount_cents, "metadata": {KEY: idempotency_key}},
        {"idempotency_key": idempotency_key},
    )
    try:
        return (await stripe.ask(call, Refund)).outcome()
    except Rejected as rejected:
        # An amount above what is left has no code of its own; the parameter tells.
        code = "amount_too_large" if rejected.problem.param == "amount" else rejected.code
        if code not in REFUND_REFUSALS:
            raise
        return RefundRefused(reference=charge, reason=REFUND_REFUSALS[code])

"""Refunds (section 11): record it, commit; call the provider; record the outcome, commit.

The refund's id is the provider's idempotency key, so that one cut short anywhere is taken up again with the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.gateway.protocol import Gateway, NoAnswer, Refunded, RefundRefused
from adapters.ids import new_id
from adapters.queries import duework
from adapters.queries import invoices as invoice_queries
from adapters.queries import refunds as queries
from adapters.queries.duework import Due
from adapters.scopes import Sessions
from adapters.spans import traced
from adapters.tables.refunds import Refund
from domain import ledger
from domain.dunning import ask_again_in
from domain.ledger import MoveKind
from domain.refunds import NEXT, RefundEvent, RefundStatus, check_refund
from domain.refusal import Refusal
from services.accounts import AccountNow, lock_account
from services.ledger import credit_balances, post

Outcome = Refunded | RefundRefused | None
"""What a provider answered; None when its answer was lost."""


@dataclass(eq=False)
class UnknownPayment(Refusal):
    """No payment of the caller's has the id."""

    template = "No payment has this id; payments of other accounts look the same as none."


@traced
async def create(
    session: AsyncSession, account: AccountNow, *, payment_id: UUID, amount_cents: int, reason: str
) -> Refund:
    """Take credit of the account for a refund of a payment, which a worker then asks the provider for.

    Raises UnknownPayment, PaymentNotTaken, RefundTooLarge.
    """
    payment = await invoice_queries.attempt(session, account_id=account.id, attempt_id=payment_id)
    if payment is None:
        raise UnknownPayment
    refunded = await queries.refunded(session, account_id=account.id, payment_id=payment_id)
    credit = (await credit_balances(session, [account.id]))[account.id]
    check_refund(
        status=payment.status,
        taken=payment.amount_cents,
        refunded=refunded,
        credit=credit,
        amount=amount_cents,
    )

    refund = Refund(
        account_id=account.id,
        id=new_id(),
        payment_id=payment_id,
        invoice_id=payment.invoice_id,
        amount_cents=amount_cents,
        reason=reason,
        status=RefundStatus.PENDING.value,
        created_at=account.now,
    )
    session.add(refund)
    await session.flush()
    begun = ledger.refund_begun(amount_cents)
    await post(session, account, begun, kind=MoveKind.REFUND, invoice_id=payment.invoice_id)
    await duework.schedule(session, [Due(account.id, "REFUND", refund.id, account.now)])
    return refund


@traced
async def carry_out(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, refund_id: UUID, wall: datetime
) -> None:
    """Ask the provider to pay a refund back; done twice, or after a crash, it pays once."""
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        refund = await queries.find(session, account_id=account_id, refund_id=refund_id)
        if refund is None or refund.status not in {RefundStatus.PENDING, RefundStatus.UNKNOWN}:
            await _unschedule(session, account, refund_id)
            return
        payment = await invoice_queries.attempt(session, account_id=account_id, attempt_id=refund.payment_id)
    charge = (payment.provider_reference if payment else None) or ""

    outcome = await _ask(gateway, refund, charge=charge)

    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        await record(session, account, refund_id=refund_id, outcome=outcome)


@traced
async def record(session: AsyncSession, account: AccountNow, *, refund_id: UUID, outcome: Outcome) -> None:
    """Record what became of a refund; one the bank sends back later is credit again."""
    refund = await queries.find(session, account_id=account.id, refund_id=refund_id)
    if refund is None or (RefundStatus(refund.status), _event(outcome)) not in NEXT:
        return
    was_paid = refund.status == RefundStatus.SUCCEEDED
    refund.status = NEXT[RefundStatus(refund.status), _event(outcome)].value
    if outcome is None:
        due_at = account.now + ask_again_in(account.now - refund.created_at)
        await duework.schedule(session, [Due(account.id, "REFUND", refund.id, due_at)])
        return
    refund.provider_reference, refund.finished_at = outcome.reference, account.now
    if isinstance(outcome, Refunded):
        kind, entries = MoveKind.REFUND_PAID, ledger.refund_paid(refund.amount_cents)
    else:
        refund.failure = outcome.reason
        kind = MoveKind.REFUND_FAILED
        entries = ledger.refund_failed(refund.amount_cents, was_paid=was_paid)
    await post(session, account, entries, kind=kind, invoice_id=refund.invoice_id)
    await session.flush()
    await _unschedule(session, account, refund_id)


async def _ask(gateway: Gateway, refund: Refund, *, charge: str) -> Outcome:
    try:
        return await gateway.refund(
            charge=charge,
            amount_cents=refund.amount_cents,
            idempotency_key=f"refund:{refund.account_id}:{refund.id}",
        )
    except NoAnswer:
        return None


async def _unschedule(session: AsyncSession, account: AccountNow, refund_id: UUID) -> None:
    await duework.unschedule(session, account_id=account.id, subject_id=refund_id, kinds=["REFUND"])


def _event(outcome: Outcome) -> RefundEvent:
    match outcome:
        case Refunded():
            return RefundEvent.PAID_BACK
        case RefundRefused():
            return RefundEvent.REFUSED
        case None:
            return RefundEvent.ANSWER_LOST

"""Collecting money (section 11): record the attempt, commit; call the provider; record the outcome, commit.

The attempt's id is the provider's idempotency key, so an attempt cut short anywhere is taken up again with the same key
and a new one is made only after a known decline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import metrics
from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    Gateway,
    NoAnswer,
)
from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import duework
from adapters.queries import invoices as queries
from adapters.queries.duework import Due
from adapters.scopes import Sessions
from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.payments import PaymentAttempt
from domain import ledger
from domain.calendar import local_day, opening
from domain.dunning import NEXT as NEXT_ATTEMPT
from domain.dunning import (
    AttemptEvent,
    AttemptStatus,
    DunningState,
    Ladder,
    after_action_asked,
    after_decline,
    again,
    ask_again_in,
)
from domain.invoicing import InvoiceNotOpen, InvoiceStatus
from domain.ledger import MoveKind
from domain.refusal import Refusal
from services import announcements, audit
from services.accounts import AccountNow, lock_account
from services.drafts import collection_work
from services.invoices import find_invoice, ladder_of
from services.ledger import apply_credit, mark_paid, post
from services.notifications import Notice, tell

NO_METHOD = "no payment method is on file."
ON_ITS_WAY = frozenset({AttemptStatus.PENDING, AttemptStatus.UNKNOWN, AttemptStatus.ACTION_NEEDED})

Outcome = Charged | Declined | ActionNeeded | None
"""What a provider answered; None when its answer was lost."""


@dataclass(eq=False)
class NoPaymentMethod(Refusal):
    """There is nothing to charge."""

    template = "The account has no payment method; add one first."


@traced
async def retry_now(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> Invoice:
    """Put an open invoice up for a charge at once, on a new ladder; the payer asked for it.

    Raises UnknownInvoice, InvoiceNotOpen, NoPaymentMethod.
    """
    invoice = await find_invoice(session, account_id=account.id, invoice_id=invoice_id)
    if invoice.status != InvoiceStatus.OPEN:
        raise InvoiceNotOpen(invoice.number, invoice.status)
    if account.row.payment_method is None:
        raise NoPaymentMethod

    await begin_again(session, account, invoice)
    return invoice


async def begin_again(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    """Put an open invoice on a new ladder, whose first charge is due at once (section 11)."""
    today = local_day(account.now, account.zone)
    await _climb(session, account, invoice, again(ladder_of(invoice), today))


@traced
async def collect(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, invoice_id: UUID, wall: datetime
) -> None:
    """Charge an open invoice whose time has come; done twice, or after a crash, it charges once."""
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        attempt = await _begin(session, account, invoice_id=invoice_id)
    if attempt is None:
        return

    outcome = await _ask(gateway, account, attempt)

    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        await record(session, account, attempt_id=attempt.id, outcome=outcome)
    metrics.attempt_answered(_event(outcome).value)
    if attempt.status == AttemptStatus.ACTION_NEEDED and isinstance(outcome, Declined):
        # What nobody confirmed is given up; the charge that was due is still to be made.
        await collect(sessions, gateway, account_id=account_id, invoice_id=invoice_id, wall=wall)


@traced
async def freeze(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> None:
    """Freeze the account if the invoice is still open on its day (section 11)."""
    invoice = await queries.find(session, account_id=account.id, invoice_id=invoice_id)
    if invoice is not None and invoice.status == InvoiceStatus.OPEN:
        if account.now < opening(ladder_of(invoice).freeze_on, account.zone):
            return
        if account.row.frozen_at is None:
            audit.keep_automatic(
                session,
                account_id=account.id,
                action="accountFreeze",
                reason=f"Invoice {invoice.number} stayed open.",
                field_name="frozen_at",
                before=None,
                after=account.now,
            )
            account.row.frozen_at = account.now
            notice = announcements.frozen(account, number=invoice.number, due=invoice.due_cents)
            await tell(session, [notice])
    await duework.unschedule(session, account_id=account.id, subject_id=invoice_id, kinds=["FREEZE"])


@traced
async def record(session: AsyncSession, account: AccountNow, *, attempt_id: UUID, outcome: Outcome) -> None:
    """Record what became of an attempt, once; what is final stays as it is, so that answers may come in any order."""
    attempt = await queries.attempt(session, account_id=account.id, attempt_id=attempt_id)
    if attempt is None or (AttemptStatus(attempt.status), _event(outcome)) not in NEXT_ATTEMPT:
        return
    before = AttemptStatus(attempt.status)
    attempt.status = NEXT_ATTEMPT[before, _event(outcome)].value
    touch(session, Touched.INVOICE, account.id, attempt.invoice_id)
    invoice = await find_invoice(session, account_id=account.id, invoice_id=attempt.invoice_id)
    match outcome:
        case Charged():
            _finish(account, attempt, invoice, reference=outcome.reference)
            invoice.due_cents -= attempt.amount_cents
            await post(
                session,
                account,
                ledger.paid(attempt.amount_cents),
                kind=MoveKind.PAYMENT,
                invoice_id=invoice.id,
            )
            await mark_paid(session, account, invoice)
        case Declined():
            _finish(account, attempt, invoice, reference=outcome.reference)
            attempt.decline_code, attempt.is_hard, attempt.reason = (
                outcome.code,
                outcome.is_hard,
                outcome.reason,
            )
            invoice.failure = outcome.reason
            ladder = _declined(account, attempt, before, invoice, outcome)
            await _climb(session, account, invoice, ladder)
            await tell(session, [_failed(account, invoice, ladder, reason=outcome.reason)])
        case ActionNeeded():
            attempt.provider_reference, invoice.action_url = outcome.reference, outcome.url
            ladder = after_action_asked(ladder_of(invoice))
            await _climb(session, account, invoice, ladder)
            notice = announcements.action_needed(
                account,
                number=invoice.number,
                due=invoice.due_cents,
                action_url=outcome.url,
                freeze_on=None if account.row.frozen_at else ladder.freeze_on,
            )
            await tell(session, [notice])
        case None:
            invoice.next_attempt_at = account.now + ask_again_in(account.now - attempt.created_at)
            await _schedule_collect(session, account, invoice)


def idempotency_key(attempt: PaymentAttempt) -> str:
    """Give the provider's key of an attempt: it names the account, so that a webhook finds its way back."""
    return f"attempt:{attempt.account_id}:{attempt.id}"


async def _begin(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> PaymentAttempt | None:
    """Record the attempt to make, or take up the one whose outcome is not known; None when there is nothing to do."""
    invoice = await queries.find(session, account_id=account.id, invoice_id=invoice_id)
    if invoice is None or invoice.status != InvoiceStatus.OPEN:
        await duework.unschedule(
            session, account_id=account.id, subject_id=invoice_id, kinds=["COLLECT", "FREEZE"]
        )
        return None
    if invoice.next_attempt_at is None or account.now < invoice.next_attempt_at:
        await _schedule_collect(session, account, invoice)
        return None
    made = (await queries.attempts(session, [(account.id, invoice_id)]))[account.id, invoice_id]
    if made and made[-1].status in ON_ITS_WAY:
        return made[-1]
    await apply_credit(session, account)
    if invoice.due_cents == 0:
        return None
    if account.row.payment_method is None:
        invoice.failure, ladder = NO_METHOD, after_decline(ladder_of(invoice), is_hard=False)
        await _climb(session, account, invoice, ladder)
        await tell(session, [_failed(account, invoice, ladder, reason=NO_METHOD)])
        return None
    attempt = PaymentAttempt(
        account_id=account.id,
        id=new_id(),
        invoice_id=invoice_id,
        attempt=len(made) + 1,
        status=AttemptStatus.PENDING.value,
        amount_cents=invoice.due_cents,
        payment_method=account.row.payment_method,
        card_brand=account.row.card_brand,
        card_last4=account.row.card_last4,
        created_at=account.now,
    )
    session.add(attempt)
    await session.flush()
    touch(session, Touched.INVOICE, account.id, invoice_id)
    return attempt


async def _ask(gateway: Gateway, account: AccountNow, attempt: PaymentAttempt) -> Outcome:
    """Ask the provider for the money, or give up a charge that the customer did not confirm in time."""
    try:
        if attempt.status == AttemptStatus.ACTION_NEEDED:
            return await gateway.give_up(reference=attempt.provider_reference or "")
        return await gateway.charge(
            customer=account.row.provider_customer or "",
            payment_method=attempt.payment_method,
            amount_cents=attempt.amount_cents,
            currency="USD",
            idempotency_key=idempotency_key(attempt),
            description=f"{account.row.name}, attempt {attempt.attempt}",
        )
    except NoAnswer:
        return None


def _failed(account: AccountNow, invoice: Invoice, ladder: Ladder, *, reason: str) -> Notice:
    return announcements.payment_failed(
        account,
        number=invoice.number,
        due=invoice.due_cents,
        reason=reason,
        next_attempt=ladder.attempt_on,
        freeze_on=None if account.row.frozen_at else ladder.freeze_on,
    )


def _finish(account: AccountNow, attempt: PaymentAttempt, invoice: Invoice, *, reference: str) -> None:
    attempt.provider_reference, attempt.finished_at = reference, account.now
    invoice.action_url = None


def _declined(
    account: AccountNow,
    attempt: PaymentAttempt,
    before: AttemptStatus,
    invoice: Invoice,
    outcome: Declined,
) -> Ladder:
    """Give the ladder after a decline: the same if the payer has begun a new one since the attempt was made."""
    ladder = ladder_of(invoice)
    was_confirming = before is AttemptStatus.ACTION_NEEDED
    is_new = was_confirming and ladder.state is not DunningState.CONFIRMING
    if is_new or attempt.payment_method != account.row.payment_method:
        return ladder
    return after_decline(ladder, is_hard=outcome.is_hard)


async def _climb(session: AsyncSession, account: AccountNow, invoice: Invoice, ladder: Ladder) -> None:
    """Put an open invoice on a step of a ladder and schedule what follows from it."""
    invoice.ladder_on, invoice.ladder_step = ladder.began_on, ladder.step
    invoice.dunning_state = ladder.state.value
    touch(session, Touched.INVOICE, account.id, invoice.id)
    work = collection_work(account, invoice_id=invoice.id, ladder=ladder)
    attempts = [due.due_at for due in work if due.kind == "COLLECT"]
    invoice.next_attempt_at = attempts[0] if attempts else None
    await session.flush()
    await duework.unschedule(session, account_id=account.id, subject_id=invoice.id, kinds=["COLLECT"])
    if account.row.frozen_at is not None:
        work = [due for due in work if due.kind != "FREEZE"]
    await duework.schedule(session, work)


async def _schedule_collect(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    """Make the due work of an invoice's charge agree with the invoice."""
    if invoice.next_attempt_at is None:
        await duework.unschedule(session, account_id=account.id, subject_id=invoice.id, kinds=["COLLECT"])
        return
    work = Due(account.id, "COLLECT", invoice.id, invoice.next_attempt_at)
    await duework.schedule(session, [work])


def _event(outcome: Outcome) -> AttemptEvent:
    match outcome:
        case Charged():
            return AttemptEvent.CHARGED
        case Declined():
            return AttemptEvent.REFUSED
        case ActionNeeded():
            return AttemptEvent.ACTION_ASKED
        case None:
            return AttemptEvent.ANSWER_LOST

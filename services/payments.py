"""Collecting money (section 11): record the attempt, commit; call the provider; record the outcome, commit.

The attempt's id is the provider's idempotency key, so an attempt cut short anywhere is taken up again with the same key
and a new one is made only after a known decline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.gateway.protocol import (
    Charged,
    Declined,
    Gateway,
    NoAnswer,
    PaymentMethodRefused,
    ProviderEvent,
    StoredPaymentMethod,
)
from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import invoices as queries
from adapters.queries import subscriptions as subscription_queries
from adapters.queries.subscriptions import Due
from adapters.tables.invoices import Invoice
from adapters.tables.payments import PaymentAttempt
from domain import ledger
from domain.calendar import local_day, opening
from domain.dunning import NEXT as NEXT_ATTEMPT
from domain.dunning import AttemptEvent, AttemptStatus, Ladder, after_decline, again
from domain.invoicing import InvoiceNotOpen, InvoiceStatus
from domain.refusal import Refusal
from services.accounts import AccountNow, UnknownAccount, lock_account
from services.invoices import collection_work, find_invoice, ladder_of
from services.ledger import apply_credit, mark_paid, post

ASK_AGAIN_AFTER = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)
"""After a lost answer the provider is asked again with the same key, at first soon, then at intervals that double."""

NO_METHOD = "no payment method is on file."

Sessions = async_sessionmaker[AsyncSession]


@dataclass(eq=False)
class PaymentMethodNotKept(Refusal):
    """The provider will not keep the payment method."""

    template = "The payment method was not saved: {reason}"
    reason: str


@dataclass(eq=False)
class ProviderUnreachable(Refusal):
    """The payment provider gave no answer."""

    template = "The payment provider gave no answer; nothing was changed. Try again in a few minutes."


@dataclass(eq=False)
class NoPaymentMethod(Refusal):
    """There is nothing to charge."""

    template = "The account has no payment method; add one first."


async def set_payment_method(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, token: str, wall: datetime
) -> AccountNow:
    """Keep another payment method; open invoices are charged with it at once, on a new ladder (section 11).

    Raises UnknownAccount, PaymentMethodNotKept, ProviderUnreachable.
    """
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        customer, name = account.row.provider_customer, account.row.name

    try:
        customer = customer or await gateway.create_customer(
            name=name, idempotency_key=f"customer:{account_id}"
        )
        stored = await gateway.attach_payment_method(customer=customer, token=token)
    except PaymentMethodRefused as refused:
        raise PaymentMethodNotKept(refused.reason) from None
    except NoAnswer:
        raise ProviderUnreachable from None

    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        _keep(account, customer, stored)
        for invoice in await queries.open_invoices(session, account_id=account_id):
            await _climb(session, account, invoice, again(_today(account)))
    return account


async def retry_now(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> Invoice:
    """Put an open invoice up for a charge at once, on a new ladder; the payer asked for it.

    Raises UnknownInvoice, InvoiceNotOpen, NoPaymentMethod.
    """
    invoice = await find_invoice(session, account_id=account.id, invoice_id=invoice_id)
    if invoice.status != InvoiceStatus.OPEN:
        raise InvoiceNotOpen(invoice.number, invoice.status)
    if account.row.payment_method is None:
        raise NoPaymentMethod

    await _climb(session, account, invoice, again(_today(account)))
    return invoice


async def collect(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, invoice_id: UUID, wall: datetime
) -> None:
    """Charge an open invoice whose time has come; done twice, or after a crash, it charges once."""
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        attempt = await _begin(session, account, invoice_id=invoice_id)
    if attempt is None:
        return

    outcome = await _charge(gateway, account, attempt)

    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
        await _record(session, account, attempt_id=attempt.id, outcome=outcome)


async def freeze(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> None:
    """Freeze the account if the invoice is still open on its day (section 11)."""
    invoice = await queries.find(session, account_id=account.id, invoice_id=invoice_id)
    if invoice is not None and invoice.status == InvoiceStatus.OPEN:
        if account.now < opening(ladder_of(invoice).freeze_on, account.zone):
            return
        account.row.frozen_at = account.row.frozen_at or account.now
    await subscription_queries.unschedule(
        session, account_id=account.id, subject_id=invoice_id, kinds=["FREEZE"]
    )


async def receive(sessions: Sessions, event: ProviderEvent, *, wall: datetime) -> bool:
    """Take a verified webhook; False when it was taken before or is about nothing of ours.

    The charge it tells of is recorded by the same function as the provider's direct answer, so order does not matter.
    """
    reference = _attempt_reference(event.idempotency_key)
    async with sessions.begin() as session:
        is_new = await queries.take_provider_event(session, event_id=event.id, kind=event.kind, now=wall)
        if not is_new or reference is None or event.outcome is None:
            return False
        account_id, attempt_id = reference
        try:
            account = await lock_account(session, account_id=account_id, wall=wall)
        except UnknownAccount:
            return False
        await _record(session, account, attempt_id=attempt_id, outcome=event.outcome)
    return True


def idempotency_key(attempt: PaymentAttempt) -> str:
    """Give the provider's key of an attempt: it names the account, so that a webhook finds its way back."""
    return f"attempt:{attempt.account_id}:{attempt.id}"


async def _begin(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> PaymentAttempt | None:
    """Record the attempt to make, or take up the one whose outcome is not known; None when there is nothing to do."""
    invoice = await queries.find(session, account_id=account.id, invoice_id=invoice_id)
    if invoice is None or invoice.status != InvoiceStatus.OPEN:
        await subscription_queries.unschedule(
            session, account_id=account.id, subject_id=invoice_id, kinds=["COLLECT", "FREEZE"]
        )
        return None
    if invoice.next_attempt_at is None or account.now < invoice.next_attempt_at:
        await _schedule_collect(session, account, invoice)
        return None
    made = (await queries.attempts(session, [(account.id, invoice_id)]))[account.id, invoice_id]
    if made and made[-1].status in {AttemptStatus.PENDING, AttemptStatus.UNKNOWN}:
        return made[-1]
    await apply_credit(session, account)
    if invoice.due_cents == 0:
        return None
    if account.row.payment_method is None:
        invoice.failure = NO_METHOD
        await _climb(session, account, invoice, after_decline(ladder_of(invoice), is_hard=False))
        return None
    attempt = PaymentAttempt(
        account_id=account.id,
        id=new_id(),
        invoice_id=invoice_id,
        attempt=len(made) + 1,
        status=AttemptStatus.PENDING.value,
        amount_cents=invoice.due_cents,
        payment_method=account.row.payment_method,
        created_at=account.now,
    )
    session.add(attempt)
    await session.flush()
    touch(session, Touched.INVOICE, account.id, invoice_id)
    return attempt


async def _charge(
    gateway: Gateway, account: AccountNow, attempt: PaymentAttempt
) -> Charged | Declined | None:
    """Ask the provider for the money; None when its answer was lost."""
    try:
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


async def _record(
    session: AsyncSession, account: AccountNow, *, attempt_id: UUID, outcome: Charged | Declined | None
) -> None:
    """Record what became of an attempt, once; what is final stays as it is."""
    attempt = await queries.attempt(session, account_id=account.id, attempt_id=attempt_id)
    if attempt is None or (AttemptStatus(attempt.status), _event(outcome)) not in NEXT_ATTEMPT:
        return
    attempt.status = NEXT_ATTEMPT[AttemptStatus(attempt.status), _event(outcome)].value
    touch(session, Touched.INVOICE, account.id, attempt.invoice_id)
    invoice = await find_invoice(session, account_id=account.id, invoice_id=attempt.invoice_id)
    match outcome:
        case Charged():
            attempt.provider_reference, attempt.finished_at = outcome.reference, account.now
            invoice.due_cents -= attempt.amount_cents
            await post(
                session, account, ledger.paid(attempt.amount_cents), kind="PAYMENT", invoice_id=invoice.id
            )
            await mark_paid(session, account, invoice)
        case Declined():
            attempt.provider_reference, attempt.finished_at = outcome.reference, account.now
            attempt.decline_code, attempt.is_hard, attempt.reason = (
                outcome.code,
                outcome.is_hard,
                outcome.reason,
            )
            invoice.failure = outcome.reason
            ladder = ladder_of(invoice)
            if attempt.payment_method == account.row.payment_method:
                ladder = after_decline(ladder, is_hard=outcome.is_hard)
            await _climb(session, account, invoice, ladder)
        case None:
            age = account.now - attempt.created_at
            invoice.next_attempt_at = account.now + min(max(age, ASK_AGAIN_AFTER), LONGEST_WAIT)
            await _schedule_collect(session, account, invoice)


async def _climb(session: AsyncSession, account: AccountNow, invoice: Invoice, ladder: Ladder) -> None:
    """Put an open invoice on a step of a ladder and schedule what follows from it."""
    invoice.ladder_on, invoice.ladder_step = ladder.began_on, ladder.step
    invoice.is_hard_declined = ladder.is_stopped
    touch(session, Touched.INVOICE, account.id, invoice.id)
    work = collection_work(account, invoice_id=invoice.id, ladder=ladder)
    attempts = [due.due_at for due in work if due.kind == "COLLECT"]
    invoice.next_attempt_at = attempts[0] if attempts else None
    await session.flush()
    await subscription_queries.unschedule(
        session, account_id=account.id, subject_id=invoice.id, kinds=["COLLECT"]
    )
    if account.row.frozen_at is not None:
        work = [due for due in work if due.kind != "FREEZE"]
    await subscription_queries.schedule(session, work)


async def _schedule_collect(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    """Make the due work of an invoice's charge agree with the invoice."""
    if invoice.next_attempt_at is None:
        await subscription_queries.unschedule(
            session, account_id=account.id, subject_id=invoice.id, kinds=["COLLECT"]
        )
        return
    work = Due(account.id, "COLLECT", invoice.id, invoice.next_attempt_at)
    await subscription_queries.schedule(session, [work])


def _event(outcome: Charged | Declined | None) -> AttemptEvent:
    match outcome:
        case Charged():
            return AttemptEvent.CHARGED
        case Declined():
            return AttemptEvent.REFUSED
        case None:
            return AttemptEvent.ANSWER_LOST


def _keep(account: AccountNow, customer: str, stored: StoredPaymentMethod) -> None:
    account.row.provider_customer = customer
    account.row.payment_method = stored.reference
    account.row.card_brand, account.row.card_last4 = stored.brand, stored.last4


def _today(account: AccountNow) -> date:
    return local_day(account.now, account.zone)


def _attempt_reference(key: str | None) -> tuple[UUID, UUID] | None:
    """Read an attempt's account and id out of its idempotency key; None for a key that is not ours."""
    kind, _, rest = (key or "").partition(":")
    account_id, _, attempt_id = rest.partition(":")
    try:
        return (UUID(account_id), UUID(attempt_id)) if kind == "attempt" else None
    except ValueError:
        return None

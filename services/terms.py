"""Paying yearly and what changes how a subscription is billed (sections 7 and 10): terms, renewals, ends, price books."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.queries import workspaces as workspace_queries
from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.calendar import local_day, opening
from domain.facts import (
    BookMigrated,
    Cancelled,
    EarlyStageStarted,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    YearlyStarted,
)
from domain.monthly import is_bundled
from domain.phases import Phase, PhaseKind
from domain.pricebook import Plan
from domain.seats import SeatType
from domain.subscriptions import (
    AlreadyCancelled,
    ContractManaged,
    NoSeats,
    NotAPurchase,
    NotCancelled,
    NotMonthly,
    NotYearly,
    TooFewSeats,
    TrialRunning,
    UnknownBook,
)
from services import histories, reminders, watching
from services.accounts import AccountNow
from services.beginnings import begin, book_to_sign, check_lite, check_none_runs, current, term_end
from services.histories import Running
from services.invoices import issue_change, schedule_close, turn


@traced
async def start_yearly(
    session: AsyncSession, account: AccountNow, *, plan: Plan, seats: int, is_psp: bool
) -> tuple[Subscription, list[Invoice]]:
    """Start a yearly subscription now, or switch the monthly one to it: cut there, one invoice of everything (section 10).

    Raises NoWorkspace, NoSeats, TooFewSeats, TooManyLiteSeats, ContractManaged, NotMonthly.
    """
    row = await histories.running_row(session, account)
    if row is not None:
        _, phase = await current(session, account)
        _refuse_contract(phase)
        is_in_programme = is_bundled(phase, local_day(account.now, account.zone))
        if phase.kind is PhaseKind.YEARLY or is_in_programme:
            raise NotMonthly(phase.kind.value.lower().replace("_", " "))
    book = await book_to_sign(session, account, plan=plan)
    await _check_purchase(session, account, seats=seats)

    fact = YearlyStarted(at=account.now, plan=plan, seats=seats, is_psp=is_psp, book_version=book.version)
    row, issued = await begin(
        session,
        account,
        row,
        fact,
        book=book,
        plan=plan,
        is_psp=is_psp,
    )
    _, term = await _yearly(session, account)
    await reminders.schedule(session, account, row, term, after=local_day(account.now, account.zone))
    return row, issued


@traced
async def start_early_stage(session: AsyncSession, account: AccountNow) -> tuple[Subscription, list[Invoice]]:
    """Start the Early Stage programme now (section 7); raises AlreadySubscribed, NoWorkspace, TooManyLiteSeats."""
    await check_none_runs(session, account)
    book = await book_to_sign(session, account, plan=None)

    fact = EarlyStageStarted(at=account.now, book_version=book.version)
    plan = book.early_stage.plan
    return await begin(session, account, None, fact, book=book, plan=plan, is_psp=True)


@traced
async def buy_seats(
    session: AsyncSession, account: AccountNow, *, seats: int, invoice_now: bool
) -> tuple[Subscription, list[Invoice]]:
    """Have this many purchased seats from today; the pair is on the next monthly invoice, or on one of its own now.

    Raises NoSubscription, NotYearly, NotAPurchase.
    """
    running, phase = await _yearly(session, account)
    purchased = phase.purchases[-1][1]
    if seats <= purchased:
        raise NotAPurchase(purchased, term_end(account, phase))

    fact = SeatsPurchased(at=account.now, seats=seats, invoice_now=invoice_now)
    await histories.append(session, account, running.row, fact)
    issued = await issue_change(session, account, running.row) if invoice_now else []
    await watching.terms_changed(session, account)
    return running.row, issued


@traced
async def set_renewal(
    session: AsyncSession,
    account: AccountNow,
    *,
    seats: int | None,
    plan: Plan | None,
    is_psp: bool | None,
    is_monthly: bool,
) -> Subscription:
    """Set what changes as the term renews; nothing set takes back what was set before (section 7).

    Raises NoSubscription, NotYearly, NoSeats, TooManyLiteSeats.
    """
    running, phase = await _yearly(session, account)
    if seats is not None and seats < 1:
        raise NoSeats(seats)
    if plan is not None:
        await check_lite(session, account, plan=plan, book=phase.book)

    fact = RenewalSet(at=account.now, seats=seats, plan=plan, is_psp=is_psp, is_monthly=is_monthly)
    await histories.append(session, account, running.row, fact)
    return running.row


@traced
async def cancel(session: AsyncSession, account: AccountNow) -> Subscription:
    """End the subscription with its paid period (section 10).

    Raises NoSubscription, TrialRunning, ContractManaged, AlreadyCancelled.
    """
    running, phase = await current(session, account)
    _refuse_contract(phase)
    if phase.kind is PhaseKind.TRIAL:
        raise TrialRunning(running.row.period_end, "it ends by itself unless you convert it")
    if running.row.ends_on is not None:
        raise AlreadyCancelled(running.row.ends_on)

    running.row.ends_on = term_end(account, phase)
    await histories.append(session, account, running.row, Cancelled(at=account.now))
    return running.row


@traced
async def resume(session: AsyncSession, account: AccountNow) -> Subscription:
    """Take a cancellation back before its day; raises NoSubscription, ContractManaged, NotCancelled."""
    running, phase = await current(session, account)
    _refuse_contract(phase)
    if running.row.ends_on is None:
        raise NotCancelled

    running.row.ends_on = None
    await histories.append(session, account, running.row, Resumed(at=account.now))
    return running.row


@traced
async def migrate_book(
    session: AsyncSession, account: AccountNow, *, version: int, on: date | None
) -> tuple[Subscription, list[Invoice]]:
    """Move the subscription to another price book (section 10).

    Monthly: on a date, as it opens, or today at once. Yearly and contracts: as they renew. Raises NoSubscription,
    TrialRunning, UnknownBook.
    """
    running, phase = await current(session, account)
    if phase.kind is PhaseKind.TRIAL:
        raise TrialRunning(running.row.period_end, "migrate the paid subscription that follows it")
    today = local_day(account.now, account.zone)
    is_at_renewal = phase.kind in {PhaseKind.YEARLY, PhaseKind.CONTRACT}
    day = phase.term_of(today).end if is_at_renewal else max(on or today, today)
    books = await pricebooks.books(session)
    if version not in books or books[version].effective_on > day or version == phase.book.version:
        raise UnknownBook(version, day)

    is_today, row = day == today, running.row
    at = account.now if is_today else opening(day, account.zone)
    fact = BookMigrated(at=at, book_version=version, as_day_opens=not is_today)
    await histories.append(session, account, row, fact)
    row.price_book_version = version
    if is_today:
        return row, await turn(session, account, row, on=today, anchor=row.anchor_on)
    if not is_at_renewal:
        row.period_end = min(row.period_end, day)
        await schedule_close(session, account, row)
    return row, []


async def _yearly(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await current(session, account)
    if phase.kind is not PhaseKind.YEARLY:
        raise NotYearly
    return running, phase


async def _check_purchase(session: AsyncSession, account: AccountNow, *, seats: int) -> None:
    held = (await workspace_queries.seats_held(session, [account.id])).get((account.id, SeatType.FULL), 0)
    if seats < 1:
        raise NoSeats(seats)
    if seats < held:
        raise TooFewSeats(held, seats)


def _refuse_contract(phase: Phase) -> None:
    if phase.kind is PhaseKind.CONTRACT:
        raise ContractManaged

"""Subscriptions: starting one, with a trial or without, and changing its plan and add-on (sections 6 and 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.ids import new_id
from adapters.queries import subscriptions as queries
from adapters.queries import workspaces as workspace_queries
from adapters.queries.subscriptions import Due
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.billing import at_moment, conversion
from domain.calendar import local_day, month_of, opening
from domain.pricebook import Plan, PriceBook
from domain.refusal import Refusal
from domain.seats import check_plan_holds_lite_seats
from domain.subscriptions import (
    AlreadyOnPlan,
    ConversionChosen,
    Ended,
    NotInTrial,
    Phase,
    PhaseKind,
    PlanChanged,
    PspAdded,
    PspAlreadyActive,
    PspNotActive,
    PspRemoved,
    Started,
    TrialExtended,
    TrialExtendedAlready,
    TrialRunning,
    TrialStarted,
    conversion_chosen,
    is_trial_extended,
)
from services import histories
from services.accounts import AccountNow
from services.histories import NoSubscription, Running
from services.invoices import issue


@dataclass(eq=False)
class AlreadySubscribed(Refusal):
    """An account has one subscription at a time."""

    template = "The account has a running subscription since {since}; change that one instead."
    since: date


@dataclass(eq=False)
class NoWorkspace(Refusal):
    """Nobody could use the subscription."""

    template = (
        "The account has no workspace yet; create one first, so that somebody can use the subscription."
    )


async def start(
    session: AsyncSession, account: AccountNow, *, plan: Plan, is_psp: bool
) -> tuple[Subscription, list[Invoice]]:
    """Start a paid monthly subscription now and issue its first invoice.

    Raises AlreadySubscribed, NoWorkspace, TooManyLiteSeats.
    """
    book = await _check_start(session, account, plan=plan)

    start_on = local_day(account.now, account.zone)
    row = _row(
        account, status="ACTIVE", plan=plan, book=book, start=start_on, end=month_of(start_on, start_on).end
    )
    row.is_psp = is_psp
    session.add(row)
    await session.flush()
    fact = Started(at=account.now, plan=plan, is_psp=is_psp, book_version=book.version)
    await histories.append(session, account, row, fact)
    issued = await issue(session, [account], on={account.id: start_on}, rows=[row])
    await _schedule_close(session, account, row)
    return row, issued


async def start_trial(session: AsyncSession, account: AccountNow, *, plan: Plan) -> Subscription:
    """Start a free trial (section 10); raises AlreadySubscribed, NoWorkspace, TooManyLiteSeats."""
    book = await _check_start(session, account, plan=plan)

    start_on = local_day(account.now, account.zone)
    end_on = start_on + timedelta(days=book.trial_days)
    row = _row(account, status="TRIAL", plan=plan, book=book, start=start_on, end=end_on)
    session.add(row)
    await session.flush()
    await histories.append(
        session, account, row, TrialStarted(at=account.now, plan=plan, book_version=book.version)
    )
    await _schedule_trial_end(session, account, row)
    return row


async def extend_trial(session: AsyncSession, account: AccountNow) -> Subscription:
    """Give a trial its one extension; raises NoSubscription, NotInTrial, TrialExtendedAlready."""
    running, phase = await _trial(session, account)
    if is_trial_extended(running.history.facts):
        raise TrialExtendedAlready(running.row.period_end)

    row = running.row
    row.period_end += timedelta(days=phase.book.trial_extension_days)
    await histories.append(session, account, row, TrialExtended(at=account.now))
    await _schedule_trial_end(session, account, row)
    return row


async def choose_conversion(
    session: AsyncSession, account: AccountNow, *, plan: Plan, is_psp: bool
) -> Subscription:
    """Choose what the trial becomes as it ends, if there is a payment method then.

    Raises NoSubscription, NotInTrial, TooManyLiteSeats.
    """
    running, phase = await _trial(session, account)
    await _check_lite(session, account, plan=plan, book=phase.book)

    fact = ConversionChosen(at=account.now, plan=plan, is_psp=is_psp)
    await histories.append(session, account, running.row, fact)
    return running.row


async def convert_now(
    session: AsyncSession, account: AccountNow, *, plan: Plan, is_psp: bool
) -> tuple[Subscription, list[Invoice]]:
    """End the trial today and start the paid subscription now.

    Raises NoSubscription, NotInTrial, TooManyLiteSeats.
    """
    running, phase = await _trial(session, account)
    await _check_lite(session, account, plan=plan, book=phase.book)

    fact = Started(at=account.now, plan=plan, is_psp=is_psp, book_version=phase.book.version)
    return running.row, await _begin_paid(session, account, running.row, fact)


async def change_plan(session: AsyncSession, account: AccountNow, *, plan: Plan) -> Subscription:
    """Change the plan on today's date, either way (section 6).

    Raises NoSubscription, AlreadyOnPlan, TooManyLiteSeats.
    """
    running, phase = await _current(session, account)
    if phase.plan is plan:
        raise AlreadyOnPlan(plan.label)
    await _check_lite(session, account, plan=plan, book=phase.book)

    running.row.plan = plan.value
    await histories.append(session, account, running.row, PlanChanged(at=account.now, plan=plan))
    return running.row


async def add_psp(session: AsyncSession, account: AccountNow) -> Subscription:
    """Add Proactive Support Plus, or take its removal back (section 6).

    Raises NoSubscription, TrialRunning, PspAlreadyActive.
    """
    running, phase = await _paid(session, account)
    span = phase.psp_at(account.now, account.zone)
    if span and span.until is None:
        raise PspAlreadyActive

    running.row.is_psp = True
    await histories.append(session, account, running.row, PspAdded(at=account.now))
    return running.row


async def remove_psp(session: AsyncSession, account: AccountNow) -> Subscription:
    """Remove Proactive Support Plus: access to the end of the period, no credit (section 6).

    Raises NoSubscription, TrialRunning, PspNotActive.
    """
    running, phase = await _paid(session, account)
    span = phase.psp_at(account.now, account.zone)
    if span is None or span.until is not None:
        raise PspNotActive

    running.row.is_psp = False
    await histories.append(session, account, running.row, PspRemoved(at=account.now))
    return running.row


async def end_trial(session: AsyncSession, account: AccountNow) -> list[Invoice]:
    """End a trial whose time is up: it converts if a plan and a payment method were set (section 10)."""
    row = (await queries.live(session, [account.id])).get(account.id)
    if row is None or row.status != "TRIAL" or account.now < opening(row.period_end, account.zone):
        return []
    running = (await histories.load(session, [account], [row]))[account.id]
    choice = conversion_chosen(running.history.facts)
    if choice and account.row.payment_method:
        return await _begin_paid(session, account, row, conversion(running.history, choice))

    ended_at = opening(row.period_end, account.zone)
    await histories.append(session, account, row, Ended(at=ended_at))
    row.status, row.ended_at = "ENDED", ended_at
    await queries.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["TRIAL_END"])
    return []


async def _begin_paid(
    session: AsyncSession, account: AccountNow, row: Subscription, fact: Started
) -> list[Invoice]:
    """Turn a trial into a paid subscription with its anchor on the day the trial ends, and issue its first invoice."""
    start_on = local_day(fact.at, account.zone)
    row.status, row.plan, row.is_psp = "ACTIVE", fact.plan.value, fact.is_psp
    row.anchor_on = row.period_start = start_on
    row.period_end = month_of(start_on, start_on).end
    await histories.append(session, account, row, fact)
    issued = await issue(session, [account], on={account.id: start_on}, rows=[row])
    await queries.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["TRIAL_END"])
    await _schedule_close(session, account, row)
    return issued


async def _check_start(session: AsyncSession, account: AccountNow, *, plan: Plan) -> PriceBook:
    live = (await queries.live(session, [account.id])).get(account.id)
    if live:
        raise AlreadySubscribed(local_day(live.started_at, account.zone))
    if not await workspace_queries.of_accounts(session, [account.id]):
        raise NoWorkspace
    book = await pricebooks.current(session, on=local_day(account.now, account.zone))
    await _check_lite(session, account, plan=plan, book=book)
    return book


async def _check_lite(session: AsyncSession, account: AccountNow, *, plan: Plan, book: PriceBook) -> None:
    check_plan_holds_lite_seats(
        plan=plan,
        included=book.plans[plan].lite_seats_included,
        lite_teammates=await workspace_queries.lite_teammates(session, account_id=account.id),
    )


async def _current(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running = await histories.running(session, account)
    now = at_moment(running.history, account.now)
    if now is None:
        raise NoSubscription
    return running, now.phase


async def _trial(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await _current(session, account)
    if phase.kind is not PhaseKind.TRIAL:
        raise NotInTrial
    return running, phase


async def _paid(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await _current(session, account)
    if phase.kind is PhaseKind.TRIAL:
        advice = "it has every add-on; choose Proactive Support Plus for the time after when you convert it"
        raise TrialRunning(running.row.period_end, advice)
    return running, phase


async def _schedule_close(session: AsyncSession, account: AccountNow, row: Subscription) -> None:
    due_at = opening(row.period_end, account.zone)
    await queries.schedule(session, [Due(account.id, "CLOSE", row.id, due_at)])


async def _schedule_trial_end(session: AsyncSession, account: AccountNow, row: Subscription) -> None:
    due_at = opening(row.period_end, account.zone)
    await queries.schedule(session, [Due(account.id, "TRIAL_END", row.id, due_at)])


def _row(
    account: AccountNow, *, status: str, plan: Plan, book: PriceBook, start: date, end: date
) -> Subscription:
    return Subscription(
        account_id=account.id,
        id=new_id(),
        status=status,
        plan=plan.value,
        price_book_version=book.version,
        is_psp=False,
        anchor_on=start,
        period_start=start,
        period_end=end,
        started_at=account.now,
    )

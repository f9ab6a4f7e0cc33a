"""Monthly subscriptions and trials: starting, converting, and changing plan and add-on (sections 6, 7 and 10)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import duework
from adapters.queries.duework import Due
from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.billing import conversion
from domain.calendar import local_day, opening
from domain.facts import (
    ConversionChosen,
    Ended,
    PlanChanged,
    PspAdded,
    PspRemoved,
    Started,
    TrialExtended,
    TrialStarted,
    conversion_chosen,
    is_trial_extended,
)
from domain.monthly import is_bundled
from domain.phases import Phase, PhaseKind
from domain.pricebook import Plan
from domain.subscriptions import (
    AlreadyOnPlan,
    BundledSeats,
    ContractManaged,
    NotInTrial,
    PspAlreadyActive,
    PspNotActive,
    TrialExtendedAlready,
    TrialRunning,
    WaitsForRenewal,
)
from services import histories, watching
from services.accounts import AccountNow
from services.beginnings import begin, book_to_sign, check_lite, check_none_runs, current, new_row, term_end
from services.histories import Running
from services.invoices import issue_change


@traced
async def start(
    session: AsyncSession, account: AccountNow, *, plan: Plan, is_psp: bool
) -> tuple[Subscription, list[Invoice]]:
    """Start a paid monthly subscription now and issue its first invoice.

    Raises AlreadySubscribed, NoWorkspace, TooManyLiteSeats.
    """
    await check_none_runs(session, account)
    book = await book_to_sign(session, account, plan=plan)

    fact = Started(at=account.now, plan=plan, is_psp=is_psp, book_version=book.version)
    return await begin(session, account, None, fact, book=book, plan=plan, is_psp=is_psp)


@traced
async def start_trial(session: AsyncSession, account: AccountNow, *, plan: Plan) -> Subscription:
    """Start a free trial (section 10); raises AlreadySubscribed, NoWorkspace, TooManyLiteSeats."""
    await check_none_runs(session, account)
    book = await book_to_sign(session, account, plan=plan)

    start_on = local_day(account.now, account.zone)
    end_on = start_on + timedelta(days=book.trial_days)
    row = new_row(account, status="TRIAL", plan=plan, book=book, start=start_on, end=end_on)
    row.billing = PhaseKind.TRIAL.value
    session.add(row)
    await session.flush()
    await histories.append(
        session, account, row, TrialStarted(at=account.now, plan=plan, book_version=book.version)
    )
    await _schedule_trial_end(session, account, row)
    await watching.periods_opened(session, [account])
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
    await check_lite(session, account, plan=plan, book=phase.book)

    fact = ConversionChosen(at=account.now, plan=plan, is_psp=is_psp)
    await histories.append(session, account, running.row, fact)
    return running.row


@traced
async def convert_now(
    session: AsyncSession, account: AccountNow, *, plan: Plan, is_psp: bool
) -> tuple[Subscription, list[Invoice]]:
    """End the trial today and start the paid subscription now.

    Raises NoSubscription, NotInTrial, TooManyLiteSeats.
    """
    running, phase = await _trial(session, account)
    await check_lite(session, account, plan=plan, book=phase.book)

    fact = Started(at=account.now, plan=plan, is_psp=is_psp, book_version=phase.book.version)
    return await _begin_paid(session, account, running, fact)


@traced
async def change_plan(
    session: AsyncSession, account: AccountNow, *, plan: Plan, invoice_now: bool = False
) -> tuple[Subscription, list[Invoice]]:
    """Change the plan on today's date: either way when paid monthly, upward when paid yearly (sections 6 and 7).

    Raises NoSubscription, AlreadyOnPlan, TooManyLiteSeats, ContractManaged, BundledSeats, WaitsForRenewal.
    """
    running, phase = await current(session, account)
    _refuse_managed(account, phase)
    if phase.plan is plan:
        raise AlreadyOnPlan(plan.label)
    if _is_yearly(phase) and phase.book.plans[plan].yearly < phase.book.plans[phase.plan].yearly:
        raise WaitsForRenewal(term_end(account, phase))
    await check_lite(session, account, plan=plan, book=phase.book)

    is_now = invoice_now and _is_yearly(phase)
    running.row.plan = plan.value
    fact = PlanChanged(at=account.now, plan=plan, invoice_now=is_now)
    await histories.append(session, account, running.row, fact)
    issued = await issue_change(session, account, running.row) if is_now else []
    await watching.terms_changed(session, account)
    return running.row, issued


@traced
async def add_psp(
    session: AsyncSession, account: AccountNow, *, invoice_now: bool = False
) -> tuple[Subscription, list[Invoice]]:
    """Add Proactive Support Plus, or take its removal back (sections 6 and 7).

    Raises NoSubscription, TrialRunning, PspAlreadyActive, ContractManaged, BundledSeats.
    """
    running, phase = await _paid(session, account)
    span = phase.psp_at(account.now, account.zone)
    # Of a year, an end that is set for the renewal is taken back by setting the renewal anew.
    if span and (span.until is None or _is_yearly(phase)):
        raise PspAlreadyActive

    is_now = invoice_now and _is_yearly(phase)
    running.row.is_psp = True
    await histories.append(session, account, running.row, PspAdded(at=account.now, invoice_now=is_now))
    issued = await issue_change(session, account, running.row) if is_now else []
    await watching.terms_changed(session, account)
    return running.row, issued


@traced
async def remove_psp(session: AsyncSession, account: AccountNow) -> Subscription:
    """Remove Proactive Support Plus: access to the end of the period, no credit (section 6).

    Raises NoSubscription, TrialRunning, PspNotActive, ContractManaged, BundledSeats, WaitsForRenewal.
    """
    running, phase = await _paid(session, account)
    if _is_yearly(phase):
        raise WaitsForRenewal(term_end(account, phase))
    span = phase.psp_at(account.now, account.zone)
    if span is None or span.until is not None:
        raise PspNotActive

    running.row.is_psp = False
    await histories.append(session, account, running.row, PspRemoved(at=account.now))
    return running.row


@traced
async def end_trial(session: AsyncSession, account: AccountNow) -> list[Invoice]:
    """End a trial whose time is up: it converts if a plan and a payment method were set (section 10)."""
    row = await histories.running_row(session, account)
    if row is None or row.status != "TRIAL" or account.now < opening(row.period_end, account.zone):
        return []
    running = (await histories.load(session, [account], [row]))[account.id]
    choice = conversion_chosen(running.history.facts)
    if choice and account.row.payment_method:
        _, issued = await _begin_paid(session, account, running, conversion(running.history, choice))
        return issued

    ended_at = opening(row.period_end, account.zone)
    await histories.append(session, account, row, Ended(at=ended_at))
    row.status, row.ended_at = "ENDED", ended_at
    await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["TRIAL_END"])
    return []


async def _begin_paid(
    session: AsyncSession, account: AccountNow, running: Running, fact: Started
) -> tuple[Subscription, list[Invoice]]:
    """Turn a trial into a paid subscription with its anchor on the day the trial ends, and issue its first invoice."""
    return await begin(
        session,
        account,
        running.row,
        fact,
        book=running.history.books[fact.book_version],
        plan=fact.plan,
        is_psp=fact.is_psp,
    )


async def _trial(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await current(session, account)
    if phase.kind is not PhaseKind.TRIAL:
        raise NotInTrial
    return running, phase


async def _paid(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await current(session, account)
    if phase.kind is PhaseKind.TRIAL:
        advice = "it has every add-on; choose Proactive Support Plus for the time after when you convert it"
        raise TrialRunning(running.row.period_end, advice)
    _refuse_managed(account, phase)
    return running, phase


def _refuse_managed(account: AccountNow, phase: Phase) -> None:
    if phase.kind is PhaseKind.CONTRACT:
        raise ContractManaged
    if is_bundled(phase, local_day(account.now, account.zone)):
        raise BundledSeats


def _is_yearly(phase: Phase) -> bool:
    return phase.kind is PhaseKind.YEARLY


async def _schedule_trial_end(session: AsyncSession, account: AccountNow, row: Subscription) -> None:
    due_at = opening(row.period_end, account.zone)
    await duework.schedule(session, [Due(account.id, "TRIAL_END", row.id, due_at)])

"""How subscriptions begin and change their billing: shared by trials, monthly and yearly ones, and contracts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.ids import new_id
from adapters.queries import duework, locks
from adapters.queries import workspaces as workspace_queries
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.billing import at_moment
from domain.calendar import local_day, month_of
from domain.facts import Opening
from domain.phases import Phase
from domain.pricebook import Plan, PriceBook
from domain.refusal import Refusal
from domain.seats import check_plan_holds_lite_seats
from services import histories
from services.accounts import AccountNow
from services.histories import NoSubscription, Running
from services.invoices import turn


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


async def current(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    """Load the running subscription and the phase it is in; raises NoSubscription."""
    running = await histories.running(session, account)
    now = at_moment(running.history, account.now)
    if now is None:
        raise NoSubscription
    return running, now.phase


def term_end(account: AccountNow, phase: Phase) -> date:
    """Give the date on which the term that runs today ends or renews."""
    return phase.term_of(local_day(account.now, account.zone)).end


async def check_none_runs(session: AsyncSession, account: AccountNow) -> None:
    """Refuse a second subscription; raises AlreadySubscribed."""
    live = await histories.running_row(session, account)
    if live:
        raise AlreadySubscribed(local_day(live.started_at, account.zone))


async def book_to_sign(
    session: AsyncSession, account: AccountNow, *, plan: Plan | None, agreed: int | None = None
) -> PriceBook:
    """Give the price book a new agreement signs, having checked that the plan fits; no plan: any does.

    Raises NoWorkspace, TooManyLiteSeats.
    """
    if not await workspace_queries.of_accounts(session, [account.id]):
        raise NoWorkspace
    book = await pricebooks.current(session, on=local_day(account.now, account.zone))
    await check_lite(session, account, plan=plan or book.early_stage.plan, book=book, agreed=agreed)
    return book


async def check_lite(
    session: AsyncSession, account: AccountNow, *, plan: Plan, book: PriceBook, agreed: int | None = None
) -> None:
    """Refuse a plan that includes fewer lite seats than are held; raises TooManyLiteSeats (section 4).

    A number that was `agreed` in a contract takes the place of the plan's.
    """
    check_plan_holds_lite_seats(
        plan=plan,
        included=book.plans[plan].lite_seats_included if agreed is None else agreed,
        lite_teammates=await workspace_queries.lite_teammates(session, account_id=account.id),
    )


async def begin(
    session: AsyncSession,
    account: AccountNow,
    row: Subscription | None,
    fact: Opening,
    *,
    book: PriceBook,
    plan: Plan,
    is_psp: bool,
) -> tuple[Subscription, list[Invoice]]:
    """Record that a paid phase begins, over the one that runs if there is one, and issue the invoice of that date."""
    start_on = local_day(fact.at, account.zone)
    if row is None:
        row = new_row(account, status="ACTIVE", plan=plan, book=book, start=start_on)
        session.add(row)
        await session.flush()
    else:
        await locks.stop_usage(session, [account.id])
        await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["TRIAL_END"])
    row.price_book_version = book.version
    await histories.append(session, account, row, fact)
    issued = await turn(session, account, row, on=start_on, anchor=start_on)
    row.status, row.is_psp, row.ends_on = "ACTIVE", is_psp, None
    await session.flush()
    return row, issued


def new_row(
    account: AccountNow, *, status: str, plan: Plan, book: PriceBook, start: date, end: date | None = None
) -> Subscription:
    """Make the row of a subscription that begins."""
    return Subscription(
        account_id=account.id,
        id=new_id(),
        status=status,
        plan=plan.value,
        price_book_version=book.version,
        is_psp=False,
        anchor_on=start,
        period_start=start,
        period_end=end or month_of(start, start).end,
        started_at=account.now,
    )

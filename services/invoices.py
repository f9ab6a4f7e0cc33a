"""Issuing invoices: what should have been billed, less what has been, for one account or hundreds at a stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import duework, locks
from adapters.queries import invoices as queries
from adapters.queries import subscriptions as subscription_queries
from adapters.queries.duework import Due
from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.billing import running_period
from domain.calendar import Period, local_day, month_of, opening
from domain.dunning import DunningState, Ladder
from domain.invoicing import change_lines, next_invoices
from domain.phases import phase_at
from domain.refusal import Refusal
from domain.sections import Stream
from services import histories, watching
from services.accounts import AccountNow
from services.drafts import Draft, Issue, draft, write
from services.histories import Running
from services.ledger import apply_credit, credit_balances


@dataclass(eq=False)
class UnknownInvoice(Refusal):
    """No invoice of the caller's has the id."""

    template = "No invoice has this id; invoices of other accounts look the same as none."


@traced
async def close(session: AsyncSession, accounts: Sequence[AccountNow]) -> int:
    """Close the period of each locked account whose end has come on its clock, and open the next; give their number.

    One period an account and call; done again, it finds nothing to do. Accounts are a set: one is a set of one.
    """
    # Before anything is read: a recording that commits meanwhile may move the mark of how far back to look.
    await locks.stop_usage(session, [account.id for account in accounts])
    live = await subscription_queries.live(session, [account.id for account in accounts])
    ready = [account for account in accounts if _is_over(account, live.get(account.id))]
    rows = [live[account.id] for account in ready]
    if ready:
        ends = {row.account_id: row.period_end for row in rows}
        _, loaded = await _issue(session, ready, on=ends, rows=rows)
        await _open_next(session, ready, loaded)
    return len(ready) + await _close_ended(session, accounts)


@traced
async def turn(
    session: AsyncSession, account: AccountNow, row: Subscription, *, on: date, anchor: date
) -> list[Invoice]:
    """Invoice a date at which a subscription begins, is cut or is billed otherwise, and let its periods run from there.

    The facts that say so are recorded already.
    """
    opens = Period(on, month_of(anchor, on).end)
    drafts, loaded = await _issue(
        session, [account], on={account.id: on}, rows=[row], occasion="TURN", period=opens
    )
    row.anchor_on, row.dirty_from = anchor, None
    _let_run(account, loaded[account.id], on)
    await schedule_close(session, account, row)
    await watching.periods_opened(session, [account])
    return [each.row for each in drafts]


async def schedule_close(session: AsyncSession, account: AccountNow, row: Subscription) -> None:
    """Make the subscription fall due for closing as the day after its period opens."""
    due_at = opening(row.period_end, account.zone)
    await session.flush()
    await duework.schedule(session, [Due(account.id, "CLOSE", row.id, due_at)])


@traced
async def issue_change(session: AsyncSession, account: AccountNow, row: Subscription) -> list[Invoice]:
    """Issue an invoice of today's changes only, which the customer asked for at once (section 7)."""
    today = local_day(account.now, account.zone)
    running = (await histories.load(session, [account], [row]))[account.id]
    lines = change_lines(running.history, running.loaded.billed, on=today, since=running.loaded.since)
    balance = await apply_credit(session, account)
    invoices = ((Stream.CHANGE, lines),) if lines else ()
    issue = Issue(today, "CHANGE", Period(row.period_start, row.period_end))
    drafts = draft(account, row, invoices, issue, balance=balance)
    await write(session, drafts)
    return [each.row for each in drafts]


async def find_invoice(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> Invoice:
    """Give an invoice of an account; raises UnknownInvoice."""
    invoice = await queries.find(session, account_id=account_id, invoice_id=invoice_id)
    if invoice is None:
        raise UnknownInvoice
    return invoice


def ladder_of(invoice: Invoice) -> Ladder:
    """Give where the collection of an invoice stands."""
    return Ladder(invoice.ladder_on, invoice.ladder_step, DunningState(invoice.dunning_state))


async def _issue(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    *,
    on: Mapping[UUID, date],
    rows: Sequence[Subscription],
    occasion: str = "CLOSE",
    period: Period | None = None,
) -> tuple[list[Draft], dict[UUID, Running]]:
    """Issue the invoices of each account's date, all written at once, for the period that runs or for another one."""
    loaded = await histories.load(session, accounts, rows, through=on)
    balances = await credit_balances(session, [account.id for account in accounts])
    for account in accounts:
        if balances[account.id] > 0:
            balances[account.id] = await apply_credit(session, account)

    drafts: list[Draft] = []
    for account in accounts:
        running, day = loaded[account.id], on[account.id]
        invoices = next_invoices(running.history, running.loaded.billed, on=day, since=running.loaded.since)
        shown = period or Period(running.row.period_start, running.row.period_end)
        issue = Issue(day, occasion, shown)
        drafts += draft(account, running.row, invoices, issue, balance=balances[account.id])
    await write(session, drafts)
    return drafts, loaded


async def _open_next(
    session: AsyncSession, accounts: Sequence[AccountNow], loaded: Mapping[UUID, Running]
) -> None:
    """Let the next period run, or end a subscription that was cancelled."""
    work = []
    rows = [loaded[account.id].row for account in accounts]
    for account, row in zip(accounts, rows, strict=True):
        row.dirty_from = None
        if row.ends_on is not None and row.period_end >= row.ends_on:
            row.status, row.ended_at = "ENDED", opening(row.ends_on, account.zone)
            continue
        _let_run(account, loaded[account.id], row.period_end)
        work.append(Due(account.id, "CLOSE", row.id, opening(row.period_end, account.zone)))
    await session.flush()
    for account, row in zip(accounts, rows, strict=True):
        if row.status == "ENDED":
            await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["CLOSE"])
    await duework.schedule(session, work)
    await watching.periods_opened(session, accounts)


def _let_run(account: AccountNow, running: Running, day: date) -> None:
    """Let the period run that a day opens, billed as was agreed or set for it; a scheduled cut ends it early."""
    row, found = running.row, running.history.phases()
    phase = next(phase for phase in reversed(found) if phase.start <= day)
    row.period_start, row.period_end = day, running_period(phase, day).end
    row.billing, row.billing_months = phase.kind.value, phase.billing_months
    if now := phase_at(found, account.now, account.zone):
        row.plan = now.plan.value


async def _close_ended(session: AsyncSession, accounts: Sequence[AccountNow]) -> int:
    """Invoice what arrived for a subscription after its end, on its next anchor day (section 10)."""
    by_id = {account.id: account for account in accounts}
    late = await subscription_queries.ended_with_late_facts(session, by_id)
    due = [
        row
        for row in late
        if by_id[row.account_id].now >= opening(row.period_end, by_id[row.account_id].zone)
    ]
    for row in due:
        account = by_id[row.account_id]
        await _issue(session, [account], on={account.id: row.period_end}, rows=[row])
        row.dirty_from = None
        await session.flush()
        await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["CLOSE"])
    return len(due)


def _is_over(account: AccountNow, row: Subscription | None) -> bool:
    if row is None or row.status != "ACTIVE":
        return False
    return account.now >= opening(row.period_end, account.zone)

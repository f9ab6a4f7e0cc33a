"""Reading a subscription as it will be billed: the next invoice by the invoice's own computation, and the run rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import subscriptions as queries
from adapters.spans import traced
from adapters.tables.subscriptions import Subscription
from domain.billing import Now, Preview, at_moment, converted, preview, run_rate
from domain.billing import forecast as expected
from domain.calendar import Period, local_day
from domain.facts import RenewalSet, conversion_chosen
from domain.invoicing import Line, Settlement, settle, total
from domain.phases import Phase, PhaseKind, PspSpan, renewal_set
from domain.pricebook import Plan
from services import histories
from services.accounts import AccountNow
from services.histories import Running
from services.ledger import credit_ahead


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """The next invoice if nothing more happens: its date, its lines and how credit would settle it.

    Where two are due on the date, the lines of both, in the order in which they are numbered.
    """

    account_id: UUID
    invoice_on: date
    period: Period
    lines: tuple[Line, ...]
    settlement: Settlement
    is_yearly: bool = False

    @property
    def total(self) -> int:
        """Sum of the lines in cents."""
        return total(self.lines)


@dataclass(frozen=True, slots=True)
class Overview:
    """A running subscription as it stands: plan, add-on, period, run rate in cents and next invoice."""

    row: Subscription
    plan: Plan
    psp: PspSpan | None
    period: Period
    run_rate: int
    next_invoice: NextInvoice | None
    lite_seats_included: int
    phase: Phase
    term: Period
    renewal: RenewalSet | None
    as_of: datetime


@traced
async def overviews(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, Overview]:
    """Give the running subscription of each account that has one, read in a fixed number of statements."""
    live = await queries.live(session, [account.id for account in accounts])
    having = [account for account in accounts if account.id in live]
    if not having:
        return {}
    loaded = await histories.load(session, having, [live[account.id] for account in having])
    balances = await credit_ahead(session, [account.id for account in having])

    found: dict[UUID, Overview] = {}
    for account in having:
        overview = _overview(account, loaded[account.id], balance=balances[account.id])
        if overview is not None:
            found[account.id] = overview
    return found


@traced
async def forecast(session: AsyncSession, account: AccountNow) -> NextInvoice | None:
    """Give the next invoice if usage goes on as it has in the running period; None without a paid subscription."""
    row = await histories.running_row(session, account)
    if row is None:
        return None
    running = (await histories.load(session, [account], [row]))[account.id]
    now = at_moment(running.history, account.now)
    if now is None or now.phase.kind is PhaseKind.TRIAL:
        return None
    today = local_day(account.now, account.zone)
    found = expected(running.history, running.loaded.billed, now=now, since=running.loaded.since, today=today)
    balance = (await credit_ahead(session, [account.id]))[account.id]
    return _promised(account, found, now, balance=balance)


def _overview(account: AccountNow, running: Running, *, balance: int) -> Overview | None:
    now = at_moment(running.history, account.now)
    if now is None:
        return None
    today = local_day(account.now, account.zone)
    return Overview(
        row=running.row,
        plan=now.phase.plan,
        psp=now.phase.psp_at(account.now, account.zone),
        period=now.period,
        run_rate=run_rate(running.history, account.now, now),
        next_invoice=_next_invoice(account, running, now, balance=balance),
        lite_seats_included=now.phase.lite_seats_included(now.phase.plan),
        phase=now.phase,
        term=_term(now, today),
        renewal=renewal_set(running.history.facts, now.phase, today=today, zone=account.zone),
        as_of=account.now,
    )


def _next_invoice(account: AccountNow, running: Running, now: Now, *, balance: int) -> NextInvoice | None:
    """Work out the next invoice; a trial has one only if it is to become paid, an ending one if something is left."""
    history = running.history
    if now.phase.kind is PhaseKind.TRIAL:
        choice = conversion_chosen(history.facts)
        if choice is None or account.row.payment_method is None:
            return None
        history = converted(history, choice)
    found = preview(history, running.loaded.billed, now=now, since=running.loaded.since)
    return _promised(account, found, now, balance=balance)


def _promised(account: AccountNow, found: Preview, now: Now, *, balance: int) -> NextInvoice | None:
    """Give what will be invoiced; without lines nothing will."""
    if not found.lines:
        return None
    return NextInvoice(
        account.id,
        found.on,
        now.period,
        found.lines,
        settle(total(found.lines), balance),
        is_yearly=now.phase.kind is PhaseKind.YEARLY,
    )


def _term(now: Now, today: date) -> Period:
    """Give what is paid or signed for; a trial is one term."""
    return now.period if now.phase.kind is PhaseKind.TRIAL else now.phase.term_of(today)

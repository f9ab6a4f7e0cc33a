"""Where a usage event went: its day and period, the tiers its units fell in, and the invoice lines that count it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import alerts as alert_queries
from adapters.queries import subscriptions as subscription_queries
from adapters.queries import usage as queries
from adapters.spans import traced
from adapters.tables.alerts import AlertLevel
from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.usage import UsageEvent, UsageTakeback
from domain.billing import running_period
from domain.calendar import Period
from domain.events import UnknownEvent, is_name
from domain.phases import PhaseKind, phase_on
from domain.pricebook import Metric
from domain.rating import TierPart, tiers_between
from services import histories
from services.accounts import AccountNow


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded event and what became of it; `tiers` are those its units fall in, counted as they were recorded."""

    event: UsageEvent
    taken_back: UsageTakeback | None
    period: Period | None
    is_free: bool
    tiers: tuple[TierPart, ...]
    lines: tuple[tuple[Invoice, InvoiceLine], ...]
    alerts: tuple[AlertLevel, ...]
    as_of: datetime


@traced
async def trace(session: AsyncSession, account: AccountNow, *, workspace_id: UUID, event_id: str) -> Trace:
    """Follow an event to its bill; raises UnknownEvent."""
    known = await _find(session, account, workspace_id=workspace_id, event_id=event_id)
    taken_back = await queries.take_back_of(
        session, account_id=account.id, workspace_id=workspace_id, event_id=event_id
    )
    fired = await alert_queries.fired_with(
        session,
        account_id=account.id,
        workspace_id=workspace_id,
        metric=known.metric,
        recorded_at=known.recorded_at,
    )
    alerts = tuple(fired)
    rows = await subscription_queries.all_of(session, account_id=account.id)
    folded = await histories.phases_of(session, [account], rows)
    for row in rows:
        if phase := phase_on(folded[row.id], known.day):
            period = running_period(phase, known.day)
            before = await queries.units_before(session, known, start=period.start, end=period.end)
            card = phase.book.metrics[Metric(known.metric)].card
            lines = await queries.lines_of_usage(session, row, metric=known.metric, period_start=period.start)
            return Trace(
                known,
                taken_back,
                period,
                phase.kind is PhaseKind.TRIAL,
                tiers_between(card, before, before + known.units),
                tuple(lines),
                alerts,
                account.now,
            )
    return Trace(known, taken_back, None, is_free=True, tiers=(), lines=(), alerts=alerts, as_of=account.now)


async def _find(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, event_id: str
) -> UsageEvent:
    if not is_name(event_id):
        raise UnknownEvent(event_id[:255])
    found = await queries.events(
        session, account_id=account.id, workspace_id=workspace_id, event_ids=[event_id]
    )
    if event_id not in found:
        raise UnknownEvent(event_id)
    return found[event_id]

"""Usage totals by day, from the rollup; events are read one by one only when asked for by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.subscriptions import Subscription
from adapters.tables.usage import UsageDay, UsageEvent, UsageTakeback
from adapters.tables.workspaces import Workspace
from domain.calendar import Period

BATCH: Final = 1000
"""Rows held at a time of a list that may be long."""


class DayTotal(NamedTuple):
    """Units of one workspace, metric, channel and day."""

    workspace_id: UUID
    metric: str
    channel: str
    day: date
    units: int


class DayRow(NamedTuple):
    """A day's total with the name of its workspace; `channel` is empty for metrics that have none."""

    day: date
    workspace_id: UUID
    workspace: str
    metric: str
    channel: str
    units: int
    events: int


async def day_totals(session: AsyncSession, *, account_id: UUID, start: date, end: date) -> list[DayTotal]:
    """Give an account's totals over `[start, end)`."""
    query = (
        select(
            col(UsageDay.workspace_id),
            col(UsageDay.metric),
            col(UsageDay.channel),
            col(UsageDay.day),
            col(UsageDay.units),
        )
        .where(col(UsageDay.account_id) == account_id, col(UsageDay.day) >= start, col(UsageDay.day) < end)
        .order_by(col(UsageDay.day))
    )
    return [DayTotal(*row) for row in await session.execute(query)]


async def day_rows(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, days: Period
) -> AsyncIterator[Sequence[DayRow]]:
    """Give an account's totals, or one workspace's, by day, in batches read through a cursor of the server's."""
    query = (
        select(
            col(UsageDay.day),
            col(UsageDay.workspace_id),
            col(Workspace.name),
            col(UsageDay.metric),
            col(UsageDay.channel),
            col(UsageDay.units),
            col(UsageDay.events),
        )
        .join(
            Workspace,
            and_(
                col(Workspace.account_id) == col(UsageDay.account_id),
                col(Workspace.id) == col(UsageDay.workspace_id),
            ),
        )
        .where(
            col(UsageDay.account_id) == account_id,
            col(UsageDay.day) >= days.start,
            col(UsageDay.day) < days.end,
            # A total that was taken back to nothing is no usage.
            col(UsageDay.events) > 0,
        )
        .order_by(col(UsageDay.day), col(UsageDay.workspace_id), col(UsageDay.metric), col(UsageDay.channel))
    )
    if workspace_id is not None:
        query = query.where(col(UsageDay.workspace_id) == workspace_id)
    found = await session.stream(query, execution_options={"yield_per": BATCH})
    async for rows in found.partitions():
        yield [DayRow(*row) for row in rows]


async def events(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, event_ids: Iterable[str]
) -> dict[str, UsageEvent]:
    """Give recorded events of a workspace by the sender's ids."""
    query = select(UsageEvent).where(
        col(UsageEvent.account_id) == account_id,
        col(UsageEvent.workspace_id) == workspace_id,
        col(UsageEvent.event_id).in_(list(event_ids)),
    )
    return {row.event_id: row for row in await session.scalars(query)}


async def take_back_of(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, event_id: str
) -> UsageTakeback | None:
    """Give the take-back of an event."""
    return await session.get(UsageTakeback, (account_id, workspace_id, event_id))


async def mark_late(session: AsyncSession, *, account_id: UUID, day: date, is_reopened: bool = False) -> None:
    """Note that a fact of a day before the running period arrived, so that the next close looks that far back.

    Written only when it moves the mark: the ordinary event touches no row but its own.
    """
    await session.execute(
        update(Subscription)
        .where(
            col(Subscription.account_id) == account_id,
            col(Subscription.status) != "ENDED",
            or_(col(Subscription.period_start) > day, literal(is_reopened)),
            or_(col(Subscription.dirty_from).is_(None), col(Subscription.dirty_from) > day),
        )
        .values(dirty_from=day)
    )


async def units_before(session: AsyncSession, event: UsageEvent, *, start: date, end: date) -> int:
    """Add up the account's units of an event's metric, over `[start, end)`, that were recorded before it."""
    query = select(func.coalesce(func.sum(col(UsageEvent.units)), 0)).where(
        col(UsageEvent.account_id) == event.account_id,
        col(UsageEvent.metric) == event.metric,
        col(UsageEvent.day) >= start,
        col(UsageEvent.day) < end,
        tuple_(col(UsageEvent.known_at), col(UsageEvent.event_id)) < tuple_(event.known_at, event.event_id),
    )
    return int((await session.scalar(query)) or 0)


async def lines_of_usage(
    session: AsyncSession, subscription: Subscription, *, metric: str, period_start: date
) -> list[tuple[Invoice, InvoiceLine]]:
    """Give the lines that bill a metric's usage period, with their invoices, first to last."""
    query = (
        select(Invoice, InvoiceLine)
        .join(
            InvoiceLine,
            and_(
                col(Invoice.account_id) == col(InvoiceLine.account_id),
                col(Invoice.id) == col(InvoiceLine.invoice_id),
            ),
        )
        .where(
            col(InvoiceLine.account_id) == subscription.account_id,
            col(InvoiceLine.subscription_id) == subscription.id,
            col(InvoiceLine.period_start) == period_start,
            col(InvoiceLine.key).endswith(f"usage:{metric}:{period_start}"),
        )
        .order_by(col(Invoice.number))
    )
    return [(invoice, line) for invoice, line in await session.execute(query)]

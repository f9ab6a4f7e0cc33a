"""Usage totals by day, from the rollup; events are read one by one only when asked for by id."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.subscriptions import Subscription
from adapters.tables.usage import UsageDay, UsageEvent, UsageTakeback


class DayTotal(NamedTuple):
    """Units of one workspace, metric, channel and day."""

    workspace_id: UUID
    metric: str
    channel: str
    day: date
    units: int


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


async def mark_late(session: AsyncSession, *, account_id: UUID, day: date) -> None:
    """Note that a fact of a day before the running period arrived, so that the next close looks that far back.

    Written only when it moves the mark: the ordinary event touches no row but its own.
    """
    await session.execute(
        update(Subscription)
        .where(
            col(Subscription.account_id) == account_id,
            col(Subscription.period_start) > day,
            func.coalesce(col(Subscription.dirty_from), col(Subscription.period_start)) > day,
        )
        .values(dirty_from=day)
    )

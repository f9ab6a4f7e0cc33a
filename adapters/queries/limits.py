"""Hard limits: locked in the order of their keys, and the log of the switches they caused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.limits import HardLimit, LimitSwitch


async def lock(
    session: AsyncSession,
    account_ids: Iterable[UUID],
    *,
    metrics: Iterable[str] | None = None,
    workspace_id: UUID | None = None,
) -> list[HardLimit]:
    """Lock limits in the order of their keys: all of the accounts, or those on metrics that a workspace's usage concerns."""
    query = (
        select(HardLimit)
        .where(col(HardLimit.account_id).in_(list(account_ids)))
        .order_by(col(HardLimit.account_id), col(HardLimit.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if metrics is not None:
        query = query.where(
            col(HardLimit.metric).in_(list(metrics)),
            or_(col(HardLimit.workspace_id).is_(None), col(HardLimit.workspace_id) == workspace_id),
        )
    return list(await session.scalars(query))


async def lock_one(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, metric: str
) -> HardLimit | None:
    """Lock the limit on a metric of one scope."""
    query = (
        select(HardLimit)
        .where(
            col(HardLimit.account_id) == account_id,
            col(HardLimit.workspace_id).is_not_distinct_from(workspace_id),
            col(HardLimit.metric) == metric,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one_or_none()


async def of_accounts(session: AsyncSession, account_ids: Iterable[UUID]) -> list[HardLimit]:
    """Give the limits of accounts in the order in which they were first set."""
    query = (
        select(HardLimit)
        .where(col(HardLimit.account_id).in_(list(account_ids)))
        .order_by(col(HardLimit.account_id), col(HardLimit.id))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def mailed(
    session: AsyncSession, limits: Iterable[HardLimit], *, days: Mapping[UUID, date]
) -> set[tuple[UUID, bool]]:
    """Name the limits and directions of which a mail went out on their account's own day."""
    wanted = [(limit.account_id, limit.id, days[limit.account_id]) for limit in limits]
    keys = tuple_(col(LimitSwitch.account_id), col(LimitSwitch.limit_id), col(LimitSwitch.day))
    query = select(col(LimitSwitch.limit_id), col(LimitSwitch.is_disabled)).where(
        keys.in_(wanted), col(LimitSwitch.is_mailed)
    )
    return {(limit_id, is_disabled) for limit_id, is_disabled in await session.execute(query)}


async def add_switches(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append switches to the log."""
    if rows:
        await session.execute(insert(LimitSwitch), list(rows))


async def find_switch(
    session: AsyncSession, *, account_id: UUID, switch_id: UUID
) -> tuple[LimitSwitch, HardLimit] | None:
    """Find a switch and the limit under which it was made."""
    query = (
        select(LimitSwitch, HardLimit)
        .join(
            HardLimit,
            (col(HardLimit.account_id) == col(LimitSwitch.account_id))
            & (col(HardLimit.id) == col(LimitSwitch.limit_id)),
        )
        .where(col(LimitSwitch.account_id) == account_id, col(LimitSwitch.id) == switch_id)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def log(
    session: AsyncSession,
    *,
    account_id: UUID,
    workspace_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[tuple[LimitSwitch, HardLimit]]:
    """Give the switches under an account's limits, or under one workspace's, newest first."""
    query = (
        select(LimitSwitch, HardLimit)
        .join(
            HardLimit,
            (col(HardLimit.account_id) == col(LimitSwitch.account_id))
            & (col(HardLimit.id) == col(LimitSwitch.limit_id)),
        )
        .where(col(LimitSwitch.account_id) == account_id)
        .order_by(col(LimitSwitch.id).desc())
        .limit(limit)
    )
    if workspace_id is not None:
        query = query.where(col(HardLimit.workspace_id) == workspace_id)
    if before is not None:
        query = query.where(col(LimitSwitch.id) < before)
    return [(switch, held) for switch, held in await session.execute(query)]

"""Subscriptions: those that run, those that ended, and the facts of their record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.queries.places import pairs
from adapters.tables.subscriptions import Subscription, SubscriptionFact


async def live(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Subscription]:
    """Give the running subscription of each account that has one."""
    query = select(Subscription).where(
        col(Subscription.account_id).in_(list(account_ids)), col(Subscription.status) != "ENDED"
    )
    rows = await session.scalars(query, execution_options={"populate_existing": True})
    return {row.account_id: row for row in rows}


async def latest(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Subscription]:
    """Give the running subscription of each account, or the one that ended last."""
    query = (
        select(Subscription)
        .ext(distinct_on(col(Subscription.account_id)))
        .where(col(Subscription.account_id).in_(list(account_ids)))
        .order_by(
            col(Subscription.account_id), col(Subscription.started_at).desc(), col(Subscription.id).desc()
        )
    )
    return {row.account_id: row for row in await session.scalars(query)}


async def ended_with_late_facts(session: AsyncSession, account_ids: Iterable[UUID]) -> list[Subscription]:
    """Give the ended subscriptions of accounts for which a fact of their time arrived since."""
    query = select(Subscription).where(
        col(Subscription.account_id).in_(list(account_ids)),
        col(Subscription.status) == "ENDED",
        col(Subscription.dirty_from).is_not(None),
    )
    return list(await session.scalars(query, execution_options={"populate_existing": True}))


async def ended_after(session: AsyncSession, *, account_id: UUID, day: date) -> list[Subscription]:
    """Give an account's subscriptions that ended on a day or later."""
    query = select(Subscription).where(
        col(Subscription.account_id) == account_id,
        col(Subscription.status) == "ENDED",
        col(Subscription.ended_at) >= datetime.combine(day, time(), UTC) - timedelta(days=1),
    )
    return list(await session.scalars(query, execution_options={"populate_existing": True}))


async def all_of(session: AsyncSession, *, account_id: UUID) -> list[Subscription]:
    """Give all subscriptions of an account, the latest first."""
    query = (
        select(Subscription)
        .where(col(Subscription.account_id) == account_id)
        .order_by(col(Subscription.started_at).desc())
    )
    return list(await session.scalars(query))


async def recent(session: AsyncSession, *, account_id: UUID, ended_after: datetime) -> list[Subscription]:
    """Give an account's subscriptions that run or ended after a moment, oldest first."""
    query = (
        select(Subscription)
        .where(
            col(Subscription.account_id) == account_id,
            (col(Subscription.ended_at).is_(None)) | (col(Subscription.ended_at) > ended_after),
        )
        .order_by(col(Subscription.started_at))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def find(session: AsyncSession, *, account_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Give a subscription of an account."""
    return await session.get(Subscription, (account_id, subscription_id))


async def facts_at(
    session: AsyncSession, places: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], SubscriptionFact]:
    """Give subscription facts by account and place in its record."""
    own = tuple_(col(SubscriptionFact.account_id), col(SubscriptionFact.position))
    query = select(SubscriptionFact).where(own.in_(pairs(places)))
    return {(row.account_id, row.position): row for row in await session.scalars(query)}

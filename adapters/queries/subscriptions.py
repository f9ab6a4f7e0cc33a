"""Subscriptions and the work that will fall due for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.queries.places import pairs
from adapters.tables.accounts import Account
from adapters.tables.duework import DueWork
from adapters.tables.subscriptions import Subscription, SubscriptionFact
from adapters.tables.testclocks import TestClock


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that falls due: for which account and subject, and when."""

    account_id: UUID
    kind: str
    subject_id: UUID
    due_at: datetime


_SCHEDULE: Final = text("""
    INSERT INTO due_work (account_id, kind, subject_id, due_at)
    SELECT * FROM unnest(CAST(:accounts AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]),
        CAST(:moments AS timestamptz[]))
    ON CONFLICT (account_id, kind, subject_id) DO UPDATE
        SET due_at = excluded.due_at, lease_until = NULL, failures = 0, parked_at = NULL,
            parked_reason = NULL
""")


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


async def schedule(session: AsyncSession, work: Iterable[Due]) -> None:
    """Write work that will fall due, or move its date; nothing may be named twice."""
    rows = [(due.account_id, due.kind, due.subject_id, due.due_at) for due in work]
    if rows:
        names = ("accounts", "kinds", "subjects", "moments")
        await session.execute(_SCHEDULE, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


async def unschedule(
    session: AsyncSession, *, account_id: UUID, subject_id: UUID, kinds: Iterable[str]
) -> None:
    """Strike work that is done or no longer wanted."""
    await session.execute(
        delete(DueWork).where(
            col(DueWork.account_id) == account_id,
            col(DueWork.subject_id) == subject_id,
            col(DueWork.kind).in_(list(kinds)),
        )
    )


async def due_for_clock(session: AsyncSession, *, clock_id: UUID, until: datetime) -> Due | None:
    """Give the first thing due on a test clock by a moment; of one moment, what closes before what collects."""
    order = func.array_position(
        text("ARRAY['TRIAL_END','CLOSE','COLLECT','FREEZE','REFUND','REMINDER']"), col(DueWork.kind)
    )
    query = (
        select(DueWork)
        .join(Account, col(Account.account_id) == col(DueWork.account_id))
        .where(
            col(Account.test_clock_id) == clock_id,
            col(DueWork.due_at) <= until,
            col(DueWork.parked_at).is_(None),
        )
        .order_by(col(DueWork.due_at), order, col(DueWork.account_id), col(DueWork.subject_id))
        .limit(1)
    )
    row = (await session.scalars(query)).one_or_none()
    return _due(row) if row else None


async def take_due(
    session: AsyncSession, *, kind: str, wall: datetime, limit: int, lease: timedelta
) -> list[Due]:
    """Claim work of one kind that is due by its account's clock; leases count in the database's time.

    A test clock that is being advanced is left to whoever advances it.
    """
    query = (
        select(DueWork)
        .join(Account, col(Account.account_id) == col(DueWork.account_id))
        .outerjoin(TestClock, col(TestClock.id) == col(Account.test_clock_id))
        .where(*_is_free_and_due(kind, wall))
        .order_by(col(DueWork.due_at))
        .limit(limit)
        .with_for_update(of=DueWork, skip_locked=True)
    )
    taken = [_due(row) for row in await session.scalars(query)]
    if taken:
        mine = tuple_(col(DueWork.account_id), col(DueWork.subject_id)).in_(
            [(due.account_id, due.subject_id) for due in taken]
        )
        until = func.clock_timestamp() + lease
        await session.execute(
            update(DueWork).where(col(DueWork.kind) == kind, mine).values(lease_until=until)
        )
    return taken


async def count_due(session: AsyncSession, *, kind: str, wall: datetime) -> int:
    """Count the work of one kind that is due by its account's clock and in nobody's hands."""
    query = (
        select(func.count())
        .select_from(DueWork)
        .join(Account, col(Account.account_id) == col(DueWork.account_id))
        .outerjoin(TestClock, col(TestClock.id) == col(Account.test_clock_id))
        .where(*_is_free_and_due(kind, wall))
    )
    return (await session.scalar(query)) or 0


async def is_still_due(session: AsyncSession, due: Due) -> bool:
    """Tell whether a piece of work stands where it stood, as if nothing had been done for it."""
    row = await session.get(DueWork, (due.account_id, due.kind, due.subject_id))
    return row is not None and row.due_at == due.due_at


async def count_still_due(session: AsyncSession, work: Iterable[Due]) -> int:
    """Count the pieces of work that stand where they stood; nothing may be named twice."""
    named = [(due.account_id, due.kind, due.subject_id, due.due_at) for due in work]
    place = tuple_(col(DueWork.account_id), col(DueWork.kind), col(DueWork.subject_id), col(DueWork.due_at))
    query = select(func.count()).select_from(DueWork).where(place.in_(named))
    return (await session.scalar(query)) or 0


async def fail_due(session: AsyncSession, due: Due, *, reason: str, wall: datetime, park_after: int) -> None:
    """Count a failure of a piece of work; after `park_after` it is parked until somebody looks."""
    mine = (
        (col(DueWork.account_id) == due.account_id)
        & (col(DueWork.kind) == due.kind)
        & (col(DueWork.subject_id) == due.subject_id)
    )
    failures = await session.scalar(
        update(DueWork)
        .where(mine)
        .values(failures=col(DueWork.failures) + 1)
        .returning(col(DueWork.failures))
    )
    if failures is not None and failures >= park_after:
        await session.execute(update(DueWork).where(mine).values(parked_at=wall, parked_reason=reason[:500]))


def _is_free_and_due(kind: str, wall: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(DueWork.kind) == kind,
        col(DueWork.parked_at).is_(None),
        or_(col(DueWork.lease_until).is_(None), col(DueWork.lease_until) < func.clock_timestamp()),
        col(DueWork.due_at) <= func.coalesce(col(TestClock.now_at), wall),
        col(TestClock.target_at).is_(None),
    )


def _due(row: DueWork) -> Due:
    return Due(row.account_id, row.kind, row.subject_id, row.due_at)

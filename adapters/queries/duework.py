"""Due work: written and struck by what it is for, claimed for a lease by whoever does it, and counted when it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.accounts import Account
from adapters.tables.duework import DueWork
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

"""Test clocks (section 2): time stands still until advanced, and advancing does, in order, all that falls due on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.gateway.protocol import Gateway
from adapters.ids import new_id
from adapters.queries import accounts as account_queries
from adapters.queries import duework
from adapters.queries.duework import Due
from adapters.scopes import Sessions
from adapters.spans import traced
from adapters.tables.testclocks import TestClock
from domain.refusal import Refusal
from services import due as due_work
from services.accounts import UnknownTestClock

LEASE = timedelta(seconds=60)
FURTHEST = timedelta(days=731)
FIRST_YEAR, LAST_YEAR = 2000, 2150


@dataclass(eq=False)
class ClockOutOfRange(Refusal):
    """Periods could not be worked out around the moment."""

    template = "A test clock stands between {first} and {last}."
    first: int
    last: int


@dataclass(eq=False)
class ClockGoesForward(Refusal):
    """A clock is not turned back."""

    template = (
        "The clock stands at {now_at:%Y-%m-%dT%H:%M:%SZ}; it only goes forward, so name a later moment."
    )
    now_at: datetime


@dataclass(eq=False)
class TooFar(Refusal):
    """The step is longer than one call takes."""

    template = "One call advances a clock by at most {days} days; go there in several steps."
    days: int


@dataclass(eq=False)
class AdvanceRunning(Refusal):
    """Somebody is advancing the clock."""

    template = "The clock is being advanced to {target_at:%Y-%m-%dT%H:%M:%SZ}; wait until it is there."
    target_at: datetime


async def create_clock(session: AsyncSession, *, name: str, now_at: datetime, wall: datetime) -> TestClock:
    """Make a clock that stands at a moment; raises ClockOutOfRange."""
    _check_range(now_at)
    clock = TestClock(id=new_id(), name=name, now_at=now_at, created_at=wall)
    session.add(clock)
    await session.flush()
    return clock


@traced
async def advance(
    sessions: Sessions, gateway: Gateway, *, clock_id: UUID, to: datetime, wall: datetime
) -> TestClock:
    """Advance a clock, as `begin` and `arrive` do; raises what they raise."""
    async with sessions.begin() as session:
        await begin(session, clock_id=clock_id, to=to)
    return await arrive(sessions, gateway, clock_id=clock_id, wall=wall)


async def begin(session: AsyncSession, *, clock_id: UUID, to: datetime) -> None:
    """Set out for a moment; once that is committed and the advance is cut short, a worker finishes it.

    Raises UnknownTestClock, ClockOutOfRange, ClockGoesForward, TooFar, AdvanceRunning.
    """
    _check_range(to)
    clock = await _lock(session, clock_id)
    if clock.target_at is not None:
        raise AdvanceRunning(clock.target_at)
    if to < clock.now_at:
        raise ClockGoesForward(clock.now_at)
    if to - clock.now_at > FURTHEST:
        raise TooFar(FURTHEST.days)
    clock.target_at = to
    await session.flush()
    await account_queries.hold_clock(session, clock_id, lease=LEASE)


async def arrive(sessions: Sessions, gateway: Gateway, *, clock_id: UUID, wall: datetime) -> TestClock:
    """Do, in order, all that falls due on the way to where a clock set out for."""
    return await _run(sessions, gateway, clock_id=clock_id, wall=wall)


@traced
async def resume(sessions: Sessions, gateway: Gateway, *, clock_id: UUID, wall: datetime) -> None:
    """Finish an advance whose process is gone."""
    async with sessions.begin() as session:
        if not await account_queries.hold_clock(session, clock_id, lease=LEASE):
            return
    await _run(sessions, gateway, clock_id=clock_id, wall=wall)


async def unfinished(sessions: Sessions) -> list[UUID]:
    """Name the clocks whose advance was begun and is in nobody's hands."""
    async with sessions.begin() as session:
        return await account_queries.clocks_advancing(session)


def _check_range(moment: datetime) -> None:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ClockOutOfRange(FIRST_YEAR, LAST_YEAR)


async def _run(sessions: Sessions, gateway: Gateway, *, clock_id: UUID, wall: datetime) -> TestClock:
    while due := await _step(sessions, clock_id=clock_id):
        await due_work.try_to_do(sessions, gateway, due, wall=wall)
    async with sessions.begin() as session:
        return await _lock(session, clock_id)


async def _step(sessions: Sessions, *, clock_id: UUID) -> Due | None:
    """Move the clock to the next thing due, or to the target when nothing is left on the way."""
    async with sessions.begin() as session:
        clock = await _lock(session, clock_id)
        if clock.target_at is None:
            return None
        due = await duework.due_for_clock(session, clock_id=clock_id, until=clock.target_at)
        if due is None:
            clock.now_at, clock.target_at, clock.lease_until = clock.target_at, None, None
            return None
        clock.now_at, clock.lease_until = max(clock.now_at, due.due_at), None
        await session.flush()
        await account_queries.hold_clock(session, clock_id, lease=LEASE)
        return due


async def _lock(session: AsyncSession, clock_id: UUID) -> TestClock:
    clock = await account_queries.lock_clock(session, clock_id)
    if clock is None:
        raise UnknownTestClock
    return clock

"""Closing periods: in chunks, one transaction each, until nothing is due."""

from __future__ import annotations

from datetime import datetime

from services import due, testclocks
from workers.tools import Tools


async def close_periods(tools: Tools, *, wall: datetime) -> int:
    """Close every period that is over; an account several periods behind is closed once for each."""
    closed = 0
    while done := await due.close_chunk(tools.sessions, tools.gateway, wall=wall):
        closed += done
    return closed


async def end_trials(tools: Tools, *, wall: datetime) -> int:
    """End every trial whose time is up."""
    return await _one_by_one(tools, kind="TRIAL_END", wall=wall)


async def remind(tools: Tools, *, wall: datetime) -> int:
    """Announce the renewals that are near."""
    return await _one_by_one(tools, kind="REMINDER", wall=wall)


async def finish_advances(tools: Tools, *, wall: datetime) -> None:
    """Finish the advances of test clocks whose process is gone."""
    for clock_id in await testclocks.unfinished(tools.sessions):
        await testclocks.resume(tools.sessions, tools.gateway, clock_id=clock_id, wall=wall)


async def _one_by_one(tools: Tools, *, kind: str, wall: datetime) -> int:
    taken = await due.take(tools.sessions, kind=kind, wall=wall)
    for work in taken:
        await due.try_to_do(tools.sessions, tools.gateway, work, wall=wall)
    return len(taken)

"""Collecting what is due and paying back: many calls on their way at once, each account's in its own transaction."""

from __future__ import annotations

import asyncio
from datetime import datetime

from adapters.queries.duework import Due
from services import due
from workers.tools import Tools

AT_ONCE = 20


async def collect(tools: Tools, *, wall: datetime) -> int:
    """Charge every open invoice whose time has come."""
    return await _each(tools, kind="COLLECT", wall=wall)


async def freeze(tools: Tools, *, wall: datetime) -> int:
    """Freeze the accounts whose open invoices have reached their day."""
    return await _each(tools, kind="FREEZE", wall=wall)


async def pay_back(tools: Tools, *, wall: datetime) -> int:
    """Ask the provider for every refund that was made."""
    return await _each(tools, kind="REFUND", wall=wall)


async def _each(tools: Tools, *, kind: str, wall: datetime) -> int:
    taken = await due.take(tools.sessions, kind=kind, wall=wall)
    gate = asyncio.Semaphore(AT_ONCE)

    async def do(work: Due) -> None:
        async with gate:
            await due.try_to_do(tools.sessions, tools.gateway, work, wall=wall)

    await asyncio.gather(*(do(work) for work in taken))
    return len(taken)

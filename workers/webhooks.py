"""Sending webhooks: many at once in the background, so that a slow receiver keeps no other work waiting."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.queries.deliveries import Outgoing
from adapters.spans import span
from adapters.stopping import stop
from services import deliveries
from services.deliveries import Poster

AT_ONCE = 50

log = logging.getLogger("prorata.webhooks")


@dataclass(slots=True)
class Courier:
    """Sends what is due, no more than `AT_ONCE` at a time. What it has on its way when it stops is sent again later."""

    sessions: async_sessionmaker[AsyncSession]
    poster: Poster
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def launch(self, *, wall: datetime) -> int:
        """Take as much as there is room for, and begin to send it."""
        room = AT_ONCE - len(self._sending)
        taken = await deliveries.take_due(self.sessions, limit=room, wall=wall) if room else []
        for outgoing in taken:
            task = asyncio.create_task(self._send(outgoing, wall=wall))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(taken)

    async def drain(self) -> None:
        """Wait until all that is on its way has arrived or failed."""
        await asyncio.gather(*self._sending)

    async def stop(self) -> None:
        """Let go of all that is on its way."""
        await stop(self._sending)

    async def _send(self, outgoing: Outgoing, *, wall: datetime) -> None:
        try:
            await deliveries.send(self.sessions, self.poster, outgoing, wall=wall)
        except Exception:
            log.exception("delivery %s of account %s failed", outgoing.id, outgoing.account_id)


async def deliver(ctx: dict[str, Any]) -> None:
    """Begin to send whatever is due."""
    courier: Courier = ctx["courier"]
    with span("deliver") as job:
        job.note(taken=await courier.launch(wall=datetime.now(UTC)))

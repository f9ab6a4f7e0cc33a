"""When keys were used last: gathered in memory, written every minute beside the requests, which never wait for it.

What a process that is killed has not written is lost, and of no weight; one that is stopped writes it first.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.database import AWAY
from services.apikeys import note_uses

log = logging.getLogger("prorata.api")

PAUSE_SECONDS: Final = 60.0
LAST_WRITE_SECONDS: Final = 2.0
"""How long an application that stops may take to write what it has."""


@dataclass(slots=True)
class LastUses:
    """The uses of one process that are not written yet, by public id."""

    sessions: async_sessionmaker[AsyncSession]
    _waiting: dict[str, datetime] = field(default_factory=dict)

    def note(self, public_id: str, moment: datetime) -> None:
        """Remember a use."""
        self._waiting[public_id] = moment

    async def run(self) -> None:
        """Write every minute, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.write()

    async def close(self) -> None:
        """Write what there is, if that is quickly done."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WRITE_SECONDS):
                await self.write()

    async def write(self) -> None:
        """Write what there is; where the database is away, it stays for the next time."""
        uses, self._waiting = self._waiting, {}
        if not uses:
            return
        try:
            async with self.sessions.begin() as session:
                await note_uses(session, uses)
        except asyncio.CancelledError:
            self._waiting = uses | self._waiting
            raise
        except AWAY as error:
            self._waiting = uses | self._waiting
            log.warning("the last uses of keys could not be written: %s", type(error).__name__)

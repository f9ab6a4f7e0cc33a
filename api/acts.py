"""A mutation at work: the one transaction in which it changes things, opened when it asks and closed at the edge.

Whatever is to be true together with the change is written in that transaction. What is refused leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services import audit
from services.audit import Deed


@dataclass(slots=True)
class Act:
    """A mutation from its call to its answer.

    `rings` says that the change made work due, for which a worker is woken once it is committed. `deed` is what the
    audit log is to tell of it, once; None for what has records of its own.
    """

    sessions: async_sessionmaker[AsyncSession]
    ring: Callable[[], Awaitable[None]]
    mutation: str
    given: Any
    deed: Deed | None = None
    rings: bool = False
    _session: AsyncSession | None = field(default=None, init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def begin(self) -> AsyncSession:
        """Give the session of the transaction, begun now if it is not."""
        if self._session is None:
            self._session = self.sessions()
            if self.deed is not None and not self.deed.is_recorded:
                audit.keep(self._session, self.deed)
        return self._session

    @asynccontextmanager
    async def reads(self) -> AsyncIterator[AsyncSession]:
        """Lend the transaction to what reads for the answer: one at a time, for loaders run side by side."""
        async with self._reading:
            yield await self.begin()

    async def settle(self) -> None:
        """Commit the change. What comes after is another matter, such as a call to the payment provider."""
        if self.deed is not None and not self.deed.is_recorded:
            await self.begin()
        if self._session is not None:
            await self._session.commit()
            await self.leave()
        if self.rings:
            self.rings = False
            await self.ring()

    async def leave(self) -> None:
        """Close the transaction; what is not settled is undone."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

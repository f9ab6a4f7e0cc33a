"""A mutation at work: the one transaction in which it changes things, opened when it asks and closed at the edge.

Whatever is to be true together with the change is written in that transaction. What is refused leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services import audit
from services.audit import Deed


class Repeated(Exception):
    """The mutation was done before under its idempotency key, at a moment; `answer` is what was kept of its answer."""

    def __init__(self, answer: dict[str, Any], *, at: datetime) -> None:
        super().__init__("The mutation was done before.")
        self.answer, self.at = answer, at


class Once(Protocol):
    """Lets a mutation be done once under a key. The transaction that claims the key keeps the answer."""

    async def recall(self, session: AsyncSession) -> None:
        """Raise Repeated if it was done before."""

    async def claim(self, session: AsyncSession) -> None:
        """Claim the key for this transaction, or raise Repeated; waits for another that holds it."""

    async def keep(self, session: AsyncSession, answer: object) -> None:
        """Keep the answer for whoever repeats the mutation."""


@dataclass(slots=True)
class Act:
    """A mutation from its call to its answer.

    `once` is there if the caller gave an idempotency key. `rings` says that the change made work due, for which a worker
    is woken once it is committed. `deed` is what the audit log is to tell of it, once; None for what has records of its
    own.
    """

    sessions: async_sessionmaker[AsyncSession]
    ring: Callable[[], Awaitable[None]]
    deed: Deed | None = None
    once: Once | None = None
    rings: bool = False
    _session: AsyncSession | None = field(default=None, init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def begin(self) -> AsyncSession:
        """Give the session of the transaction, begun now if it is not; raises Repeated."""
        if self._session is None:
            self._session = self.sessions()
            if self.deed is not None and not self.deed.is_recorded:
                audit.keep(self._session, self.deed)
            if self.once is not None:
                try:
                    await self.once.claim(self._session)
                except Repeated:
                    # Told when it was done.
                    self.deed = None
                    raise
        return self._session

    async def recall(self) -> None:
        """Raise Repeated if the mutation was done before; for what calls outside before its transaction begins."""
        if self.once is not None:
            async with self.sessions() as session:
                await self.once.recall(session)

    @asynccontextmanager
    async def reads(self) -> AsyncIterator[AsyncSession]:
        """Lend the transaction to what reads for the answer: one at a time, for loaders run side by side."""
        async with self._reading:
            yield await self.begin()

    async def settle(self, answer: object) -> None:
        """Commit the change with its answer. What comes after is another matter, such as a call to the provider."""
        if self.deed is not None and not self.deed.is_recorded:
            await self.begin()
        if self._session is not None:
            if self.once is not None:
                await self.once.keep(self._session, answer)
            await self._session.commit()
            await self.leave()
        if self.rings:
            self.rings = False
            await self.ring()

    async def leave(self) -> None:
        """Close the transaction; what is not settled is undone."""
        session, self._session, self.once = self._session, None, None
        if session is not None:
            await session.close()

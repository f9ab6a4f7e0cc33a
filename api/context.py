"""What every resolver of one request shares: who calls, the moment, a maker of sessions, and the request's loaders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.feed import Feed
from adapters.gateway.protocol import Gateway
from api.errors import forbidden
from api.loaders import Loaders
from api.rates import Allowance
from services.apikeys import Caller
from services.webhooks import EndpointRules

Sessions: TypeAlias = async_sessionmaker[AsyncSession]


@dataclass(slots=True)
class Context:
    """One request. `wall` is the real moment; an account may hang on a test clock that tells another.

    A subscription is one request for each value it gives: `renew` lets it begin the next, at its own moment.
    `reads` makes sessions without a transaction, each statement seeing what is committed.
    `ring` wakes a worker to look for due work; it may fail without harm, for workers look by themselves.
    """

    sessions: Sessions
    reads: Sessions
    gateway: Gateway
    caller: Caller
    wall: datetime
    loaders: Loaders
    pepper: str
    ring: Callable[[], Awaitable[None]]
    feed: Feed
    clock: Callable[[], datetime]
    updates_per_second: int
    webhooks: EndpointRules
    allowance: Allowance

    def renew(self) -> None:
        """Begin another request: it is later, and nothing is read yet."""
        self.wall = self.clock()
        self.loaders = Loaders(self.reads, wall=self.wall)

    def require_operator(self) -> None:
        """Raise FORBIDDEN unless the key is an operator's."""
        if not self.caller.is_operator:
            raise forbidden("This needs an operator's key; the key in use belongs to one account.")


Info: TypeAlias = strawberry.Info[Context, None]

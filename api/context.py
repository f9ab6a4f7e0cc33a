"""What every resolver of one request shares: who calls, the moment, a maker of sessions, and the request's loaders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.feed import Feed
from adapters.gateway.protocol import Gateway
from adapters.scopes import Sessions
from api.acts import Act
from api.loaders import Loaders
from api.rates import Allowance
from services.callers import Caller
from services.webhooks import EndpointRules


@dataclass(slots=True)
class Context:
    """One request. `wall` is the real moment; an account may hang on a test clock that tells another.

    A subscription is one request for each value it gives: `renew` lets it begin the next, at its own moment.
    `reads` makes sessions without a transaction, each statement seeing what is committed.
    `recall` tells who calls as it is known now: a role may be taken, a key revoked.
    `has_acted` says that a mutation of the request has run, after which `caller` may not hold what it held.
    `ring` wakes a worker to look for due work; it may fail without harm, for workers look by themselves.
    """

    sessions: Sessions
    reads: Sessions
    gateway: Gateway
    caller: Caller
    recall: Callable[[], Awaitable[Caller]]
    wall: datetime
    loaders: Loaders
    pepper: str
    ring: Callable[[], Awaitable[None]]
    feed: Feed
    clock: Callable[[], datetime]
    updates_per_second: int
    webhooks: EndpointRules
    allowance: Allowance
    act: Act | None = None
    has_acted: bool = False

    async def begin(self) -> AsyncSession:
        """Give the session of the transaction in which the mutation that runs changes things."""
        return await self.running.begin()

    @property
    def running(self) -> Act:
        """The mutation that runs: those of one request run one after the other."""
        if self.act is None:
            raise RuntimeError("Nothing is changed outside a mutation.")
        return self.act

    def renew(self, *, after: datetime | None = None) -> None:
        """Begin another request: it is later, not before a moment that a process with a faster clock told, and nothing is
        read yet.
        """
        now = self.clock()
        self.wall = now if after is None else max(now, after)
        self.loaders = Loaders(self.reads, wall=self.wall)


Info: TypeAlias = strawberry.Info[Context, None]

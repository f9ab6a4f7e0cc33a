"""A process that dies at a chosen moment: its n-th round trip to PostgreSQL or the payment provider.

Death is simulated in place, since that takes milliseconds: the sockets to PostgreSQL are broken off, so that the server
rolls back what was not committed, and a `Dead` flies that no `except Exception` can hold. Whatever still runs on the
way out does no more I/O, as a killed process would not. Between the end of one round trip and the beginning of the next
nothing leaves a process, so dying before each and after the last of all, and after each commit and each answer of the
provider, is dying everywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import create_engine, session_maker
from adapters.gateway.sandbox import SandboxGateway
from adapters.scopes import EVERYONE
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET
from tests.services.world import World

STATEMENTS = ("do_execute", "do_execute_no_params", "do_executemany")


class Dead(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Life:
    """Counts round trips and ends at one: before or after it. Without a number it goes on for ever."""

    ends_at: int | None = None
    ends_after: bool = False
    trips: int = 0
    kinds: list[str] = field(default_factory=list)
    is_over: bool = False
    sockets: list[Any] = field(default_factory=list)

    def before(self, kind: str) -> None:
        """Begin a round trip."""
        if self.is_over:
            raise Dead
        self.trips += 1
        self.kinds.append(kind)
        if self.trips == self.ends_at and not self.ends_after:
            self._end()

    def after(self) -> None:
        """End a round trip."""
        if self.trips == self.ends_at and self.ends_after:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        for connection in self.sockets:
            connection.terminate()
        raise Dead


class Fate:
    """Whose life it is now: the engine and the gateway are made once, since making them costs more than using them."""

    def __init__(self) -> None:
        self.life = Life()


class MortalGateway(SandboxGateway):
    """The gateway of processes that may die, one after the other."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url, API_KEY, WEBHOOK_SECRET, timeout_seconds=2)
        self.fate = fate

    async def _send(self, request: httpx.Request) -> httpx.Response:
        self.fate.life.before("provider")
        response = await super()._send(request)
        self.fate.life.after()
        return response


@dataclass(frozen=True, slots=True)
class Nursery:
    """Starts processes in the world, each with a life of its own."""

    world: World
    engine: AsyncEngine
    gateway: MortalGateway
    fate: Fate

    @asynccontextmanager
    async def process(self, life: Life) -> AsyncIterator[World]:
        """Give the world as a process sees it that lives this life."""
        self.fate.life = life
        try:
            yield replace(self.world, sessions=session_maker(self.engine), gateway=self.gateway)
        finally:
            for connection in life.sockets:
                connection.terminate()
            self.fate.life = Life()
            await self.engine.dispose()


@asynccontextmanager
async def nursery_of(world: World, *, database_url: str, provider_url: str) -> AsyncIterator[Nursery]:
    """Give a nursery on a database."""
    fate = Fate()
    gateway = MortalGateway(provider_url, fate)
    engine = create_engine(database_url, pool_size=2, scope=EVERYONE)
    async with engine.connect():
        """What a driver asks a server it has not met before is no part of a use case."""
    await engine.dispose()
    _count_round_trips(engine, fate)
    yield Nursery(world, engine, gateway, fate)
    await gateway.aclose()
    await engine.dispose()


def _count_round_trips(engine: AsyncEngine, fate: Fate) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        fate.life.sockets.append(connection.driver_connection)

    dialect: Any = engine.sync_engine.dialect
    for name in STATEMENTS:
        setattr(dialect, name, _counted(getattr(dialect, name), fate, "statement"))
    dialect.do_commit = _counted(dialect.do_commit, fate, "commit")
    for name in ("do_rollback", "do_close", "do_terminate"):
        setattr(dialect, name, _unless_dead(getattr(dialect, name), fate))


def _counted(call: Callable[..., Any], fate: Fate, kind: str) -> Callable[..., Any]:
    def counted(*given: Any, **named: Any) -> Any:
        fate.life.before(kind)
        result = call(*given, **named)
        fate.life.after()
        return result

    return counted


def _unless_dead(call: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    def unless_dead(*given: Any, **named: Any) -> Any:
        return None if fate.life.is_over else call(*given, **named)

    return unless_dead

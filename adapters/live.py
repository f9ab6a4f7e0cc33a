"""What a transaction changed is told to other processes once it is committed: ids only, through Redis pub/sub.

Nothing waits for it. A session notes what is touched; the commit hands the notes to the outlet, which gathers those of a
few milliseconds and publishes them in one message. What is rolled back is never told, and what cannot be told is lost:
PostgreSQL has it, and who missed it reads it there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

log = logging.getLogger("prorata.live")

GATHER_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 1.0
MOST_IN_A_MESSAGE: Final = 1000

_TOUCHED: Final = "touched"
_OUTLET: Final = "outlet"


class Touched(StrEnum):
    """What kind of thing a transaction changed."""

    USAGE = "USAGE"
    NOTICE = "NOTICE"
    ALERT = "ALERT"
    SWITCH = "SWITCH"
    INVOICE = "INVOICE"


class Change(NamedTuple):
    """One thing that changed: its kind, the account it belongs to, and its own id in words of its kind."""

    kind: Touched
    account_id: UUID
    id: str


def touch(session: AsyncSession, kind: Touched, account_id: UUID, id: object) -> None:  # noqa: A002  its own name
    """Note that the transaction changes a thing; told once, after the commit, however often it is noted."""
    session.info.setdefault(_TOUCHED, {})[Change(kind, account_id, str(id))] = None


class TellingSession(Session):
    """A session that hands what it touched to its maker's outlet when it commits, and forgets it when it rolls back."""


@event.listens_for(TellingSession, "after_commit")
def _tell(session: Session) -> None:
    if session.in_nested_transaction():
        return
    touched = session.info.pop(_TOUCHED, None)
    outlet: Outlet | None = session.info.get(_OUTLET)
    if touched and outlet is not None:
        outlet.put(touched)


@event.listens_for(TellingSession, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_TOUCHED, None)


def told_through(outlet: Outlet | None) -> dict[str, Any]:
    """Give what a session maker notes in its sessions for them to find the outlet."""
    return {_OUTLET: outlet}


def channel(client: Redis) -> str:
    """Name the channel of an installation: Redis keeps databases apart by number, but not their channels."""
    return f"prorata:live:{client.connection_pool.connection_kwargs.get('db', 0)}"


def connect(url: str) -> Redis:
    """Give a client that answers or fails within a second, and tries nothing twice."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client


def to_message(changes: Iterable[Change]) -> bytes:
    """Write changes as one message."""
    return orjson.dumps([(change.kind, str(change.account_id), change.id) for change in changes])


def from_message(message: bytes) -> list[Change]:
    """Read a message; one that is not ours holds nothing."""
    try:
        return [
            Change(Touched(kind), UUID(account_id), str(own))
            for kind, account_id, own in orjson.loads(message)
        ]
    except (ValueError, TypeError, AttributeError):
        return []


class Outlet:
    """Publishes changes, best effort: while Redis is away they are dropped, and one line of the log says so."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._channel = channel(self._redis)
        self._pending: dict[Change, None] = {}
        self._sending: asyncio.Task[None] | None = None
        self._is_away = False

    def put(self, changes: Iterable[Change]) -> None:
        """Take changes and return at once; they are published a moment later."""
        self._pending.update(dict.fromkeys(changes))
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def close(self) -> None:
        """Publish what is left and let go of Redis."""
        if self._sending is not None:
            await asyncio.wait([self._sending])
        await self._redis.aclose()

    async def _send(self) -> None:
        try:
            while self._pending:
                await asyncio.sleep(GATHER_SECONDS)
                changes, self._pending = list(self._pending), {}
                if not await self._publish(changes):
                    await asyncio.sleep(SILENT_SECONDS)
                    self._pending.clear()
        finally:
            self._sending = None

    async def _publish(self, changes: list[Change]) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                for at in range(0, len(changes), MOST_IN_A_MESSAGE):
                    await self._redis.publish(self._channel, to_message(changes[at : at + MOST_IN_A_MESSAGE]))
        except (RedisError, OSError, TimeoutError) as failure:
            if not self._is_away:
                log.warning("live changes are not told while Redis is away: %s", type(failure).__name__)
            self._is_away = True
            return False
        if self._is_away:
            log.info("live changes are told again")
        self._is_away = False
        return True

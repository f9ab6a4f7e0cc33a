"""Whether a process can do its work: PostgreSQL answers, and its schema is one that this release knows how to use.

Redis is told of but not asked for: it only carries messages, and without it everything is done, a little later. A schema
that is newer than the release is good enough, for a migration runs before the processes it is made for. A role for which
PostgreSQL keeps no accounts apart is not.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from adapters.database import Engine
from adapters.live import connect
from adapters.roles import wrong_role
from adapters.stopping import within
from adapters.upgrade import revisions

log = logging.getLogger("prorata.readiness")

DATABASE_SECONDS: Final = 1.8
REDIS_SECONDS: Final = 1.0
"""Together less than the 2 seconds after which whoever asks gives up: both are asked at once."""


class State(StrEnum):
    """How something stands that a process needs."""

    OK = "ok"
    AWAY = "away"
    NEWER = "newer"
    BEHIND = "behind"
    MISSING = "missing"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


_REASONS: Final = {
    State.MISSING: "The database has no schema: run `prorata migrate`.",
    State.BEHIND: "The schema is older than this release: run `prorata migrate`.",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """How a process stands; without a reason not to, it is ready."""

    database: State
    schema: State
    redis: State
    reason: str | None = None

    def shown(self) -> dict[str, str]:
        """Give it as an object of JSON."""
        shown = {
            "status": "unready" if self.reason else "ok",
            "database": self.database.value,
            "schema": self.schema.value,
            "redis": self.redis.value,
        }
        return shown | ({"reason": self.reason} if self.reason else {})


async def readiness(engine: Engine, *, redis_url: str) -> Readiness:
    """Look at everything, in less than 2 seconds."""
    database, redis = await asyncio.gather(_database(engine), _redis(redis_url))
    if database is None:
        reason = f"PostgreSQL did not answer within {DATABASE_SECONDS} s, or could not be reached."
        return Readiness(State.AWAY, State.UNKNOWN, redis, reason)
    schema, wrong = database
    return Readiness(State.UNSAFE if wrong else State.OK, schema, redis, _REASONS.get(schema, wrong))


async def _database(engine: Engine) -> tuple[State, str | None] | None:
    """Tell how the schema stands and what is wrong with our role; None where the database does not answer."""
    try:
        revision, wrong = await within(DATABASE_SECONDS, _revision_and_role(engine))
    except ProgrammingError:
        return State.MISSING, None
    except Exception as failure:  # noqa: BLE001  whatever it is, the database is not there to be used
        log.warning("the database does not answer: %s", type(failure).__name__)
        return None
    return await _schema(revision), wrong


async def _schema(found: str | None) -> State:
    """Compare the database's revision with those known here."""
    known = await asyncio.to_thread(revisions)
    if found is None:
        return State.MISSING
    if found == known[0]:
        return State.OK
    return State.BEHIND if found in known else State.NEWER


async def _revision_and_role(engine: Engine) -> tuple[str | None, str | None]:
    async with engine.connect() as connection:
        revision = await connection.scalar(text("SELECT max(version_num) FROM alembic_version"))
        return revision, await wrong_role(connection)


async def _redis(url: str) -> State:
    try:
        await within(REDIS_SECONDS, _ping(url))
    except (RedisError, OSError):
        return State.AWAY
    return State.OK


async def _ping(url: str) -> None:
    async with connect(url) as client:
        await client.ping()

"""The one way to PostgreSQL: an engine whose every connection has the same manners.

Each connection speaks UTC and gives up rather than hang: a statement, a wait for a lock
and a transaction left open all have a limit the server enforces. Whose rows it sees is told by `adapters/scopes.py`.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from adapters.live import Outlet, TellingSession, told_through
from adapters.scopes import NOBODY, SETTING, Scope, keep_to_scopes

Engine: TypeAlias = AsyncEngine

AWAY: Final = (SQLAlchemyError, OSError)
"""What is raised where the database does not answer, among others."""

_DRIVER: Final = "postgresql+asyncpg"
_ACCEPTED: Final = frozenset({"postgres", "postgresql", _DRIVER})

# Milliseconds, as PostgreSQL reads a bare number.
_SERVER_SETTINGS: Final[Mapping[str, str]] = {
    "timezone": "UTC",
    "statement_timeout": "30000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "30000",
}


def create_engine(
    url: str, *, pool_size: int = 10, application_name: str = "prorata", scope: Scope = NOBODY
) -> AsyncEngine:
    """Return an engine for `postgresql://` or `postgresql+asyncpg://` addresses.

    Its connections see the rows of the scope, unless they are lent for another.

    A libpq-style `sslmode` in the address is honoured. A connection that died while it
    lay in the pool is replaced before it is lent; that is known without asking the server,
    which would cost as much as a read.

    Raises ValueError for the address of any other kind of database.
    """
    address, ssl = _address(url)
    settings = {**_SERVER_SETTINGS, "application_name": application_name, SETTING: scope.setting}
    engine = create_async_engine(
        address,
        pool_size=pool_size,
        connect_args={"server_settings": settings, **ssl},
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    keep_to_scopes(engine, scope=scope)
    return engine


def session_maker(engine: AsyncEngine, *, outlet: Outlet | None = None) -> async_sessionmaker[AsyncSession]:
    """Return a maker of sessions whose rows stay readable after the commit; it tells the outlet what was changed."""
    return async_sessionmaker(
        engine, expire_on_commit=False, sync_session_class=TellingSession, info=told_through(outlet)
    )


async def see_one_moment(session: AsyncSession) -> None:
    """Let all statements of a transaction that is about to begin see the same moment."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


async def read_one_moment(session: AsyncSession) -> None:
    """Let all statements of a transaction that is about to begin see the same moment, and none of them write."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    await session.connection(execution_options=options)


def _refuse_closed(lent: Any, _record: object, _proxy: object) -> None:
    if lent.driver_connection.is_closed():
        raise DisconnectionError


def _address(url: str) -> tuple[URL, dict[str, str]]:
    """Return the address as asyncpg takes it, and the TLS argument apart from it."""
    parsed = make_url(url)
    if parsed.drivername not in _ACCEPTED:
        message = f"not a PostgreSQL address: {parsed.drivername}://"
        raise ValueError(message)
    sslmode = parsed.query.get("sslmode")
    address = parsed.set(drivername=_DRIVER).difference_update_query(["sslmode"])
    return address, {"ssl": sslmode} if isinstance(sslmode, str) else {}


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()

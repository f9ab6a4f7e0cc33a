"""Whose rows a connection sees: PostgreSQL keeps accounts apart by row security, and asks for the setting `app.accounts`.

An engine's connections begin with the engine's scope, NOBODY unless it is told another; `scoped` sessions lend them for
another. The setting is compared whenever a connection is lent, to a session or to whoever else connects, and is sent
only where it differs from what the connection has: outside of any transaction, so that no rollback takes it back.
So a connection that comes from another request never keeps that request's scope, and one scope after the same costs
nothing. Between us and the server there can be no pooler that lends connections by transaction.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, PoolProxiedConnection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

Sessions: TypeAlias = async_sessionmaker[AsyncSession]

SETTING: Final = "app.accounts"
_OPTION: Final = "scope"
_GIVEN: Final = "scope"


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts whose rows are seen and written; None for all of them."""

    accounts: frozenset[UUID] | None

    @property
    def setting(self) -> str:
        """The scope as the policies read it: ids parted by commas, or a star."""
        return "*" if self.accounts is None else ",".join(sorted(map(str, self.accounts)))


EVERYONE: Final = Scope(None)
"""For operators, workers and whoever looks after all accounts."""
NOBODY: Final = Scope(frozenset())


def scoped(sessions: Sessions, scope: Scope) -> Sessions:
    """Give a maker of sessions like another, on the same connections, that see the rows of a scope."""
    narrowed = copy(sessions)
    narrowed.kw = sessions.kw | {"bind": sessions.kw["bind"].execution_options(**{_OPTION: scope})}
    return narrowed


def keep_to_scopes(engine: AsyncEngine, *, scope: Scope) -> None:
    """See to it that every connection the engine lends has the scope it is lent for, or else this one.

    The connections must begin with this one as their setting.
    """

    @event.listens_for(engine.sync_engine, "engine_connect")
    def _lend(connection: Connection) -> None:
        wanted: Scope = connection.get_execution_options().get(_OPTION, scope)
        lent = connection.connection
        if lent.info.get(_GIVEN, scope) != wanted:
            _give(lent, wanted)


def _give(lent: PoolProxiedConnection, scope: Scope) -> None:
    """Tell the server; a connection of which it is not known what it was told is thrown away."""
    # An id is hexadecimal digits and hyphens: nothing in it has to be quoted.
    statement = f"SET {SETTING} = '{scope.setting}'"
    try:
        lent.dbapi_connection.run_async(lambda driver: driver.execute(statement))  # type: ignore[union-attr]
    except BaseException as failure:
        lent.invalidate(failure)
        if isinstance(failure, Exception):
            raise OperationalError(statement, None, failure, connection_invalidated=True) from failure
        raise
    lent.info[_GIVEN] = scope

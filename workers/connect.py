"""What commands need to reach an installation. Everything heavy is imported when it is used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import click

from adapters.settings import Settings, SettingsError, load_settings
from domain.refusal import Refusal

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from workers.tools import Tools

APPLICATION = "prorata-command"
ROLE_SECONDS = 10

log = logging.getLogger(__name__)

database_url = click.option("--database-url", envvar="DATABASE_URL", required=True, show_envvar=True)

owner_url = click.option(
    "--owner-url",
    envvar="PRORATA_OWNER_URL",
    show_envvar=True,
    help="The same database as the owner of its tables; without it, DATABASE_URL's role becomes their owner.",
)


def checked_settings() -> Settings:
    """Read the settings; what is wrong with them is told in a line, and ends the command."""
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def refuse_role(settings: Settings) -> None:
    """End the command if PostgreSQL keeps no accounts apart for the role it would work as.

    Where the database does not answer nothing is known of the role: the processes start and wait, and `/readyz` tells.
    """
    from adapters.database import AWAY, create_engine
    from adapters.roles import RoleError, refuse_wrong_role
    from adapters.stopping import within

    async def look() -> None:
        engine = create_engine(settings.database_url, pool_size=1, application_name=APPLICATION)
        try:
            await within(ROLE_SECONDS, refuse_wrong_role(engine))
        finally:
            await engine.dispose()

    try:
        asyncio.run(look())
    except RoleError as error:
        raise click.ClickException(str(error)) from error
    except AWAY as error:
        log.warning("the database is away, and its role not looked at: %s", type(error).__name__)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Let a refusal end the command with its sentence."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Open one connection that sees all accounts, and close it."""
    from adapters.database import create_engine, session_maker
    from adapters.scopes import EVERYONE

    engine = create_engine(database_url, pool_size=1, application_name=APPLICATION, scope=EVERYONE)
    try:
        yield session_maker(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def transaction(database_url: str) -> AsyncIterator[AsyncSession]:
    """Open a transaction, and commit it."""
    async with connected(database_url) as sessions, sessions.begin() as session:
        yield session


@asynccontextmanager
async def tools(settings: Settings) -> AsyncIterator[Tools]:
    """Open what a worker's jobs are given, but for mail; live readers are told of changes."""
    from adapters.database import create_engine, session_maker
    from adapters.gateway.chosen import gateway
    from adapters.live import Outlet
    from adapters.scopes import EVERYONE
    from workers.tools import Tools

    engine = create_engine(settings.database_url, pool_size=2, application_name=APPLICATION, scope=EVERYONE)
    outlet, provider = Outlet(settings.redis_url), gateway(settings)
    try:
        yield Tools(session_maker(engine, outlet=outlet), provider)
    finally:
        await provider.aclose()
        await outlet.close()
        await engine.dispose()

"""What commands need to reach an installation. Everything heavy is imported when it is used."""

from __future__ import annotations

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

database_url = click.option("--database-url", envvar="DATABASE_URL", required=True, show_envvar=True)


def checked_settings() -> Settings:
    """Read the settings; what is wrong with them is told in a line, and ends the command."""
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def refusals_told() -> Iterator[None]:
    """Let a refusal end the command with its sentence."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Open one connection, and close it."""
    from adapters.database import create_engine, session_maker

    engine = create_engine(database_url, pool_size=1, application_name=APPLICATION)
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
    from workers.tools import Tools

    engine = create_engine(settings.database_url, pool_size=2, application_name=APPLICATION)
    outlet, provider = Outlet(settings.redis_url), gateway(settings)
    try:
        yield Tools(session_maker(engine, outlet=outlet), provider)
    finally:
        await provider.aclose()
        await outlet.close()
        await engine.dispose()

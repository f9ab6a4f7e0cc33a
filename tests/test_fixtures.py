"""What a test may count on when it asks for a database: the schema of today, and nobody else's rows."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.upgrade import alembic_config, upgrade


async def test_the_modules_database_stands_at_the_newest_revision(
    sessions: async_sessionmaker[AsyncSession], database_url: str
) -> None:
    newest = ScriptDirectory.from_config(alembic_config(database_url)).get_current_head()

    async with sessions() as session:
        assert await session.scalar(text("SELECT version_num FROM alembic_version")) == newest


async def test_the_modules_database_begins_without_accounts(
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM accounts")) == 0


def test_migrating_twice_changes_nothing(owner_url: str) -> None:
    upgrade(owner_url)


async def test_valkey_answers(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.ping()

"""A price book to sign under, in the database of every test module here."""

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.adapters import rows


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def price_book(sessions: async_sessionmaker[AsyncSession]) -> int:
    """The version of the one price book there is."""
    async with sessions.begin() as session:
        session.add(rows.price_book())
    return 1

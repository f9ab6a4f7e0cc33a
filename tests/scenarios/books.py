"""A second price book: the shipped one with Essential at $45.00 a month, in force from 16 September 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import pricebooks

NEXT_VERSION = 2
IN_FORCE_ON = date(2026, 9, 16)


def next_book() -> dict[str, Any]:
    """Give its document."""
    document = pricebooks.shipped()
    document["version"], document["effectiveOn"] = NEXT_VERSION, IN_FORCE_ON.isoformat()
    document["plans"]["ESSENTIAL"]["monthly"] = "45"
    return document


async def publish_next_book(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Put it in the store, as an operator does; done again, it changes nothing."""
    async with sessions.begin() as session:
        await pricebooks.publish(session, next_book(), now=datetime.now(UTC))

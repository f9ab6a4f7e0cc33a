"""Between usage and a close: events are recorded before an account's close reads its usage, or after it is committed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(cast(:account AS text), 0))")
_STOP = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(account, 0))
    FROM unnest(cast(:accounts AS text[])) AS account ORDER BY account
""")


async def share_usage(session: AsyncSession, account_id: UUID) -> None:
    """Let usage of the account be recorded beside other usage, but not beside a close."""
    await session.execute(_SHARE, {"account": str(account_id)})


async def stop_usage(session: AsyncSession, account_ids: Sequence[UUID]) -> None:
    """Wait until running recordings of the accounts are committed, and hold new ones until this transaction ends."""
    await session.execute(_STOP, {"accounts": [str(account_id) for account_id in account_ids]})

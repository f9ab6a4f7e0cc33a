"""What waits to be done, counted in one statement, for whoever watches the installation.

Accounts on test clocks are left out: how late they are is not a time anybody waits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_WAITING: Final = text("""
    SELECT 'due', work.kind, count(*), CAST(extract(epoch FROM now() - min(work.due_at)) AS float8)
        FROM due_work work JOIN accounts account ON account.account_id = work.account_id
        WHERE work.parked_at IS NULL AND work.due_at <= now() AND account.test_clock_id IS NULL
        GROUP BY work.kind
    UNION ALL
    SELECT 'parked', kind, count(*), CAST(extract(epoch FROM now() - min(parked_at)) AS float8)
        FROM due_work WHERE parked_at IS NOT NULL GROUP BY kind
    UNION ALL
    SELECT 'mail', '', count(*),
        CAST(coalesce(greatest(extract(epoch FROM now() - min(next_try_at)), 0), 0) AS float8)
        FROM outbox WHERE sent_at IS NULL AND given_up_at IS NULL
    UNION ALL
    SELECT 'webhook', '', count(*),
        CAST(coalesce(greatest(extract(epoch FROM now() - min(next_attempt_at)), 0), 0) AS float8)
        FROM webhook_deliveries WHERE status = 'WAITING'
""")


class Waiting(NamedTuple):
    """So many of a kind wait, the first of them for so many seconds since its time came."""

    what: str
    kind: str
    number: int
    oldest_seconds: float


async def waiting(connection: AsyncConnection) -> list[Waiting]:
    """Count due work and parked work by kind, mails and deliveries of webhooks."""
    return [Waiting(*row) for row in await connection.execute(_WAITING)]

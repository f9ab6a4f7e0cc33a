"""An account's books, read whole: where the ledger, the invoices, the credit and the totals of usage do not agree.

Empty answers are the good ones. The statements that read every entry or event are for operators, not for pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.accounts import Account
from adapters.tables.invoices import Invoice

_PATIENCE: Final = text("SET LOCAL statement_timeout = '15min'")
_MOVES: Final = text("""
    SELECT count(DISTINCT transaction_id) FROM ledger_entries
    WHERE account_id = :account AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
""")
_UNBALANCED: Final = text("""
    SELECT transaction_id, min(kind) AS kind, min(at) AS at, sum(amount_cents)::bigint AS cents FROM ledger_entries
    WHERE account_id = :account AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
    GROUP BY transaction_id HAVING sum(amount_cents) <> 0 ORDER BY min(at), transaction_id
""")
_INVOICES: Final = text("""
    SELECT number, total_cents, due_cents, coalesce(lines.cents, 0)::bigint AS lines_cents,
        coalesce(owed.cents, 0)::bigint AS owed_cents
    FROM invoices
    LEFT JOIN (
        SELECT invoice_id, sum(amount_cents) AS cents FROM invoice_lines WHERE account_id = :account GROUP BY invoice_id
    ) lines ON lines.invoice_id = id
    LEFT JOIN (
        SELECT invoice_id, sum(amount_cents) AS cents FROM ledger_entries
        WHERE account_id = :account AND ledger_account = 'RECEIVABLE' GROUP BY invoice_id
    ) owed ON owed.invoice_id = id
    WHERE account_id = :account
        AND (total_cents <> coalesce(lines.cents, 0) OR due_cents <> coalesce(owed.cents, 0))
    ORDER BY number
""")
# What gave credit, less what took it: the ledger keeps the balance, these keep the reasons.
_CREDIT: Final = text("""
    SELECT
        (SELECT coalesce(-sum(amount_cents), 0) FROM ledger_entries
            WHERE account_id = :account AND ledger_account = 'CREDIT')::bigint AS held,
        ((SELECT coalesce(sum(greatest(-total_cents, 0) - credit_applied_cents), 0) FROM invoices
            WHERE account_id = :account)
        + (SELECT coalesce(sum(amount_cents - to_due_cents), 0) FROM credit_notes WHERE account_id = :account)
        - (SELECT coalesce(sum(amount_cents), 0) FROM refunds
            WHERE account_id = :account AND status <> 'FAILED'))::bigint AS given
""")
_DAYS: Final = text("""
    SELECT count(*) FROM usage_days
    WHERE account_id = :account AND (CAST(:since AS date) IS NULL OR day >= :since)
""")
_MISCOUNTED: Final = text("""
    WITH counted AS (
        SELECT workspace_id, metric, day, channel, units, events FROM usage_days
        WHERE account_id = :account AND (CAST(:since AS date) IS NULL OR day >= :since)
    ), standing AS (
        SELECT event.workspace_id, event.metric, event.day, coalesce(event.channel, '') AS channel,
            sum(event.units) AS units, count(*) AS events
        FROM usage_events event
        LEFT JOIN usage_takebacks taken USING (account_id, workspace_id, event_id)
        WHERE event.account_id = :account AND taken.event_id IS NULL
            AND (CAST(:since AS date) IS NULL OR event.day >= :since)
        GROUP BY event.workspace_id, event.metric, event.day, coalesce(event.channel, '')
    )
    SELECT workspace_id, metric, day, channel,
        coalesce(counted.units, 0)::bigint AS counted_units, coalesce(counted.events, 0)::bigint AS counted_events,
        coalesce(standing.units, 0)::bigint AS standing_units, coalesce(standing.events, 0)::bigint AS standing_events
    FROM counted FULL JOIN standing USING (workspace_id, metric, day, channel)
    WHERE coalesce(counted.units, 0) <> coalesce(standing.units, 0)
        OR coalesce(counted.events, 0) <> coalesce(standing.events, 0)
    ORDER BY day, workspace_id, metric, channel
""")


class Credit(NamedTuple):
    """The balance by the ledger, and by the invoices, credit notes and refunds that made it, in cents."""

    held: int
    given: int


async def be_patient(session: AsyncSession) -> None:
    """Give the statements of this transaction the time that whole books take."""
    await session.execute(_PATIENCE)


async def account_ids(session: AsyncSession) -> list[UUID]:
    """Name all accounts, in order of their ids."""
    return list(await session.scalars(select(col(Account.account_id)).order_by(col(Account.account_id))))


async def issued(session: AsyncSession, *, account_id: UUID, since: date | None) -> list[tuple[UUID, int]]:
    """Give the ids and numbers of the invoices of an account that bear a date or a later one."""
    query = select(col(Invoice.id), col(Invoice.number)).where(col(Invoice.account_id) == account_id)
    if since is not None:
        query = query.where(col(Invoice.invoice_on) >= since)
    rows = await session.execute(query.order_by(col(Invoice.number)))
    return [(invoice_id, number) for invoice_id, number in rows]


async def count_moves(session: AsyncSession, *, account_id: UUID, since: datetime | None) -> int:
    """Count an account's money moves from a moment on."""
    return int(await session.scalar(_MOVES, {"account": account_id, "since": since}) or 0)


async def unbalanced(
    session: AsyncSession, *, account_id: UUID, since: datetime | None
) -> Sequence[Row[Any]]:
    """Give the money moves whose entries do not add up to zero."""
    return (await session.execute(_UNBALANCED, {"account": account_id, "since": since})).all()


async def misstated_invoices(session: AsyncSession, *, account_id: UUID) -> Sequence[Row[Any]]:
    """Give the invoices that are not the sum of their lines, or owe something else than their ledger says."""
    return (await session.execute(_INVOICES, {"account": account_id})).all()


async def credit(session: AsyncSession, *, account_id: UUID) -> Credit:
    """Give an account's credit both ways."""
    return Credit(*(await session.execute(_CREDIT, {"account": account_id})).one())


async def count_days(session: AsyncSession, *, account_id: UUID, since: date | None) -> int:
    """Count an account's totals of usage from a day on."""
    return int(await session.scalar(_DAYS, {"account": account_id, "since": since}) or 0)


async def miscounted_days(
    session: AsyncSession, *, account_id: UUID, since: date | None
) -> Sequence[Row[Any]]:
    """Give the totals of usage that are not those of the events that stand, with both."""
    return (await session.execute(_MISCOUNTED, {"account": account_id, "since": since})).all()

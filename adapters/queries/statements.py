"""An account's statement: its money moves in order, each with its entries and the balance after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import CUSTOMER

_MOVES: Final = text("""
    WITH moves AS (
        SELECT transaction_id AS id, min(at) AS at, min(kind) AS kind, (array_agg(invoice_id))[1] AS invoice_id,
            coalesce(sum(amount_cents) FILTER (WHERE ledger_account = ANY (:customer)), 0)::bigint AS amount_cents,
            array_agg(ledger_account ORDER BY id) AS accounts, array_agg(amount_cents ORDER BY id) AS amounts
        FROM ledger_entries WHERE account_id = :account_id GROUP BY transaction_id
    ), running AS (
        SELECT *, (sum(amount_cents) OVER (ORDER BY at, id))::bigint AS balance_cents FROM moves
    )
    SELECT id, at, kind, invoice_id, amount_cents, balance_cents, accounts, amounts FROM running
    WHERE CAST(:at AS timestamptz) IS NULL OR (at, id) < (:at, CAST(:id AS uuid))
    ORDER BY at DESC, id DESC LIMIT :limit
""")
_OWED: Final = text("""
    SELECT account_id, sum(amount_cents)::bigint AS owed FROM ledger_entries
    WHERE account_id = ANY (:account_ids) AND ledger_account = ANY (:customer) GROUP BY account_id
""")
_CUSTOMER: Final = sorted(CUSTOMER)


@dataclass(frozen=True, slots=True)
class Move:
    """One money move: what it changed of what the customer owes, what was owed after it, and its entries, in cents."""

    id: UUID
    at: datetime
    kind: str
    invoice_id: UUID | None
    amount_cents: int
    balance_cents: int
    entries: tuple[tuple[str, int], ...]


async def page(
    session: AsyncSession, *, account_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[Move]:
    """Give an account's money moves, newest first, from a place down."""
    at, move_id = before or (None, None)
    rows = await session.execute(
        _MOVES, {"account_id": account_id, "customer": _CUSTOMER, "at": at, "id": move_id, "limit": limit}
    )
    return [
        Move(
            id=row.id,
            at=row.at,
            kind=row.kind,
            invoice_id=row.invoice_id,
            amount_cents=row.amount_cents,
            balance_cents=row.balance_cents,
            entries=tuple(zip(row.accounts, row.amounts, strict=True)),
        )
        for row in rows
    ]


async def owed(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Give what accounts owe in all, in cents: open invoices less credit; accounts without entries are absent."""
    rows = await session.execute(_OWED, {"account_ids": list(account_ids), "customer": _CUSTOMER})
    return {row.account_id: row.owed for row in rows}

"""Refunds: by id, by the payment they pay back, and what of a payment is refunded already."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.refunds import Refund

Key = tuple[UUID, UUID]


async def find(session: AsyncSession, *, account_id: UUID, refund_id: UUID) -> Refund | None:
    """Give a refund of an account, as it stands now."""
    return await session.get(Refund, (account_id, refund_id), populate_existing=True)


async def of_payments(session: AsyncSession, keys: Iterable[Key]) -> dict[Key, list[Refund]]:
    """Give the refunds of payments, first to last, by account and payment."""
    wanted = list(keys)
    query = (
        select(Refund)
        .where(tuple_(col(Refund.account_id), col(Refund.payment_id)).in_(wanted))
        .order_by(col(Refund.id))
    )
    found: dict[Key, list[Refund]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found[row.account_id, row.payment_id].append(row)
    return found


async def refunded(session: AsyncSession, *, account_id: UUID, payment_id: UUID) -> int:
    """Add up what of a payment was given back or is on its way, in cents."""
    query = select(func.coalesce(func.sum(col(Refund.amount_cents)), 0)).where(
        col(Refund.account_id) == account_id,
        col(Refund.payment_id) == payment_id,
        col(Refund.status) != "FAILED",
    )
    return int((await session.execute(query)).scalar_one())


async def of_invoice(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> list[Refund]:
    """Give the refunds of an invoice's payments, first to last."""
    query = (
        select(Refund)
        .where(col(Refund.account_id) == account_id, col(Refund.invoice_id) == invoice_id)
        .order_by(col(Refund.id))
    )
    return list(await session.scalars(query))

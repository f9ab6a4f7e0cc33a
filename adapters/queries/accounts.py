"""Billing accounts: find one, or lock it before deciding about its money; balances from the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.accounts import Account
from adapters.tables.ledger import LedgerEntry
from adapters.tables.pricebooks import PriceBook
from adapters.tables.testclocks import TestClock


async def find(session: AsyncSession, account_id: UUID) -> Account | None:
    """Give an account without locking it."""
    return await session.get(Account, account_id)


async def find_many(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Give accounts by id."""
    rows = await session.scalars(select(Account).where(col(Account.account_id).in_(list(account_ids))))
    return {row.account_id: row for row in rows}


async def lock(session: AsyncSession, account_id: UUID) -> Account | None:
    """Lock an account for the rest of the transaction: the first lock of every change to a bill."""
    query = select(Account).where(col(Account.account_id) == account_id).with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def lock_many(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock accounts in the order of their ids, leaving out those another transaction holds."""
    query = (
        select(Account)
        .where(col(Account.account_id).in_(list(account_ids)))
        .order_by(col(Account.account_id))
        .with_for_update(skip_locked=True)
    )
    rows = await session.scalars(query, execution_options={"populate_existing": True})
    return {row.account_id: row for row in rows}


async def page(
    session: AsyncSession, *, after: tuple[datetime, UUID] | None, limit: int, only: Collection[UUID] | None
) -> list[Account]:
    """Give accounts newest first, from a keyset position on."""
    query = (
        select(Account).order_by(col(Account.created_at).desc(), col(Account.account_id).desc()).limit(limit)
    )
    if only is not None:
        query = query.where(col(Account.account_id).in_(only))
    if after is not None:
        created_at, account_id = after
        query = query.where(
            (col(Account.created_at) < created_at)
            | ((col(Account.created_at) == created_at) & (col(Account.account_id) < account_id))
        )
    return list(await session.scalars(query))


async def credit_sums(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Add up the CREDIT entries of accounts, in cents; accounts without any are absent."""
    query = (
        select(col(LedgerEntry.account_id), func.sum(col(LedgerEntry.amount_cents)))
        .where(
            col(LedgerEntry.account_id).in_(list(account_ids)), col(LedgerEntry.ledger_account) == "CREDIT"
        )
        .group_by(col(LedgerEntry.account_id))
    )
    return {account_id: int(amount) for account_id, amount in await session.execute(query)}


async def clocks(session: AsyncSession, clock_ids: Iterable[UUID]) -> dict[UUID, TestClock]:
    """Give test clocks by id; most accounts have none, and then nothing is asked."""
    wanted = set(clock_ids)
    if not wanted:
        return {}
    rows = await session.scalars(select(TestClock).where(col(TestClock.id).in_(wanted)))
    return {row.id: row for row in rows}


async def lock_clock(session: AsyncSession, clock_id: UUID) -> TestClock | None:
    """Lock a test clock for the rest of the transaction."""
    query = select(TestClock).where(col(TestClock.id) == clock_id).with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def hold_clock(session: AsyncSession, clock_id: UUID, *, lease: timedelta) -> bool:
    """Take a test clock's advance into one's hands for a time, counted by the database; False when somebody has it."""
    held = await session.scalar(
        update(TestClock)
        .where(
            col(TestClock.id) == clock_id,
            col(TestClock.lease_until).is_(None) | (col(TestClock.lease_until) < func.clock_timestamp()),
        )
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(col(TestClock.id))
    )
    return held is not None


async def clocks_advancing(session: AsyncSession) -> list[UUID]:
    """Name the test clocks whose advance was begun and is in nobody's hands."""
    query = select(col(TestClock.id)).where(
        col(TestClock.target_at).is_not(None),
        col(TestClock.lease_until).is_(None) | (col(TestClock.lease_until) < func.clock_timestamp()),
    )
    return list(await session.scalars(query))


async def price_books(session: AsyncSession) -> list[PriceBook]:
    """Give all versions of the price book, oldest first."""
    return list(await session.scalars(select(PriceBook).order_by(col(PriceBook.version))))

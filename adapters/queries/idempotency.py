"""Idempotency keys: claimed by an insert that waits for whoever holds the same key, found again, forgotten in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.idempotency import IdempotencyKey

_LOCK_NOT_AVAILABLE = "55P03"


class KeyHeldError(Exception):
    """Another transaction has held the key for as long as a lock is waited for."""


async def insert_key(
    session: AsyncSession, *, account_id: UUID, key: str, mutation: str, fingerprint: bytes, at: datetime
) -> bool:
    """Claim a key, and tell whether it was free; waits for a transaction that claimed it and is not over.

    Raises KeyHeldError when that takes longer than the connection's `lock_timeout`.
    """
    statement = (
        insert(IdempotencyKey)
        .values(
            account_id=account_id,
            key=key,
            mutation=mutation,
            fingerprint=fingerprint,
            answer={},
            created_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(IdempotencyKey.key))
    )
    try:
        return await session.scalar(statement) is not None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise KeyHeldError from error
        raise


async def find(session: AsyncSession, *, account_id: UUID, key: str) -> IdempotencyKey | None:
    """Give what is kept under a key."""
    query = select(IdempotencyKey).where(
        col(IdempotencyKey.account_id) == account_id, col(IdempotencyKey.key) == key
    )
    return (await session.scalars(query)).one_or_none()


async def keep_answer(session: AsyncSession, *, account_id: UUID, key: str, answer: dict[str, Any]) -> None:
    """Write the answer under a key that this transaction claimed."""
    await session.execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.account_id) == account_id, col(IdempotencyKey.key) == key)
        .values(answer=answer)
    )


async def delete_older(session: AsyncSession, *, age: timedelta, limit: int) -> int:
    """Delete the oldest keys of more than an age, and give how many; those another transaction holds are left."""
    old = (
        select(col(IdempotencyKey.account_id), col(IdempotencyKey.key))
        .where(col(IdempotencyKey.created_at) < func.now() - age)
        .order_by(col(IdempotencyKey.created_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = await session.execute(
        delete(IdempotencyKey)
        .where(tuple_(col(IdempotencyKey.account_id), col(IdempotencyKey.key)).in_(old))
        .returning(col(IdempotencyKey.key))
    )
    return len(deleted.all())

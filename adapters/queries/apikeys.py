"""API keys, by their public ids and by the accounts they open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.apikeys import ApiKey


async def find(session: AsyncSession, public_id: str) -> ApiKey | None:
    """Give a key by its public id."""
    return await session.get(ApiKey, public_id)


async def lock(session: AsyncSession, public_id: str) -> ApiKey | None:
    """Lock a key for a change of it."""
    query = select(ApiKey).where(col(ApiKey.id) == public_id).with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def everyones(session: AsyncSession) -> list[ApiKey]:
    """Give all keys, oldest first."""
    return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))))


async def of_accounts(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, list[ApiKey]]:
    """Give the keys of accounts, oldest first."""
    query = (
        select(ApiKey)
        .where(col(ApiKey.account_id).in_(list(account_ids)))
        .order_by(col(ApiKey.created_at), col(ApiKey.id))
    )
    found: dict[UUID, list[ApiKey]] = {}
    for row in await session.scalars(query):
        if row.account_id is not None:
            found.setdefault(row.account_id, []).append(row)
    return found


async def note_uses(session: AsyncSession, uses: Mapping[str, datetime]) -> None:
    """Keep when keys were used last; waits for nobody, and never takes a later moment back."""
    ids, moments = (
        literal(list(uses), ARRAY(Text)),
        literal(list(uses.values()), ARRAY(DateTime(timezone=True))),
    )
    used = select(func.unnest(ids).label("id"), func.unnest(moments).label("at")).subquery()
    free = (
        select(col(ApiKey.id), used.c.at)
        .join(used, used.c.id == col(ApiKey.id))
        .where(func.coalesce(col(ApiKey.last_used_at), col(ApiKey.created_at)) <= used.c.at)
        .with_for_update(of=ApiKey, skip_locked=True)
        .cte()
    )
    await session.execute(
        update(ApiKey).where(col(ApiKey.id) == free.c.id).values(last_used_at=free.c.at),
        execution_options={"synchronize_session": False},
    )

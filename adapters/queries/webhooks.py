"""Endpoints of webhooks: an account's own, found, counted and told of failing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.webhooks import WebhookEndpoint


async def of_accounts(
    session: AsyncSession, account_ids: Iterable[UUID]
) -> dict[UUID, list[WebhookEndpoint]]:
    """Give the endpoints of accounts, oldest first."""
    query = (
        select(WebhookEndpoint)
        .where(
            col(WebhookEndpoint.account_id).in_(list(account_ids)), col(WebhookEndpoint.removed_at).is_(None)
        )
        .order_by(col(WebhookEndpoint.id))
    )
    found: dict[UUID, list[WebhookEndpoint]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.account_id].append(row)
    return found


async def find_many(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], WebhookEndpoint]:
    """Find endpoints by account and id, without those that were removed."""
    own = tuple_(col(WebhookEndpoint.account_id), col(WebhookEndpoint.id))
    query = select(WebhookEndpoint).where(own.in_(list(keys)), col(WebhookEndpoint.removed_at).is_(None))
    return {(row.account_id, row.id): row for row in await session.scalars(query)}


async def lock(session: AsyncSession, *, account_id: UUID, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Lock an endpoint that was not removed; events may still be written for it meanwhile."""
    query = select(WebhookEndpoint).where(*_is(account_id, endpoint_id)).with_for_update(key_share=True)
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def count(session: AsyncSession, *, account_id: UUID) -> int:
    """Count an account's endpoints."""
    query = (
        select(func.count())
        .select_from(WebhookEndpoint)
        .where(col(WebhookEndpoint.account_id) == account_id, col(WebhookEndpoint.removed_at).is_(None))
    )
    return (await session.scalar(query)) or 0


async def note_failure(
    session: AsyncSession, *, account_id: UUID, endpoint_id: UUID, at: datetime
) -> datetime | None:
    """Note that an endpoint fails, and give since when; None for one that is off."""
    since: datetime | None = await session.scalar(
        update(WebhookEndpoint)
        .where(*_is(account_id, endpoint_id), col(WebhookEndpoint.is_enabled))
        .values(failing_since=func.coalesce(col(WebhookEndpoint.failing_since), at))
        .returning(col(WebhookEndpoint.failing_since))
    )
    return since


async def note_success(session: AsyncSession, *, account_id: UUID, endpoint_id: UUID) -> None:
    """Note that an endpoint works; nothing is written if that was known."""
    await session.execute(
        update(WebhookEndpoint)
        .where(*_is(account_id, endpoint_id), col(WebhookEndpoint.failing_since).is_not(None))
        .values(failing_since=None)
    )


def _is(account_id: UUID, endpoint_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        col(WebhookEndpoint.account_id) == account_id,
        col(WebhookEndpoint.id) == endpoint_id,
        col(WebhookEndpoint.removed_at).is_(None),
    )

"""Notices and the mails that carry them out: written together, notices read newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.notifications import Mail, Notification
from adapters.tables.workspaces import BillingContact, Workspace


async def write(
    session: AsyncSession, *, notices: Sequence[Mapping[str, Any]], mails: Sequence[Mapping[str, Any]]
) -> None:
    """Insert notices and their mails, one statement a table."""
    for table, rows in ((Notification, notices), (Mail, mails)):
        if rows:
            await session.execute(insert(table), list(rows))


async def addresses(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, list[str]]]:
    """Give the billing contacts of accounts, by account and workspace."""
    query = (
        select(col(BillingContact.account_id), col(BillingContact.workspace_id), col(BillingContact.email))
        .where(col(BillingContact.account_id).in_(list(account_ids)))
        .order_by(col(BillingContact.workspace_id), col(BillingContact.email))
    )
    found: dict[UUID, dict[UUID, list[str]]] = defaultdict(lambda: defaultdict(list))
    for account_id, workspace_id, email in await session.execute(query):
        found[account_id][workspace_id].append(email)
    return found


async def workspace_names(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Name the workspaces of accounts, by workspace."""
    query = select(col(Workspace.id), col(Workspace.name)).where(
        col(Workspace.account_id).in_(list(account_ids))
    )
    return {workspace_id: name for workspace_id, name in await session.execute(query)}  # noqa: C416  (mypy sees pairs here)


async def page(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, before: UUID | None, limit: int
) -> list[Notification]:
    """Give an account's notices, or those for one workspace, its own and the account's, newest first."""
    query = (
        select(Notification)
        .where(col(Notification.account_id) == account_id)
        .order_by(col(Notification.id).desc())
        .limit(limit)
    )
    if workspace_id is not None:
        query = query.where(
            col(Notification.workspace_id).is_(None) | (col(Notification.workspace_id) == workspace_id)
        )
    if before is not None:
        query = query.where(col(Notification.id) < before)
    return list(await session.scalars(query))


async def find_many(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Notification]:
    """Find notices by account and id."""
    query = select(Notification).where(
        tuple_(col(Notification.account_id), col(Notification.id)).in_(list(keys))
    )
    return {(row.account_id, row.id): row for row in await session.scalars(query)}

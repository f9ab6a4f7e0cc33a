"""Notices and the mails that carry them out: written together, notices read newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.copying import copy_rows
from adapters.tables.notifications import Mail, Notification
from adapters.tables.workspaces import BillingContact, Workspace


async def write(
    session: AsyncSession, *, notices: Sequence[Mapping[str, Any]], mails: Sequence[Mapping[str, Any]]
) -> None:
    """Insert notices and their mails, one statement a table."""
    await copy_rows(session, Notification, notices)
    await copy_rows(session, Mail, mails)


async def addresses(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, list[str]]]:
    """Give the billing contacts of accounts, by account and workspace.

    Of a workspace that went to another account they are that one's; an account that kept none has these last ones.
    """
    own = and_(
        col(Workspace.account_id) == col(BillingContact.account_id),
        col(Workspace.id) == col(BillingContact.workspace_id),
    )
    query = (
        select(
            col(BillingContact.account_id),
            col(BillingContact.workspace_id),
            col(BillingContact.email),
            col(Workspace.left_at).is_not(None),
        )
        .join(Workspace, own)
        .where(col(BillingContact.account_id).in_(list(account_ids)))
        .order_by(col(BillingContact.workspace_id), col(BillingContact.email))
    )
    present: dict[UUID, dict[UUID, list[str]]] = defaultdict(lambda: defaultdict(list))
    gone: dict[UUID, dict[UUID, list[str]]] = defaultdict(lambda: defaultdict(list))
    for account_id, workspace_id, email, has_left in await session.execute(query):
        (gone if has_left else present)[account_id][workspace_id].append(email)
    return {account_id: present.get(account_id) or gone[account_id] for account_id in [*present, *gone]}


async def workspace_names(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Name the workspaces of accounts, by workspace."""
    query = select(col(Workspace.id), col(Workspace.name)).where(
        col(Workspace.account_id).in_(list(account_ids))
    )
    return {workspace_id: name for workspace_id, name in await session.execute(query)}  # noqa: C416  (mypy sees pairs here)


async def page(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, before: UUID | None, limit: int
) -> list[Notification]:
    """Give an account's notices, or those for one workspace, its own and the account's, newest first.

    An invite is for the person invited alone.
    """
    query = (
        select(Notification)
        .where(col(Notification.account_id) == account_id, col(Notification.kind) != "INVITE")
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

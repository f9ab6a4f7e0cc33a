"""Notices and the mails that carry them out: written together; notices shown newest first, and marked as read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.recording import note_created
from adapters.rowsets import insert_rows
from adapters.tables.notifications import Mail, Notification, NotificationRead
from adapters.tables.workspaces import BillingContact, Workspace

Shown = tuple[Notification, datetime | None]
"""A notice and when it was read."""

_IS_READ: Final = and_(
    col(NotificationRead.account_id) == col(Notification.account_id),
    col(NotificationRead.notification_id) == col(Notification.id),
)

_IS_SHOWN: Final = col(Notification.kind) != "INVITE"
"""An invite is for the person invited alone, by mail."""


async def write(
    session: AsyncSession, *, notices: Sequence[Mapping[str, Any]], mails: Sequence[Mapping[str, Any]]
) -> None:
    """Insert notices and their mails, one statement a table."""
    await insert_rows(session, Notification, notices)
    await insert_rows(session, Mail, mails)


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
    return {row.id: row.name for row in await session.execute(query)}


async def page(
    session: AsyncSession,
    *,
    account_id: UUID,
    workspace_id: UUID | None,
    before: UUID | None,
    limit: int,
    is_unread: bool = False,
) -> list[Shown]:
    """Give an account's notices, or those for one workspace, its own and the account's, newest first."""
    query = (
        select(Notification, col(NotificationRead.read_at))
        .outerjoin(NotificationRead, _IS_READ)
        .where(*_shown_in(account_id, workspace_id))
        .order_by(col(Notification.id).desc())
        .limit(limit)
    )
    if is_unread:
        query = query.where(col(NotificationRead.read_at).is_(None))
    if before is not None:
        query = query.where(col(Notification.id) < before)
    return [(row, read_at) for row, read_at in await session.execute(query)]


async def find_many(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Shown]:
    """Find notices by account and id."""
    query = (
        select(Notification, col(NotificationRead.read_at))
        .outerjoin(NotificationRead, _IS_READ)
        .where(tuple_(col(Notification.account_id), col(Notification.id)).in_(list(keys)), _IS_SHOWN)
    )
    return {(row.account_id, row.id): (row, read_at) for row, read_at in await session.execute(query)}


async def count_unread(session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None) -> int:
    """Count the notices of an account, or of those a workspace is shown, that nobody has read."""
    query = (
        select(func.count())
        .select_from(Notification)
        .where(*_shown_in(account_id, workspace_id), ~exists().where(_IS_READ))
    )
    return int(await session.scalar(query) or 0)


async def read(
    session: AsyncSession, *, account_id: UUID, notification_ids: Iterable[UUID], now: datetime
) -> None:
    """Note that notices are read; of those that were, the first time stays."""
    rows = [
        {"account_id": account_id, "notification_id": each, "read_at": now}
        for each in sorted(set(notification_ids))
    ]
    if rows:
        added = upsert(NotificationRead).values(rows).on_conflict_do_nothing()
        await _note_read(session, added, account_id=account_id, now=now)


async def read_all(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, now: datetime
) -> int:
    """Note that all notices of an account, or all that a workspace is shown, are read; give how many were not."""
    unread = select(col(Notification.account_id), col(Notification.id), literal(now))
    unread = unread.where(*_shown_in(account_id, workspace_id), ~exists().where(_IS_READ))
    # In the order of their keys, so that two who mark at once never wait for each other in a ring.
    unread = unread.order_by(col(Notification.id))
    added = (
        upsert(NotificationRead)
        .from_select(["account_id", "notification_id", "read_at"], unread)
        .on_conflict_do_nothing()
    )
    return await _note_read(session, added, account_id=account_id, now=now)


async def _note_read(session: AsyncSession, added: Insert, *, account_id: UUID, now: datetime) -> int:
    """Run an insert, note its rows and count them."""
    ids = (await session.scalars(added.returning(col(NotificationRead.notification_id)))).all()
    rows = [{"account_id": account_id, "notification_id": each, "read_at": now} for each in ids]
    note_created(session, NotificationRead, rows)
    return len(rows)


def _shown_in(account_id: UUID, workspace_id: UUID | None) -> list[ColumnElement[bool]]:
    shown: list[ColumnElement[bool]] = [col(Notification.account_id) == account_id, _IS_SHOWN]
    if workspace_id is not None:
        shown.append(
            col(Notification.workspace_id).is_(None) | (col(Notification.workspace_id) == workspace_id)
        )
    return shown

"""Notices shown in the product, to a workspace or to all of an account; read, or not yet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry

from adapters.queries import notifications as queries
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import NoticeKind
from api.nodes import Node, must_reach, node_id
from api.results import mutation
from api.scopes import Scoped, reach_scope, scope_of
from services import notifications
from services.accounts import UnknownAccount
from services.notifications import TooManyNotifications, UnknownNotification
from services.workspaces import UnknownWorkspace

UnreadOnly: TypeAlias = Annotated[
    bool, strawberry.argument(description="Whether to leave out what was read.")
]


@strawberry.type(description="A notice for the people of a workspace, or of all of an account.")
class Notification(Node, Scoped):
    """A notice."""

    kind: NoticeKind = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="A line.")
    body: str = strawberry.field(description="A few sentences.")
    at: datetime = strawberry.field(description="When.")
    read_at: datetime | None = strawberry.field(
        description="When it was first marked as read, by any key that opens the account; null until then."
    )


@strawberry.type(description="One page of notices.")
class NotificationConnection(Connection[Notification]):
    """A page of notices."""

    shown_in: strawberry.Private[tuple[UUID, UUID | None]]

    @strawberry.field(description="How many notices of the whole list are not read yet.")
    async def unread_count(self, info: Info) -> int:
        """Count the unread."""
        account_id, workspace_id = self.shown_in
        async with info.context.reads() as session:
            return await queries.count_unread(session, account_id=account_id, workspace_id=workspace_id)


@strawberry.input(description="Notices to mark as read.")
class NotificationReadInput:
    """Input of notificationRead."""

    notification_ids: list[strawberry.ID] = strawberry.field(description="From 1 to 100 notices.")


@strawberry.input(description="Where to mark all notices as read.")
class NotificationReadAllInput:
    """Input of notificationReadAll."""

    account_id: strawberry.ID = strawberry.field(description="The billing account.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="One of its workspaces: its notices and those for all of the account; null for all notices.",
    )


@strawberry.type(description="The notices, read.")
class NotificationReadPayload:
    """Payload of notificationRead."""

    notifications: list[Notification] = strawberry.field(description="The notices, in the order given.")


@strawberry.type(description="How many notices are read now.")
class NotificationReadAllPayload:
    """Payload of notificationReadAll."""

    marked: int = strawberry.field(description="How many were not read before.")


async def notifications_of(
    info: Info,
    account_id: UUID,
    workspace_id: UUID | None,
    *,
    first: int | None,
    after: str | None,
    unread_only: bool,
) -> NotificationConnection:
    """Show a page of an account's notices, or of those a workspace is shown."""
    size = page_size(first)
    before = decode_cursor(after, UUID)[0] if after is not None else None
    async with info.context.sessions() as session:
        rows = await queries.page(
            session,
            account_id=account_id,
            workspace_id=workspace_id,
            before=before,
            limit=size + 1,
            is_unread=unread_only,
        )
    page = connection_from_rows(rows, size=size, after=after, key=lambda row: (row[0].id,), node=notification)
    return NotificationConnection(
        edges=page.edges, page_info=page.page_info, shown_in=(account_id, workspace_id)
    )


def notification(shown: queries.Shown) -> Notification:
    """Show a notice."""
    row, read_at = shown
    return Notification(
        id=node_id("Notification", row.account_id, row.id),
        kind=NoticeKind(row.kind),
        scope=scope_of(row.workspace_id),
        key=(row.account_id, row.workspace_id),
        title=row.title,
        body=row.body,
        at=row.at,
        read_at=read_at,
    )


@mutation(
    payload=NotificationReadPayload,
    refusals=(UnknownNotification, TooManyNotifications),
    description="Mark notices as read, for all who see the account. Marked again, they keep their first time.",
)
async def notification_read(info: Info, input: NotificationReadInput) -> NotificationReadPayload:
    """Mark notices as read."""
    notifications.check_number(len(input.notification_ids))
    keys = [must_reach(info, each, "Notification", UnknownNotification) for each in input.notification_ids]
    session = await info.context.begin()
    marked = await notifications.mark_read(session, keys=keys, wall=info.context.wall)
    return NotificationReadPayload(notifications=[notification(each) for each in marked])


@mutation(
    payload=NotificationReadAllPayload,
    refusals=(UnknownAccount, UnknownWorkspace),
    description="Mark all notices of an account as read, or all that one of its workspaces is shown.",
)
async def notification_read_all(info: Info, input: NotificationReadAllInput) -> NotificationReadAllPayload:
    """Mark all notices as read."""
    session = await info.context.begin()
    account, workspace_id = await reach_scope(
        info, session, account=input.account_id, workspace=input.workspace_id
    )
    marked = await notifications.mark_all_read(session, account, workspace_id=workspace_id)
    return NotificationReadAllPayload(marked=marked)

"""Notices shown in the product: of alerts, and of channels that limits turned off or on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from adapters.queries import notifications as queries
from adapters.tables import notifications as tables
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import NoticeKind
from api.nodes import Node, node_id
from api.scopes import Scoped, scope_of


@strawberry.type(description="A notice for the people of a workspace, or of all of an account.")
class Notification(Node, Scoped):
    """A notice."""

    kind: NoticeKind = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="A line.")
    body: str = strawberry.field(description="A few sentences.")
    at: datetime = strawberry.field(description="When.")


async def notifications_of(
    info: Info, account_id: UUID, workspace_id: UUID | None, *, first: int | None, after: str | None
) -> Connection[Notification]:
    """Show a page of an account's notices, or of those a workspace is shown."""
    size = page_size(first)
    before = decode_cursor(after, UUID)[0] if after is not None else None
    async with info.context.sessions() as session:
        rows = await queries.page(
            session, account_id=account_id, workspace_id=workspace_id, before=before, limit=size + 1
        )
    return connection_from_rows(rows, size=size, after=after, key=lambda row: (row.id,), node=notification)


def notification(row: tables.Notification) -> Notification:
    """Show a notice."""
    return Notification(
        id=node_id("Notification", row.account_id, row.id),
        kind=NoticeKind(row.kind),
        scope=scope_of(row.workspace_id),
        key=(row.account_id, row.workspace_id),
        title=row.title,
        body=row.body,
        at=row.at,
    )

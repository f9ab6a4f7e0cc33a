"""What people are told: notices shown in the product, and the mails that go out with them.

Both are written in the transaction of what they tell of, usage among it: no key leads to the account's own row, which
a close holds while it waits for usage.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index

from adapters.tables.columns import (
    Key,
    Record,
    String,
    StringKey,
    one_of,
    parent,
    reference,
    where,
)
from adapters.tables.workspaces import Workspace

NOTIFICATION_KINDS: Final = (
    "ALERT",
    "LIMIT_DISABLED",
    "LIMIT_ENABLED",
    "RENEWAL_REMINDER",
    "WEBHOOK_DISABLED",
)


class Notification(Record, table=True):
    """A notice for a workspace or, without one, for all of the account. Appended, never changed; ids grow with time."""

    __tablename__ = "notifications"
    __table_args__ = (
        reference("workspaces", workspace_id="id"),
        one_of("kind", NOTIFICATION_KINDS),
    )

    account_id: Key
    id: Key
    workspace_id: UUID | None = None
    kind: String
    title: String
    body: String
    at: datetime

    workspace: Workspace | None = parent(Workspace)


class Mail(Record, table=True):
    """A notice on its way to one address; it is sent until `sent_at` says that it was."""

    __tablename__ = "outbox"
    __table_args__ = (
        reference("notifications", notification_id="id"),
        Index("ix_outbox_unsent", "notification_id", postgresql_where=where("sent_at IS NULL")),
    )

    account_id: Key
    notification_id: Key
    address: StringKey
    created_at: datetime
    sent_at: datetime | None = None

    notification: Notification = parent(Notification)

"""What people are told: notices shown in the product, and the mails that go out with them.

Both are written in the transaction of what they tell of, usage among it: no key leads to the account's own row, which
a close holds while it waits for usage.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB

from adapters.tables.columns import (
    Key,
    OptionalString,
    Record,
    String,
    StringKey,
    check,
    one_of,
    parent,
    reference,
    stored_default,
    where,
)
from adapters.tables.workspaces import Workspace

NOTIFICATION_KINDS: Final = (
    "ALERT",
    "LIMIT_DISABLED",
    "LIMIT_ENABLED",
    "RENEWAL_REMINDER",
    "INVOICE_ISSUED",
    "PAYMENT_FAILED",
    "ACTION_NEEDED",
    "FROZEN",
    "RESTORED",
    "INVITE",
    "WEBHOOK_DISABLED",
)


class Notification(Record, table=True):
    """A notice for a workspace or, without one, for all of the account. Appended, never changed; ids grow with time.

    `facts` are short texts by name, what a mail shows beside title and body: amounts, dates, a link.
    """

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
    facts: dict[str, Any] = stored_default("'{}'::jsonb", python={}, sa_type=JSONB(none_as_null=True))

    workspace: Workspace | None = parent(Workspace)


class NotificationRead(Record, table=True):
    """A notice that somebody of the account has read. Appended, never changed."""

    __tablename__ = "notification_reads"
    __table_args__ = (reference("notifications", notification_id="id"),)

    account_id: Key
    notification_id: Key
    read_at: datetime

    notification: Notification = parent(Notification)


class Mail(Record, table=True):
    """A notice on its way to one address, until `sent_at` says that it was sent or `given_up_at` that it will not be.

    Moments from `next_try_at` on are the server's own: a mail leaves in real time, whatever clock its account hangs on.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        reference("notifications", notification_id="id"),
        check("failures", "failures >= 0"),
        check("one_end", "sent_at IS NULL OR given_up_at IS NULL"),
        Index(
            "ix_outbox_unsent",
            "next_try_at",
            postgresql_where=where("sent_at IS NULL AND given_up_at IS NULL"),
        ),
    )

    account_id: Key
    notification_id: Key
    address: StringKey
    created_at: datetime
    sent_at: datetime | None = None
    next_try_at: datetime | None = stored_default("clock_timestamp()", python=None, nullable=False)
    lease_until: datetime | None = None
    failures: int = stored_default("0", python=0)
    last_error: OptionalString = None
    given_up_at: datetime | None = None

    notification: Notification = parent(Notification)

"""Webhooks out: endpoints, what happened that they may be told of, and each delivery of it.

Triggers write events, and a delivery of each for every endpoint that listens, in the transaction of what happened, so
that no change can forget to. An account without an enabled endpoint has none written. The secrets are kept as they
are, since each delivery is signed with them: only the application's own role may read this table.
"""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from adapters.tables.accounts import Account
from adapters.tables.columns import (
    Key,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
    stored_default,
    where,
)

EVENT_KINDS: Final = (
    "invoice.issued",
    "invoice.updated",
    "invoice.paid",
    "invoice.voided",
    "invoice.uncollectible",
    "payment.failed",
    "payment.action_needed",
    "refund.succeeded",
    "refund.failed",
    "subscription.changed",
    "seat.changed",
    "alert.fired",
    "limit.disabled",
    "limit.enabled",
    "account.frozen",
    "account.restored",
    "ping",
)
DELIVERY_STATUSES: Final = ("WAITING", "DELIVERED", "GIVEN_UP")

Strings = Annotated[list[str], Field(sa_type=ARRAY(Text))]
Secret = Annotated[str, Field(sa_type=Text, repr=False)]
OptionalSecret = Annotated[str | None, Field(sa_type=Text, repr=False)]


class WebhookEndpoint(Record, table=True):
    """Where an account wants to be told. Without `kinds` it is told everything, without a `query` the usual.

    `previous_secret` signs beside `secret` until `previous_until`. One that was removed stays for its log, without its
    secrets.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        reference("accounts"),
        check("removed", "removed_at IS NULL OR NOT is_enabled"),
        Index("ix_webhook_endpoints_enabled", "account_id", postgresql_where=where("is_enabled")),
    )

    account_id: Key
    id: Key
    url: String
    description: OptionalString = None
    kinds: Strings
    query: OptionalString = None
    secret: Secret
    previous_secret: OptionalSecret = None
    previous_until: datetime | None = None
    is_enabled: bool = stored_default("true", python=True)
    disabled_reason: OptionalString = None
    failing_since: datetime | None = None
    created_at: datetime
    removed_at: datetime | None = None

    account: Account = parent(Account)


class Event(Record, table=True):
    """Something that happened to a subject at a moment of the account's clock. Appended, never changed."""

    __tablename__ = "events"
    __table_args__ = (reference("accounts"), one_of("kind", EVENT_KINDS))

    account_id: Key
    id: Key
    kind: String
    subject_type: String
    subject_id: UUID
    at: datetime
    created_at: datetime | None = stored_default("clock_timestamp()", python=None, nullable=False)

    account: Account = parent(Account)


class WebhookDelivery(Record, table=True):
    """One event on its way to one endpoint; its id is the message's. The `body`, once made, is sent at every attempt.

    Ids grow with time: a delivery waits for those of the same endpoint and subject before it. `renderings` counts the
    tries to make the body.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        reference("webhook_endpoints", endpoint_id="id"),
        reference("events", event_id="id"),
        UniqueConstraint("account_id", "endpoint_id", "event_id", name="uq_webhook_deliveries_event"),
        one_of("status", DELIVERY_STATUSES),
        check("attempts", "attempts >= 0"),
        check("renderings", "renderings >= 0"),
        Index("ix_webhook_deliveries_log", "account_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_order",
            "account_id",
            "endpoint_id",
            "subject_id",
            "id",
            postgresql_where=where("status = 'WAITING'"),
        ),
        Index("ix_webhook_deliveries_due", "next_attempt_at", postgresql_where=where("status = 'WAITING'")),
    )

    account_id: Key
    id: Key
    endpoint_id: UUID
    event_id: UUID
    subject_id: UUID
    status: str = stored_default("'WAITING'", python="WAITING", sa_type=Text)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    renderings: int = stored_default("0", python=0)
    attempts: int = stored_default("0", python=0)
    next_attempt_at: datetime
    lease_until: datetime | None = None
    response_status: int | None = None
    response_excerpt: OptionalString = None
    failure: OptionalString = None
    created_at: datetime
    finished_at: datetime | None = None

    endpoint: WebhookEndpoint = parent(WebhookEndpoint, overlaps="event")
    event: Event = parent(Event, overlaps="endpoint")

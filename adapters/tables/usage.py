"""Usage: events as sent, what was taken back, and the totals a bill is made from.

`adapters.ingest` writes these tables; everything else reads the totals per day.
"""

from datetime import date, datetime
from typing import Final

from sqlalchemy import Text
from sqlmodel import Field

from adapters.tables.columns import (
    Bigint,
    Key,
    OptionalJson,
    OptionalString,
    Record,
    String,
    StringKey,
    check,
    one_of,
    parent,
    reference,
    stored_default,
)
from adapters.tables.workspaces import Workspace

METRICS: Final = (
    "MESSAGES_SENT",
    "BULK_EMAIL",
    "SMS_SEGMENT",
    "WHATSAPP_SENT",
    "PHONE_MINUTE",
    "FIN_RESOLUTION",
)
CHANNELS: Final = ("POST", "MOBILE_PUSH", "PRODUCT_TOUR", "MOBILE_CAROUSEL", "SURVEY")
LARGEST_QUANTITY: Final = 1_000_000_000
LONGEST_KEY: Final = 255


class UsageEvent(Record, table=True):
    """An event under the sender's own id. Appended, never changed.

    `quantity` is as sent (seconds of a call), `units` what is billed (minutes), `day`
    the local date of `at`; `fingerprint` tells a repeat from a contradiction. There is no
    foreign key to the workspace: it would cost a third of the speed, and the total that
    every event raises has one.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        one_of("metric", METRICS),
        one_of("channel", CHANNELS),
        check("quantity", f"quantity BETWEEN 1 AND {LARGEST_QUANTITY}"),
        check("units", f"units BETWEEN 1 AND {LARGEST_QUANTITY}"),
        check("event_id", f"length(event_id) BETWEEN 1 AND {LONGEST_KEY}"),
        check(
            "conversation_id",
            f"length(conversation_id) BETWEEN 1 AND {LONGEST_KEY}",
        ),
        check("resolution", "metric <> 'FIN_RESOLUTION' OR conversation_id IS NOT NULL"),
    )

    account_id: Key
    workspace_id: Key
    event_id: StringKey
    metric: String
    quantity: Bigint
    units: Bigint
    at: datetime
    day: date
    channel: OptionalString = None
    conversation_id: OptionalString = None
    properties: OptionalJson = None
    fingerprint: bytes
    recorded_at: datetime
    known_at: datetime | None = stored_default("clock_timestamp()", python=None, nullable=False)


class UsageTakeback(Record, table=True):
    """An event that no longer counts, and why. Appended, never changed."""

    __tablename__ = "usage_takebacks"
    __table_args__ = (reference("usage_events", workspace_id="workspace_id", event_id="event_id"),)

    account_id: Key
    workspace_id: Key
    event_id: StringKey
    reason: String
    taken_back_at: datetime
    recorded_at: datetime
    known_at: datetime | None = stored_default("clock_timestamp()", python=None, nullable=False)

    event: UsageEvent = parent(UsageEvent)


class StandingResolution(Record, table=True):
    """The one Fin resolution of a conversation that counts now.

    The claim is made before the event is inserted, so its foreign key is checked last.
    """

    __tablename__ = "standing_resolutions"
    __table_args__ = (
        reference("usage_events", workspace_id="workspace_id", event_id="event_id", is_deferred=True),
    )

    account_id: Key
    workspace_id: Key
    conversation_id: StringKey
    event_id: String

    event: UsageEvent = parent(UsageEvent)


class UsageDay(Record, table=True):
    """The total of one metric, day and channel: its events less those taken back.

    `channel` is empty for metrics that have none. Half of each page is left free, so
    that a raised total stays on its page and touches no index.
    """

    __tablename__ = "usage_days"
    __table_args__ = (
        reference("workspaces", workspace_id="id"),
        one_of("metric", METRICS),
        one_of("channel", ("", *CHANNELS)),
        check("units", "units >= 0"),
        check("events", "events >= 0"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    account_id: Key
    workspace_id: Key
    metric: StringKey
    day: date = Field(primary_key=True)
    channel: str = stored_default("''", python="", sa_type=Text, primary_key=True)
    units: Bigint
    events: Bigint

    workspace: Workspace = parent(Workspace)

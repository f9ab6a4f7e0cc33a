"""Deliveries of webhooks: taken for a lease, to have their body made or to be sent, and what came of it.

No two takers have the same delivery at once. Of one endpoint and subject only the earliest that waits is sent; of one
endpoint only a few are on their way at a time, so that a slow one leaves room for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import case, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.webhooks import Event, WebhookDelivery, WebhookEndpoint

_FREE: Final = "(delivery.lease_until IS NULL OR delivery.lease_until < clock_timestamp())"

_TAKE_BARE: Final = text(f"""
    WITH bare AS (
        SELECT delivery.account_id, delivery.id FROM webhook_deliveries delivery
            WHERE delivery.status = 'WAITING' AND delivery.body IS NULL AND {_FREE}
            ORDER BY delivery.next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE webhook_deliveries delivery
        SET renderings = delivery.renderings + 1, lease_until = clock_timestamp() + :lease
        FROM bare, webhook_endpoints endpoint, events event
        WHERE (delivery.account_id, delivery.id) = (bare.account_id, bare.id)
            AND (endpoint.account_id, endpoint.id) = (delivery.account_id, delivery.endpoint_id)
            AND (event.account_id, event.id) = (delivery.account_id, delivery.event_id)
        RETURNING delivery.account_id, delivery.id, endpoint.query, delivery.renderings,
            event.kind, event.subject_type, event.subject_id, event.at
""")

_TAKE_DUE: Final = text(f"""
    WITH due AS (
        SELECT delivery.account_id, delivery.id,
               row_number() OVER (PARTITION BY delivery.account_id, delivery.endpoint_id
                   ORDER BY {_FREE}, delivery.next_attempt_at, delivery.id) AS place
            FROM webhook_deliveries delivery
            JOIN webhook_endpoints endpoint
                ON (endpoint.account_id, endpoint.id) = (delivery.account_id, delivery.endpoint_id)
            WHERE delivery.status = 'WAITING' AND delivery.body IS NOT NULL AND endpoint.is_enabled
                AND delivery.next_attempt_at <= :wall
                AND NOT EXISTS (SELECT 1 FROM webhook_deliveries earlier
                    WHERE earlier.account_id = delivery.account_id
                        AND earlier.endpoint_id = delivery.endpoint_id
                        AND earlier.subject_id = delivery.subject_id
                        AND earlier.status = 'WAITING' AND earlier.id < delivery.id)
    ), taken AS (
        SELECT delivery.account_id, delivery.id
            FROM webhook_deliveries delivery
            JOIN due ON (due.account_id, due.id) = (delivery.account_id, delivery.id)
            WHERE due.place <= :each AND delivery.status = 'WAITING' AND {_FREE}
                AND delivery.next_attempt_at <= :wall
            ORDER BY delivery.next_attempt_at, delivery.id LIMIT :most FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE webhook_deliveries delivery
        SET attempts = delivery.attempts + 1, lease_until = clock_timestamp() + :lease
        FROM taken, webhook_endpoints endpoint
        WHERE (delivery.account_id, delivery.id) = (taken.account_id, taken.id)
            AND (endpoint.account_id, endpoint.id) = (delivery.account_id, delivery.endpoint_id)
        RETURNING delivery.account_id, delivery.id, delivery.endpoint_id, delivery.attempts, delivery.body,
            endpoint.url, endpoint.secret,
            CASE WHEN endpoint.previous_until > :wall THEN endpoint.previous_secret END AS previous_secret
""")


@dataclass(frozen=True, slots=True)
class Bare:
    """A delivery without a body: what to make it of, and which try to make it this is."""

    account_id: UUID
    id: UUID
    query: str | None
    renderings: int
    kind: str
    subject_type: str
    subject_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery taken to be sent, and with what; `attempts` counts this one."""

    account_id: UUID
    id: UUID
    endpoint_id: UUID
    attempts: int
    body: bytes
    url: str
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)


async def take_bare(session: AsyncSession, *, limit: int, lease: timedelta) -> list[Bare]:
    """Claim deliveries whose body is to be made."""
    rows = await session.execute(_TAKE_BARE, {"most": limit, "lease": lease})
    return [Bare(*row) for row in rows]


async def take_due(
    session: AsyncSession, *, wall: datetime, limit: int, each: int, lease: timedelta
) -> list[Outgoing]:
    """Claim deliveries that are due, at most `each` on their way to one endpoint; their attempt is counted."""
    given = {"wall": wall, "most": limit, "each": each, "lease": lease}
    return [Outgoing(*row) for row in await session.execute(_TAKE_DUE, given)]


async def keep_body(session: AsyncSession, *, account_id: UUID, delivery_id: UUID, body: bytes) -> None:
    """Keep the body that was made; the first one made stays."""
    await session.execute(
        update(WebhookDelivery)
        .where(*_is(account_id, delivery_id), col(WebhookDelivery.body).is_(None))
        .values(body=body, lease_until=None)
    )


async def settle(session: AsyncSession, outgoing: Outgoing, **came: Any) -> None:
    """Write what came of an attempt, unless it was taken for lost meanwhile and another was begun."""
    await session.execute(
        update(WebhookDelivery)
        .where(
            *_is(outgoing.account_id, outgoing.id),
            col(WebhookDelivery.status) == "WAITING",
            col(WebhookDelivery.attempts) == outgoing.attempts,
        )
        .values(lease_until=None, **came)
    )


async def give_up(
    session: AsyncSession, *, account_id: UUID, endpoint_id: UUID, at: datetime, reason: str
) -> None:
    """Give up whatever still waits for an endpoint."""
    await session.execute(
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.account_id) == account_id,
            col(WebhookDelivery.endpoint_id) == endpoint_id,
            col(WebhookDelivery.status) == "WAITING",
        )
        .values(status="GIVEN_UP", finished_at=at, lease_until=None, failure=reason)
    )


async def send_again(session: AsyncSession, *, account_id: UUID, delivery_id: UUID, at: datetime) -> None:
    """Make a delivery due now; one that was finished begins its attempts anew."""
    is_waiting = col(WebhookDelivery.status) == "WAITING"
    await session.execute(
        update(WebhookDelivery)
        .where(*_is(account_id, delivery_id))
        .values(
            status="WAITING",
            next_attempt_at=at,
            finished_at=None,
            attempts=case((is_waiting, col(WebhookDelivery.attempts)), else_=0),
        )
    )


async def find(
    session: AsyncSession, *, account_id: UUID, delivery_id: UUID
) -> tuple[WebhookDelivery, Event] | None:
    """Give a delivery with its event, unless its endpoint was removed."""
    found = (await session.execute(_shown().where(*_is(account_id, delivery_id)))).one_or_none()
    return found and (found[0], found[1])


async def page(
    session: AsyncSession, *, account_id: UUID, endpoint_id: UUID, before: UUID | None, limit: int
) -> Sequence[tuple[WebhookDelivery, Event]]:
    """Give an endpoint's deliveries with their events, newest first."""
    query = (
        _shown()
        .where(col(WebhookDelivery.account_id) == account_id, col(WebhookDelivery.endpoint_id) == endpoint_id)
        .order_by(col(WebhookDelivery.id).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(col(WebhookDelivery.id) < before)
    return [(delivery, event) for delivery, event in await session.execute(query)]


def _shown() -> Any:
    return (
        select(WebhookDelivery, Event)
        .join(
            Event,
            (col(Event.account_id) == col(WebhookDelivery.account_id))
            & (col(Event.id) == col(WebhookDelivery.event_id)),
        )
        .join(
            WebhookEndpoint,
            (col(WebhookEndpoint.account_id) == col(WebhookDelivery.account_id))
            & (col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id)),
        )
        .where(col(WebhookEndpoint.removed_at).is_(None))
        .execution_options(populate_existing=True)
    )


def _is(account_id: UUID, delivery_id: UUID) -> tuple[Any, ...]:
    return (col(WebhookDelivery.account_id) == account_id, col(WebhookDelivery.id) == delivery_id)

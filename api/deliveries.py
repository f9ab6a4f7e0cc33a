"""Webhook deliveries: what was and is to be delivered to an endpoint, sending it again, and trying an endpoint."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import deliveries as queries
from adapters.tables import webhooks as tables
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import DeliveryStatus, EventKind
from api.nodes import Node, find_node, must_reach, node_id, reach
from api.results import mutation
from services import deliveries, webhooks
from services.deliveries import EndpointDisabled, UnknownDelivery
from services.webhooks import UnknownEndpoint


@strawberry.type(description="One event on its way to an endpoint; its id is the message's `webhook-id`.")
class WebhookDelivery(Node):
    """A delivery."""

    kind: EventKind = strawberry.field(description="What happened.")
    status: DeliveryStatus = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="Attempts made since it was last asked for.")
    response_status: int | None = strawberry.field(description="The HTTP status of the last answer.")
    response_excerpt: str | None = strawberry.field(description="The first kilobyte of the last answer.")
    failure: str | None = strawberry.field(description="Why there was no answer, or why it was given up.")
    body: str | None = strawberry.field(
        description="What is sent, the same at every attempt; null until it is made."
    )
    happened_at: datetime = strawberry.field(description="When it happened, on the account's clock.")
    created_at: datetime = strawberry.field(description="When it was written.")
    next_attempt_at: datetime | None = strawberry.field(
        description="The earliest moment of the next attempt; it also waits for earlier ones of the same subject."
    )
    finished_at: datetime | None = strawberry.field(description="When it was delivered or given up.")
    subject_node: strawberry.Private[tuple[str, UUID, UUID]]

    @strawberry.field(description="What it happened to, as it is now.")
    async def subject(self, info: Info) -> Node | None:
        """Find the subject."""
        type_name, account_id, subject_id = self.subject_node
        return await find_node(info, node_id(type_name, account_id, subject_id))


@strawberry.input(description="A delivery to make again.")
class WebhookRedeliverInput:
    """Input of webhookRedeliver."""

    delivery_id: strawberry.ID = strawberry.field(description="The delivery.")


@strawberry.type(description="The delivery, on its way again.")
class WebhookRedeliverPayload:
    """Payload of webhookRedeliver."""

    delivery: WebhookDelivery = strawberry.field(description="The delivery.")


@strawberry.input(description="An endpoint to try.")
class WebhookTestInput:
    """Input of webhookTest."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")


@strawberry.type(description="The message on its way.")
class WebhookTestPayload:
    """Payload of webhookTest."""

    delivery: WebhookDelivery = strawberry.field(description="Its delivery.")


def delivery(row: tables.WebhookDelivery, event: tables.Event) -> WebhookDelivery:
    """Show a delivery."""
    is_waiting = row.status == DeliveryStatus.WAITING
    return WebhookDelivery(
        id=node_id("WebhookDelivery", row.account_id, row.id),
        kind=EventKind(event.kind),
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        response_status=row.response_status,
        response_excerpt=row.response_excerpt,
        failure=row.failure,
        body=row.body.decode() if row.body else None,
        happened_at=event.at,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at if is_waiting else None,
        finished_at=row.finished_at,
        subject_node=(event.subject_type, row.account_id, event.subject_id),
    )


async def deliveries_of(
    info: Info, account_id: UUID, endpoint_id: UUID, *, first: int | None, after: str | None
) -> Connection[WebhookDelivery]:
    """Show a page of an endpoint's deliveries."""
    size = page_size(first)
    before = decode_cursor(after, UUID)[0] if after is not None else None
    async with info.context.reads() as session:
        rows = await queries.page(
            session, account_id=account_id, endpoint_id=endpoint_id, before=before, limit=size + 1
        )
    return connection_from_rows(
        rows, size=size, after=after, key=lambda row: (row[0].id,), node=lambda row: delivery(*row)
    )


async def find_delivery(info: Info, id: str) -> WebhookDelivery | None:
    """Find a delivery by its id."""
    key = reach(info, id, "WebhookDelivery")
    if key is None:
        return None
    async with info.context.reads() as session:
        return await _find(session, *key)


@mutation(
    payload=WebhookRedeliverPayload,
    refusals=(UnknownDelivery, EndpointDisabled),
    description="Send a delivery again: the same bytes under the same `webhook-id`.",
)
async def webhook_redeliver(info: Info, input: WebhookRedeliverInput) -> WebhookRedeliverPayload:
    """Send a delivery again."""
    ctx = info.context
    account_id, delivery_id = must_reach(info, input.delivery_id, "WebhookDelivery", UnknownDelivery)
    session = await ctx.begin()
    await deliveries.send_again(session, account_id=account_id, delivery_id=delivery_id, wall=ctx.wall)
    return WebhookRedeliverPayload(delivery=await _sent(session, account_id, delivery_id))


@mutation(
    payload=WebhookTestPayload,
    refusals=(UnknownEndpoint, EndpointDisabled),
    description="Send a `ping` to an endpoint, whatever it listens to.",
)
async def webhook_test(info: Info, input: WebhookTestInput) -> WebhookTestPayload:
    """Send a ping."""
    ctx = info.context
    account_id, endpoint_id = must_reach(info, input.endpoint_id, "WebhookEndpoint", UnknownEndpoint)
    session = await ctx.begin()
    row = await webhooks.lock_endpoint(session, account_id=account_id, endpoint_id=endpoint_id)
    sent = await deliveries.send_test(session, row, wall=ctx.wall)
    return WebhookTestPayload(delivery=await _sent(session, account_id, sent.id))


async def _sent(session: AsyncSession, account_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    found = await _find(session, account_id, delivery_id)
    if found is None:
        raise UnknownDelivery
    return found


async def _find(session: AsyncSession, account_id: UUID, delivery_id: UUID) -> WebhookDelivery | None:
    found = await queries.find(session, account_id=account_id, delivery_id=delivery_id)
    return delivery(*found) if found else None

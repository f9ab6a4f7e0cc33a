"""Webhook endpoints of an account: where they are, what they are told of, and their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from adapters.tables import webhooks as tables
from api.connections import After, Connection, First
from api.context import Info
from api.deliveries import WebhookDelivery, deliveries_of
from api.enums import EventKind
from api.nodes import Node, must_reach, node_id, reach
from api.payloads import check_query
from api.results import mutation
from api.scalars import SafeString
from domain.webhooks import EndpointUrlRefused, PayloadQueryRefused
from services import webhooks
from services.accounts import UnknownAccount, lock_account
from services.webhooks import EndpointTerms, TooManyEndpoints, UnknownEndpoint

SHOWN_ONCE = "The secret that signs, `whsec_...`. It is shown this once."
QUERY = (
    "A GraphQL query whose answer is the message's `data`: one operation over `$id: ID!`, the id of what the event is "
    "about. It runs with the rights of the account's own key."
)


@strawberry.type(
    description="Where an account is told of what happens, by the Standard Webhooks specification. An endpoint that has "
    "failed for five days on end, or answers 410, is turned off with a notice."
)
class WebhookEndpoint(Node):
    """An endpoint."""

    url: str = strawberry.field(description="Where messages are posted.")
    description: str | None = strawberry.field(description="What it is for.")
    kinds: list[EventKind] = strawberry.field(description="What it is told of; everything when empty.")
    query: str | None = strawberry.field(description=f"{QUERY} Null: the usual query of each kind.")
    is_enabled: bool = strawberry.field(description="Whether messages are sent.")
    disabled_reason: str | None = strawberry.field(description="Why it is off.")
    failing_since: datetime | None = strawberry.field(
        description="Since when no message came through; null while they do."
    )
    previous_secret_until: datetime | None = strawberry.field(
        description="Until when the secret before the last rotation signs too."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    key: strawberry.Private[tuple[UUID, UUID]]

    @strawberry.field(description="What was and is to be delivered to it, newest first.")
    async def deliveries(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[WebhookDelivery]:
        """Read a page of deliveries."""
        return await deliveries_of(info, *self.key, first=first, after=after)


@strawberry.input(description="An endpoint to make.")
class WebhookEndpointCreateInput:
    """Input of webhookEndpointCreate."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    url: str = strawberry.field(description="Where to post messages: https, on a public address.")
    description: SafeString | None = strawberry.field(default=None, description="What it is for.")
    kinds: list[EventKind] | None = strawberry.field(
        default=None, description="What to tell it of; everything unless told."
    )
    query: str | None = strawberry.field(
        default=None, description=f"{QUERY} The usual query of each kind unless told."
    )


@strawberry.type(description="The endpoint made.")
class WebhookEndpointCreatePayload:
    """Payload of webhookEndpointCreate."""

    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint.")
    secret: str = strawberry.field(description=SHOWN_ONCE)


@strawberry.input(description="What to change of an endpoint; what is left out stays as it is.")
class WebhookEndpointChangeInput:
    """Input of webhookEndpointChange."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Where to post messages.")
    description: SafeString | None = strawberry.field(
        default=strawberry.UNSET, description="What it is for; null: nothing is said."
    )
    kinds: list[EventKind] | None = strawberry.field(
        default=strawberry.UNSET, description="What to tell it of; null or empty: everything."
    )
    query: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{QUERY} Null: the usual query of each kind."
    )
    is_enabled: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether to send messages. Turned off, what waits for it is given up.",
    )


@strawberry.type(description="The endpoint changed.")
class WebhookEndpointChangePayload:
    """Payload of webhookEndpointChange."""

    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint.")


@strawberry.input(description="An endpoint to remove.")
class WebhookEndpointRemoveInput:
    """Input of webhookEndpointRemove."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")


@strawberry.type(description="The endpoint removed.")
class WebhookEndpointRemovePayload:
    """Payload of webhookEndpointRemove."""

    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint as it was.")


@strawberry.input(description="An endpoint to give a new secret.")
class WebhookSecretRotateInput:
    """Input of webhookSecretRotate."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")


@strawberry.type(description="The endpoint with its new secret.")
class WebhookSecretRotatePayload:
    """Payload of webhookSecretRotate."""

    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint.")
    secret: str = strawberry.field(description=SHOWN_ONCE)


def endpoint(row: tables.WebhookEndpoint) -> WebhookEndpoint:
    """Show an endpoint, without its secrets."""
    return WebhookEndpoint(
        id=node_id("WebhookEndpoint", row.account_id, row.id),
        url=row.url,
        description=row.description,
        kinds=[EventKind(kind) for kind in row.kinds],
        query=row.query,
        is_enabled=row.is_enabled,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_until,
        created_at=row.created_at,
        key=(row.account_id, row.id),
    )


async def find_endpoint(info: Info, id: str) -> WebhookEndpoint | None:
    """Find an endpoint by its id."""
    key = reach(info, id, "WebhookEndpoint")
    row = await info.context.loaders.webhook_endpoints.load(key) if key else None
    return endpoint(row) if row else None


@mutation(
    payload=WebhookEndpointCreatePayload,
    refusals=(UnknownAccount, EndpointUrlRefused, PayloadQueryRefused, TooManyEndpoints),
    description="Make an endpoint: from now on it is told of what happens.",
)
async def webhook_endpoint_create(
    info: Info, input: WebhookEndpointCreateInput
) -> WebhookEndpointCreatePayload:
    """Make an endpoint."""
    ctx = info.context
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    _check_query(info, input.query)
    terms = EndpointTerms(input.url, input.description, _once(input.kinds), input.query)
    session = await ctx.begin()
    account = await lock_account(session, account_id=account_id, wall=ctx.wall)
    row = await webhooks.create_endpoint(session, account, terms=terms, rules=ctx.webhooks, wall=ctx.wall)
    return WebhookEndpointCreatePayload(endpoint=endpoint(row), secret=row.secret)


@mutation(
    payload=WebhookEndpointChangePayload,
    refusals=(UnknownEndpoint, EndpointUrlRefused, PayloadQueryRefused),
    description="Change an endpoint, or turn it off or on.",
)
async def webhook_endpoint_change(
    info: Info, input: WebhookEndpointChangeInput
) -> WebhookEndpointChangePayload:
    """Change an endpoint."""
    ctx = info.context
    account_id, endpoint_id = must_reach(info, input.endpoint_id, "WebhookEndpoint", UnknownEndpoint)
    session = await ctx.begin()
    row = await webhooks.lock_endpoint(session, account_id=account_id, endpoint_id=endpoint_id)
    terms = _changed(row, input)
    if terms.query != row.query:
        _check_query(info, terms.query)
    await webhooks.change_endpoint(session, row, terms=terms, rules=ctx.webhooks, wall=ctx.wall)
    return WebhookEndpointChangePayload(endpoint=endpoint(row))


@mutation(
    payload=WebhookEndpointRemovePayload,
    refusals=(UnknownEndpoint,),
    description="Remove an endpoint, its secrets and its log; what waits for it is not sent.",
)
async def webhook_endpoint_remove(
    info: Info, input: WebhookEndpointRemoveInput
) -> WebhookEndpointRemovePayload:
    """Remove an endpoint."""
    ctx = info.context
    account_id, endpoint_id = must_reach(info, input.endpoint_id, "WebhookEndpoint", UnknownEndpoint)
    session = await ctx.begin()
    row = await webhooks.lock_endpoint(session, account_id=account_id, endpoint_id=endpoint_id)
    shown = endpoint(row)
    await webhooks.remove_endpoint(session, row, wall=ctx.wall)
    return WebhookEndpointRemovePayload(endpoint=shown)


@mutation(
    payload=WebhookSecretRotatePayload,
    refusals=(UnknownEndpoint,),
    description="Give an endpoint a new secret. For a day the old one signs too, so that receivers can change over.",
)
async def webhook_secret_rotate(info: Info, input: WebhookSecretRotateInput) -> WebhookSecretRotatePayload:
    """Give an endpoint a new secret."""
    ctx = info.context
    account_id, endpoint_id = must_reach(info, input.endpoint_id, "WebhookEndpoint", UnknownEndpoint)
    session = await ctx.begin()
    row = await webhooks.lock_endpoint(session, account_id=account_id, endpoint_id=endpoint_id)
    await webhooks.rotate_secret(session, row, rules=ctx.webhooks, wall=ctx.wall)
    return WebhookSecretRotatePayload(endpoint=endpoint(row), secret=row.secret)


def _changed(row: tables.WebhookEndpoint, given: WebhookEndpointChangeInput) -> EndpointTerms:
    def chosen(value: Any, current: Any) -> Any:
        return current if value is strawberry.UNSET else value

    return EndpointTerms(
        url=chosen(given.url, row.url) or row.url,
        description=chosen(given.description, row.description),
        kinds=_once(chosen(given.kinds, [EventKind(kind) for kind in row.kinds])),
        query=chosen(given.query, row.query),
        is_enabled=row.is_enabled if given.is_enabled in {strawberry.UNSET, None} else given.is_enabled,
    )


def _once(kinds: list[EventKind] | None) -> list[EventKind]:
    return list(dict.fromkeys(kinds or []))


def _check_query(info: Info, query: str | None) -> None:
    if query is not None:
        check_query(query, schema=info.schema._schema)  # noqa: SLF001  Strawberry has no public name for it

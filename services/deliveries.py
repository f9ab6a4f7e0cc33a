"""Deliveries of webhooks: their bodies kept, each sent until it is taken or given up, and sent again when asked.

An attempt is recorded and committed before it is made, and its outcome after. Whoever dies in between leaves a lease
that runs out; the message is then sent again under the same id, by which the receiver knows it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import deliveries as queries
from adapters.queries import webhooks as endpoints
from adapters.queries.deliveries import Bare, Outgoing
from adapters.scopes import Sessions
from adapters.spans import traced
from adapters.tables.webhooks import Event, WebhookDelivery, WebhookEndpoint
from adapters.webhooks_out import Answer, signed
from domain.refusal import Refusal
from domain.webhooks import GONE, JITTER_PERCENT, OFF_AFTER, EventKind, is_endpoint_lost, wait_after
from services.accounts import lock_account
from services.notifications import Notice, NoticeKind, tell
from services.webhooks import turn_off

LEASE: Final = timedelta(minutes=1)
"""Longer than an attempt can take; after it the attempt counts as lost."""
PER_ENDPOINT: Final = 5
"""Deliveries on their way to one endpoint at once."""

log = logging.getLogger("prorata.webhooks")


class Poster(Protocol):
    """Whatever posts a message."""

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a message; whatever goes wrong is an answer."""


@dataclass(eq=False)
class UnknownDelivery(Refusal):
    """No delivery of the caller's has the id."""

    template = "No webhook delivery has this id; those of others look the same as none."


@dataclass(eq=False)
class EndpointDisabled(Refusal):
    """Nothing is sent to an endpoint that is off."""

    template = "The endpoint is off: enable it with webhookEndpointChange first."


async def send_test(session: AsyncSession, row: WebhookEndpoint, *, wall: datetime) -> WebhookDelivery:
    """Write a ping to an endpoint, whatever kinds it listens to; raises EndpointDisabled."""
    if not row.is_enabled:
        raise EndpointDisabled
    event = Event(
        account_id=row.account_id,
        id=new_id(),
        kind=EventKind.PING.value,
        subject_type="WebhookEndpoint",
        subject_id=row.id,
        at=wall,
    )
    delivery = WebhookDelivery(
        account_id=row.account_id,
        id=new_id(),
        endpoint_id=row.id,
        event_id=event.id,
        subject_id=row.id,
        next_attempt_at=wall,
        created_at=wall,
    )
    session.add_all([event, delivery])
    await session.flush()
    return delivery


async def send_again(session: AsyncSession, *, account_id: UUID, delivery_id: UUID, wall: datetime) -> None:
    """Send a delivery again, the same bytes under the same id; raises UnknownDelivery, EndpointDisabled."""
    found = await queries.find(session, account_id=account_id, delivery_id=delivery_id)
    if found is None:
        raise UnknownDelivery
    endpoint = await endpoints.lock(session, account_id=account_id, endpoint_id=found[0].endpoint_id)
    if endpoint is None or not endpoint.is_enabled:
        raise EndpointDisabled
    await queries.send_again(session, account_id=account_id, delivery_id=delivery_id, at=wall)


async def take_bare(sessions: Sessions, *, limit: int, lease: timedelta) -> list[Bare]:
    """Claim deliveries whose body is to be made."""
    async with sessions.begin() as session:
        return await queries.take_bare(session, limit=limit, lease=lease)


async def keep_body(sessions: Sessions, bare: Bare, *, body: bytes) -> None:
    """Keep a delivery's body: every attempt sends these bytes."""
    async with sessions.begin() as session:
        await queries.keep_body(session, account_id=bare.account_id, delivery_id=bare.id, body=body)


@traced
async def take_due(sessions: Sessions, *, limit: int, wall: datetime) -> list[Outgoing]:
    """Claim deliveries that are due, counting their attempt."""
    async with sessions.begin() as session:
        return await queries.take_due(session, wall=wall, limit=limit, each=PER_ENDPOINT, lease=LEASE)


@traced
async def send(sessions: Sessions, poster: Poster, outgoing: Outgoing, *, wall: datetime) -> Answer:
    """Send a delivery that was taken, and record what came of it."""
    secrets = (outgoing.secret, *([outgoing.previous_secret] if outgoing.previous_secret else []))
    headers = signed(outgoing.body, message_id=outgoing.id, timestamp=int(wall.timestamp()), secrets=secrets)
    answer = await poster.post(outgoing.url, body=outgoing.body, headers=headers)
    came = {
        "response_status": answer.status,
        "response_excerpt": answer.excerpt,
        "failure": answer.failure,
    }
    if answer.is_delivered:
        await _succeed(sessions, outgoing, came=came, wall=wall)
    else:
        await _fail(sessions, outgoing, answer, came=came, wall=wall)
    return answer


async def _succeed(
    sessions: Sessions, outgoing: Outgoing, *, came: Mapping[str, object], wall: datetime
) -> None:
    async with sessions.begin() as session:
        await endpoints.note_success(
            session, account_id=outgoing.account_id, endpoint_id=outgoing.endpoint_id
        )
        await queries.settle(session, outgoing, status="DELIVERED", finished_at=wall, **came)


async def _fail(
    sessions: Sessions, outgoing: Outgoing, answer: Answer, *, came: Mapping[str, object], wall: datetime
) -> None:
    wait = wait_after(outgoing.attempts, percent=SystemRandom().choice(JITTER_PERCENT))
    if wait is None:
        came = {**came, "status": "GIVEN_UP", "finished_at": wall}
    else:
        came = {**came, "next_attempt_at": wall + wait}
    async with sessions.begin() as session:
        # The endpoint before the delivery, as whoever turns it off does.
        since = await endpoints.note_failure(
            session, account_id=outgoing.account_id, endpoint_id=outgoing.endpoint_id, at=wall
        )
        await queries.settle(session, outgoing, **came)
    if since and is_endpoint_lost(failing_since=since, now=wall, status=answer.status):
        await _lose_endpoint(sessions, outgoing, answer, wall=wall)


async def _lose_endpoint(sessions: Sessions, outgoing: Outgoing, answer: Answer, *, wall: datetime) -> None:
    """Turn off an endpoint that is gone or has failed for days, and tell the account."""
    reason = (
        "it answered that it is gone (410)"
        if answer.status == GONE
        else f"nothing could be delivered to it for {OFF_AFTER.days} days"
    )
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=outgoing.account_id, wall=wall)
        row = await endpoints.lock(session, account_id=outgoing.account_id, endpoint_id=outgoing.endpoint_id)
        if row is None or not row.is_enabled:
            return
        await turn_off(session, row, reason=reason, wall=wall)
        notice = Notice(
            account,
            None,
            NoticeKind.WEBHOOK_DISABLED,
            "A webhook endpoint was turned off",
            f"Webhooks are no longer sent to {row.url}: {reason}. What was waiting for it was given up. When it "
            "works again, enable it with webhookEndpointChange and send what was missed with webhookRedeliver.",
            facts={"endpoint": row.url, "reason": reason},
        )
        await tell(session, [notice])
    log.info("endpoint %s of account %s was turned off", row.id, row.account_id)

"""Endpoints of webhooks: made, changed, removed, their secrets turned over.

A secret is `whsec_` and base64 of 32 random bytes. It signs every delivery, so it is kept as it is; it is shown when it
is made and never again.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.gateway.webhooks import SECRET_PREFIX
from adapters.ids import new_id
from adapters.queries import deliveries
from adapters.queries import webhooks as queries
from adapters.tables.webhooks import WebhookEndpoint
from adapters.webhooks_out import check_url
from domain.refusal import Refusal
from domain.webhooks import EventKind
from services.accounts import AccountNow

SECRET_BYTES = 32
BY_HAND = "the endpoint was turned off"


@dataclass(eq=False)
class UnknownEndpoint(Refusal):
    """No endpoint of the caller's has the id."""

    template = "No webhook endpoint has this id; those of others look the same as none."


@dataclass(eq=False)
class TooManyEndpoints(Refusal):
    """The account has as many endpoints as it may have."""

    template = "An account has at most {limit} webhook endpoints; remove one, or let one listen to more."
    limit: int


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """What an installation allows: endpoints an account, how long two secrets sign, and addresses of this machine."""

    most: int
    overlap: timedelta
    allows_loopback: bool


@dataclass(frozen=True, slots=True)
class EndpointTerms:
    """What can be chosen about an endpoint. No kinds are all kinds; no query is the usual one of each kind."""

    url: str
    description: str | None
    kinds: Sequence[EventKind]
    query: str | None
    is_enabled: bool = True


async def create_endpoint(
    session: AsyncSession, account: AccountNow, *, terms: EndpointTerms, rules: EndpointRules, wall: datetime
) -> WebhookEndpoint:
    """Make an endpoint of the locked account; raises EndpointUrlRefused, TooManyEndpoints."""
    check_url(terms.url, allows_loopback=rules.allows_loopback)
    if await queries.count(session, account_id=account.id) >= rules.most:
        raise TooManyEndpoints(rules.most)

    row = WebhookEndpoint(
        account_id=account.id,
        id=new_id(),
        url=terms.url,
        description=terms.description,
        kinds=[kind.value for kind in terms.kinds],
        query=terms.query,
        secret=_new_secret(),
        created_at=wall,
    )
    session.add(row)
    await session.flush()
    return row


async def change_endpoint(
    session: AsyncSession, row: WebhookEndpoint, *, terms: EndpointTerms, rules: EndpointRules, wall: datetime
) -> None:
    """Change a locked endpoint. Turned off, it gives up what waits; turned on, it counts its failures anew.

    Raises EndpointUrlRefused.
    """
    if terms.url != row.url:
        check_url(terms.url, allows_loopback=rules.allows_loopback)
    row.url, row.description, row.query = terms.url, terms.description, terms.query
    row.kinds = [kind.value for kind in terms.kinds]
    if terms.is_enabled and not row.is_enabled:
        row.is_enabled, row.disabled_reason, row.failing_since = True, None, None
    elif row.is_enabled and not terms.is_enabled:
        await turn_off(session, row, reason=BY_HAND, wall=wall)
    await session.flush()


async def turn_off(session: AsyncSession, row: WebhookEndpoint, *, reason: str, wall: datetime) -> None:
    """Send nothing more to a locked endpoint; what waits for it is given up, and may be asked for again."""
    row.is_enabled, row.disabled_reason = False, reason
    await session.flush()
    await deliveries.give_up(session, account_id=row.account_id, endpoint_id=row.id, at=wall, reason=reason)


async def remove_endpoint(session: AsyncSession, row: WebhookEndpoint, *, wall: datetime) -> None:
    """Remove a locked endpoint with its secrets; its row stays, since its deliveries refer to it."""
    await turn_off(session, row, reason=BY_HAND, wall=wall)
    row.removed_at, row.secret, row.previous_secret = wall, "", None
    await session.flush()


async def rotate_secret(
    session: AsyncSession, row: WebhookEndpoint, *, rules: EndpointRules, wall: datetime
) -> None:
    """Give a locked endpoint a new secret; the one before signs too for a while, any older no more."""
    row.previous_secret, row.previous_until = row.secret, wall + rules.overlap
    row.secret = _new_secret()
    await session.flush()


async def lock_endpoint(session: AsyncSession, *, account_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """Lock an endpoint for a change; raises UnknownEndpoint."""
    row = await queries.lock(session, account_id=account_id, endpoint_id=endpoint_id)
    if row is None:
        raise UnknownEndpoint
    return row


def _new_secret() -> str:
    return f"{SECRET_PREFIX}{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"

"""API keys: made by operators, shown once, replaced without a gap."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry

from adapters.tables.apikeys import ApiKey as Row
from api.context import Info
from api.enums import Permission
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from services import apikeys
from services.accounts import UnknownAccount, read_account
from services.apikeys import (
    ExpiryInThePast,
    KeyEnded,
    KeyReplaced,
    OverlapTooLong,
    ScopesBeyondYours,
    UnknownKey,
)

USUAL_OVERLAP_HOURS = 24
PUBLIC_ID = "The part of the key between its two underscores."


@strawberry.type(description="What is known of a key. The key itself is shown once, when it is made.")
class ApiKey:
    """A key without its secret."""

    public_id: str = strawberry.field(description=PUBLIC_ID)
    name: str = strawberry.field(description="Who uses it.")
    scopes: list[Permission] = strawberry.field(description="What it may do.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself; null for never.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was used last, to a minute or two; null for never."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    successor_public_id: str | None = strawberry.field(
        description="The public id of the key that replaces it, once it is rotated."
    )


def api_key(row: Row) -> ApiKey:
    """Show a key."""
    return ApiKey(
        public_id=row.id,
        name=row.name,
        scopes=list(map(Permission, row.scopes)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        successor_public_id=row.successor_id,
    )


@strawberry.input(description="A key to make.")
class ApiKeyCreateInput:
    """Input of apiKeyCreate."""

    account_id: strawberry.ID = strawberry.field(description="The one account it opens.")
    name: SafeString = strawberry.field(description="Who will use it.")
    scopes: list[Permission] | None = strawberry.field(
        default=None,
        description="What it may do, of what you may; all that a key of an account can unless told.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends by itself; never unless told."
    )


@strawberry.type(description="The key made.")
class ApiKeyCreatePayload:
    """Payload of apiKeyCreate."""

    key: str = strawberry.field(
        description="The key itself. It is shown this once: only a hash of it is kept."
    )


@strawberry.input(description="A key to replace by another.")
class ApiKeyRotateInput:
    """Input of apiKeyRotate."""

    public_id: SafeString = strawberry.field(description=PUBLIC_ID)
    overlap_hours: int = strawberry.field(
        default=USUAL_OVERLAP_HOURS,
        description="For how many hours more the old key is good, 0 to 720: the time to change over.",
    )


@strawberry.type(description="The key's successor.")
class ApiKeyRotatePayload:
    """Payload of apiKeyRotate."""

    key: str = strawberry.field(
        description="The new key itself. It is shown this once: only a hash of it is kept."
    )
    successor: ApiKey = strawberry.field(description="The new key: of the same account, name and scopes.")
    predecessor: ApiKey = strawberry.field(description="The old key; `expiresAt` is the end of the overlap.")


@strawberry.input(description="A key to revoke.")
class ApiKeyRevokeInput:
    """Input of apiKeyRevoke."""

    public_id: SafeString = strawberry.field(description=PUBLIC_ID)


@strawberry.type(description="The key revoked.")
class ApiKeyRevokePayload:
    """Payload of apiKeyRevoke."""

    public_id: str = strawberry.field(description="The key's public id.")


@mutation(
    payload=ApiKeyCreatePayload,
    refusals=(UnknownAccount, ScopesBeyondYours, ExpiryInThePast),
    description="Make a key for one account. Needs an operator's key.",
)
async def api_key_create(info: Info, input: ApiKeyCreateInput) -> ApiKeyCreatePayload:
    """Make a key."""
    ctx = info.context
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    session = await ctx.begin()
    await read_account(session, account_id=account_id, wall=ctx.wall)
    scopes = apikeys.usual_scopes(account_id) if input.scopes is None else input.scopes
    key = await apikeys.create_key(
        session,
        name=input.name,
        account_id=account_id,
        now=ctx.wall,
        pepper=ctx.pepper,
        scopes=apikeys.check_scopes(scopes, by=ctx.caller, account_id=account_id),
        expires_at=input.expires_at,
    )
    return ApiKeyCreatePayload(key=key)


@mutation(
    payload=ApiKeyRotatePayload,
    refusals=(UnknownKey, OverlapTooLong, KeyEnded, KeyReplaced, ScopesBeyondYours),
    description="Replace a key by another that may do the same; both are good for the overlap. Needs an operator's key.",
)
async def api_key_rotate(info: Info, input: ApiKeyRotateInput) -> ApiKeyRotatePayload:
    """Rotate a key."""
    ctx = info.context
    session = await ctx.begin()
    key, new, old = await apikeys.rotate_key(
        session,
        public_id=input.public_id,
        overlap=timedelta(hours=input.overlap_hours),
        now=ctx.wall,
        pepper=ctx.pepper,
        by=ctx.caller,
    )
    return ApiKeyRotatePayload(key=key, successor=api_key(new), predecessor=api_key(old))


@mutation(
    payload=ApiKeyRevokePayload,
    refusals=(UnknownKey,),
    description="Revoke a key; it opens nothing from a few seconds on. Needs an operator's key.",
)
async def api_key_revoke(info: Info, input: ApiKeyRevokeInput) -> ApiKeyRevokePayload:
    """Revoke a key."""
    ctx = info.context
    session = await ctx.begin()
    await apikeys.revoke_key(session, public_id=input.public_id, now=ctx.wall)
    return ApiKeyRevokePayload(public_id=input.public_id)

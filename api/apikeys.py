"""API keys: made by operators, shown once."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.enums import Permission
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from services import apikeys
from services.accounts import UnknownAccount, read_account
from services.apikeys import ScopesBeyondYours, UnknownKey


@strawberry.input(description="A key to make.")
class ApiKeyCreateInput:
    """Input of apiKeyCreate."""

    account_id: strawberry.ID = strawberry.field(description="The one account it opens.")
    name: SafeString = strawberry.field(description="Who will use it.")
    scopes: list[Permission] | None = strawberry.field(
        default=None,
        description="What it may do, of what you may; all that a key of an account can unless told.",
    )


@strawberry.type(description="The key made.")
class ApiKeyCreatePayload:
    """Payload of apiKeyCreate."""

    key: str = strawberry.field(
        description="The key itself. It is shown this once: only a hash of it is kept."
    )


@strawberry.input(description="A key to revoke.")
class ApiKeyRevokeInput:
    """Input of apiKeyRevoke."""

    public_id: SafeString = strawberry.field(description="The part of the key between its two underscores.")


@strawberry.type(description="The key revoked.")
class ApiKeyRevokePayload:
    """Payload of apiKeyRevoke."""

    public_id: str = strawberry.field(description="The key's public id.")


@mutation(
    payload=ApiKeyCreatePayload,
    refusals=(UnknownAccount, ScopesBeyondYours),
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
    )
    return ApiKeyCreatePayload(key=key)


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

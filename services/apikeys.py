"""API keys: made once, shown once, kept as a keyed hash, and checked in constant time."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import accounts as queries
from adapters.tables.apikeys import ApiKey
from domain.permissions import OF_ACCOUNTS, Permission
from domain.refusal import Refusal
from services.callers import Caller, CallerKind

PREFIX = "pr"
ID_BYTES = 6
SECRET_BYTES = 32


@dataclass(eq=False)
class UnknownKey(Refusal):
    """No API key has the public id."""

    template = "No API key has the public id {public_id!r}."
    public_id: str


@dataclass(eq=False)
class ScopesBeyondYours(Refusal):
    """Nobody gives a key what they do not hold, and a key of one account is not an operator's."""

    template = "A key made by you for this account cannot have {missing}; leave it out."
    missing: str


def check_scopes(scopes: Collection[Permission], *, by: Caller, account_id: UUID) -> frozenset[Permission]:
    """Give the scopes of a key that somebody makes for an account; raises ScopesBeyondYours."""
    missing = set(scopes) - (by.held(account_id) & OF_ACCOUNTS)
    if missing:
        raise ScopesBeyondYours(", ".join(sorted(missing)))
    return frozenset(scopes)


def usual_scopes(account_id: UUID | None) -> frozenset[Permission]:
    """Give all that a key of an account can have, or of an operator."""
    return frozenset(Permission) if account_id is None else OF_ACCOUNTS


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    account_id: UUID | None,
    now: datetime,
    pepper: str,
    scopes: Collection[Permission] | None = None,
) -> str:
    """Make a key and give its full text, which is not kept: `pr_<public id>_<secret>`. It has the usual scopes unless told."""
    public_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        ApiKey(
            id=public_id,
            account_id=account_id,
            name=name,
            scopes=sorted(usual_scopes(account_id) if scopes is None else scopes),
            secret_hash=_hash(secret, pepper),
            created_at=now,
        )
    )
    await session.flush()
    return f"{PREFIX}_{public_id}_{secret}"


async def revoke_key(session: AsyncSession, *, public_id: str, now: datetime) -> None:
    """Stop a key from opening anything; raises UnknownKey."""
    row = await queries.api_key(session, public_id)
    if row is None:
        raise UnknownKey(public_id)
    row.revoked_at = row.revoked_at or now


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    """Give all keys, oldest first; what is kept of their secrets opens nothing."""
    return await queries.api_keys(session)


async def caller_of(session: AsyncSession, *, key: str, pepper: str) -> Caller | None:
    """Tell whose key this is; None for one that is malformed, unknown, wrong or revoked."""
    prefix, _, rest = key.partition("_")
    public_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not public_id.isalnum() or not public_id.isascii():
        return None
    row = await queries.api_key(session, public_id)
    expected = row.secret_hash if row else bytes(32)
    is_right = hmac.compare_digest(expected, _hash(secret, pepper))
    if row is None or not is_right or row.revoked_at is not None:
        return None
    scopes = frozenset(map(Permission, row.scopes))
    return Caller(kind=CallerKind.KEY, id=row.id, name=row.name, account_id=row.account_id, scopes=scopes)


def _hash(secret: str, pepper: str) -> bytes:
    return hmac.new(pepper.encode(), secret.encode(errors="surrogatepass"), sha256).digest()

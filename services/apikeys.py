"""API keys: made once, shown once, kept as a keyed hash, and checked in constant time."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import accounts as queries
from adapters.scopes import EVERYONE, Scope
from adapters.tables.apikeys import ApiKey
from domain.refusal import Refusal

PREFIX = "pr"
ID_BYTES = 6
SECRET_BYTES = 32


@dataclass(eq=False)
class UnknownKey(Refusal):
    """No API key has the public id."""

    template = "No API key has the public id {public_id!r}."
    public_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks: a key of one account, or an operator's when `account_id` is None."""

    key_id: str
    account_id: UUID | None

    @property
    def is_operator(self) -> bool:
        """Operators open accounts and reach all of them."""
        return self.account_id is None

    @property
    def scope(self) -> Scope:
        """The accounts whose rows PostgreSQL shows the caller."""
        return EVERYONE if self.account_id is None else Scope(frozenset({self.account_id}))

    def may_reach(self, account_id: UUID) -> bool:
        """Tell whether the caller's key opens the account."""
        return self.account_id is None or self.account_id == account_id


async def create_key(
    session: AsyncSession, *, name: str, account_id: UUID | None, now: datetime, pepper: str
) -> str:
    """Make a key and give its full text, which is not kept: `pr_<public id>_<secret>`."""
    public_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        ApiKey(
            id=public_id,
            account_id=account_id,
            name=name,
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
    return Caller(row.id, row.account_id)


def _hash(secret: str, pepper: str) -> bytes:
    return hmac.new(pepper.encode(), secret.encode(errors="surrogatepass"), sha256).digest()

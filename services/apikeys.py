"""API keys: made once, shown once, kept as a keyed hash, checked in constant time, and replaced without a gap."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import apikeys as queries
from adapters.tables.apikeys import ApiKey
from domain.permissions import OF_ACCOUNTS, Permission
from domain.refusal import Refusal
from services.callers import Caller, CallerKind
from services.keytexts import read_key, shown, write_key

ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
MOST_OVERLAP: Final = timedelta(days=30)


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


@dataclass(eq=False)
class ExpiryInThePast(Refusal):
    """A key that has expired opens nothing."""

    template = "The key would have expired before it is made; give a later moment, or none."


@dataclass(eq=False)
class KeyEnded(Refusal):
    """A key that opens nothing has no successor."""

    template = "The key {public_id} was revoked or has expired; make a new one."
    public_id: str


@dataclass(eq=False)
class KeyReplaced(Refusal):
    """A key is rotated once: two live keys are enough to change over."""

    template = "The key {public_id} was rotated already; its successor is {successor}."
    public_id: str
    successor: str


@dataclass(eq=False)
class OverlapTooLong(Refusal):
    """The old key outlives the new one's beginning by too much."""

    template = "An overlap of {hours} hours is not possible; choose from 0 to {limit}."
    hours: int
    limit: int


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
    expires_at: datetime | None = None,
) -> str:
    """Make a key and give its full text, which is not kept. It has the usual scopes unless told.

    Raises ExpiryInThePast.
    """
    return (
        await _make(
            session,
            name=name,
            account_id=account_id,
            scopes=usual_scopes(account_id) if scopes is None else scopes,
            expires_at=expires_at,
            now=now,
            pepper=pepper,
        )
    )[0]


async def rotate_key(
    session: AsyncSession,
    *,
    public_id: str,
    overlap: timedelta,
    now: datetime,
    pepper: str,
    by: Caller | None = None,
) -> tuple[str, ApiKey, ApiKey]:
    """Give the text of a key's successor, its row and the old one's, which is good for the overlap still.

    The successor has the same account, name and scopes, and as long a life as its predecessor was given. `by` is who
    asks, if not somebody at the machine: they get no key that may do more than theirs.

    Raises UnknownKey, OverlapTooLong, KeyEnded, KeyReplaced, ScopesBeyondYours.
    """
    if not timedelta(0) <= overlap <= MOST_OVERLAP:
        raise OverlapTooLong(overlap // timedelta(hours=1), MOST_OVERLAP // timedelta(hours=1))
    old = await queries.lock(session, public_id)
    if old is None:
        raise UnknownKey(public_id)
    if beyond := set(old.scopes) - by.scopes if by else None:
        raise ScopesBeyondYours(", ".join(sorted(beyond)))
    if not is_live(old, now):
        raise KeyEnded(public_id)
    if old.successor_id is not None:
        raise KeyReplaced(public_id, old.successor_id)

    text, new = await _make(
        session,
        name=old.name,
        account_id=old.account_id,
        scopes=list(map(Permission, old.scopes)),
        expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
        now=now,
        pepper=pepper,
    )
    old.successor_id = new.id
    old.expires_at = min(filter(None, (old.expires_at, now + overlap)))
    await session.flush()
    return text, new, old


async def revoke_key(session: AsyncSession, *, public_id: str, now: datetime) -> None:
    """Stop a key from opening anything; raises UnknownKey."""
    row = await queries.lock(session, public_id)
    if row is None:
        raise UnknownKey(public_id)
    row.revoked_at = row.revoked_at or now


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    """Give all keys, oldest first; what is kept of their secrets opens nothing."""
    return await queries.everyones(session)


async def note_uses(session: AsyncSession, uses: Mapping[str, datetime]) -> None:
    """Keep when keys were used last. One that somebody else is at work on is left out: it will be used again."""
    await queries.note_uses(session, uses)


def is_live(row: ApiKey, now: datetime) -> bool:
    """Tell whether a key opens what it says."""
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


async def caller_of(session: AsyncSession, *, key: str, pepper: str, now: datetime) -> Caller | None:
    """Tell whose key this is; None for one that is malformed, unknown, wrong, revoked or expired."""
    said = read_key(key)
    if said is None:
        return None
    row = await queries.find(session, said.public_id)
    expected = row.secret_hash if row else bytes(32)
    is_right = hmac.compare_digest(expected, _hash(said.secret, pepper))
    if row is None or not is_right or not is_live(row, now):
        return None
    scopes = frozenset(map(Permission, row.scopes))
    return Caller(kind=CallerKind.KEY, id=row.id, name=row.name, account_id=row.account_id, scopes=scopes)


async def _make(
    session: AsyncSession,
    *,
    name: str,
    account_id: UUID | None,
    scopes: Collection[Permission],
    expires_at: datetime | None,
    now: datetime,
    pepper: str,
) -> tuple[str, ApiKey]:
    if expires_at is not None and expires_at <= now:
        raise ExpiryInThePast
    key = write_key(secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES))
    row = ApiKey(
        id=key.public_id,
        account_id=account_id,
        name=name,
        scopes=sorted(scopes),
        secret_hash=_hash(key.secret, pepper),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    return shown(key), row


def _hash(secret: str, pepper: str) -> bytes:
    return hmac.new(pepper.encode(), secret.encode(), sha256).digest()

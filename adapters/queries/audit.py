"""The audit log written and read: entries are added behind their chain's head, whose row is locked last of all.

They are written as the transaction commits, when it holds all other locks that it takes. Whoever holds a head waits for
nobody but those who hold heads, and these are locked in the order of their accounts: nobody waits in a ring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import event, exists, func, select, text, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import col

from adapters.live import TellingSession
from adapters.tables.audit import AuditEntry, AuditHead
from domain.audit import BEGINNING, Entry, Sealed, seal

_AT_COMMIT: Final = "audit"

_LOCK: Final = text(
    "SELECT seq, hash, clock_timestamp() AS now FROM audit_heads WHERE account_id = :account FOR UPDATE"
)
_BEGIN: Final = text("INSERT INTO audit_heads VALUES (:account, 0, :hash) ON CONFLICT DO NOTHING")
_APPEND: Final = text("""
    WITH added AS (
        INSERT INTO audit_entries (account_id, seq, at, actor_kind, actor_id, actor_name, permissions, action, subject,
            input, changes, left_out, reason, request_id, previous, hash)
        VALUES (CAST(:account AS uuid), CAST(:seq AS bigint), :at, :actor_kind, :actor_id, :actor_name,
            CAST(:permissions AS text[]), :action, :subject, CAST(:input AS jsonb), CAST(:changes AS jsonb), :left_out,
            :reason, :request_id, :previous, CAST(:hash AS bytea))
    )
    UPDATE audit_heads SET seq = CAST(:seq AS bigint), hash = CAST(:hash AS bytea)
        WHERE account_id = CAST(:account AS uuid)
""")


class Head(NamedTuple):
    """Where the chain of an account ends; the nil UUID has that of what belongs to none."""

    account_id: UUID
    seq: int
    hash: bytes


def at_commit(session: AsyncSession, entries: Callable[[], Iterable[Entry]]) -> None:
    """Write entries at the end of the session's transaction; they are asked for once everything else is written."""
    session.info.setdefault(_AT_COMMIT, []).append(entries)


@event.listens_for(TellingSession, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    waiting: list[Callable[[], Iterable[Entry]]] = session.info.pop(_AT_COMMIT, [])
    if waiting:
        session.flush()
        _append(session, [entry for entries in waiting for entry in entries()])


@event.listens_for(TellingSession, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_AT_COMMIT, None)


async def page(
    session: AsyncSession,
    *,
    account_id: UUID,
    before: int | None,
    limit: int,
    action: str | None = None,
    actor_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[AuditEntry]:
    """Give entries of an account, newest first: those before a place in its chain, in `[since, until)`."""
    query = select(AuditEntry).where(col(AuditEntry.account_id) == account_id)
    query = query.order_by(col(AuditEntry.seq).desc()).limit(limit)
    if before is not None:
        query = query.where(col(AuditEntry.seq) < before)
    if action is not None:
        query = query.where(col(AuditEntry.action) == action)
    if actor_id is not None:
        query = query.where(col(AuditEntry.actor_id) == actor_id)
    if since is not None:
        query = query.where(col(AuditEntry.at) >= since)
    if until is not None:
        query = query.where(col(AuditEntry.at) < until)
    return list(await session.scalars(query))


async def heads(session: AsyncSession, *, account_id: UUID | None = None) -> list[Head]:
    """Give the heads of all chains in the order of their accounts, or of one; a chain that has lost its head is at 0."""
    ends, entries = select(col(AuditHead.account_id)), select(col(AuditEntry.account_id)).distinct()
    if account_id is not None:
        ends = ends.where(col(AuditHead.account_id) == account_id)
        entries = entries.where(col(AuditEntry.account_id) == account_id)
    chains = union(ends, entries).subquery()
    query = (
        select(
            chains.c.account_id,
            func.coalesce(col(AuditHead.seq), 0),
            func.coalesce(col(AuditHead.hash), BEGINNING),
        )
        .outerjoin(AuditHead, col(AuditHead.account_id) == chains.c.account_id)
        .order_by(chains.c.account_id)
    )
    return [Head(*row) for row in await session.execute(query)]


async def behind(session: AsyncSession, *, account_id: UUID, seq: int, limit: int) -> list[Sealed]:
    """Give the entries of a chain that come behind a place, in order."""
    entries = AuditEntry.metadata.tables["audit_entries"]
    query = (
        select(entries)
        .where(entries.c.account_id == account_id, entries.c.seq > seq)
        .order_by(entries.c.seq)
        .limit(limit)
    )
    return [_sealed(row) for row in await session.execute(query)]


async def is_known(session: AsyncSession, head: Head) -> bool:
    """Tell whether a chain has, or had, this head."""
    query = select(
        exists().where(
            col(AuditEntry.account_id) == head.account_id,
            col(AuditEntry.seq) == head.seq,
            col(AuditEntry.hash) == head.hash,
        )
    )
    return bool(await session.scalar(query))


def _append(session: Session, entries: Sequence[Entry]) -> None:
    for account, of_account in groupby(
        sorted(entries, key=lambda entry: entry.account), lambda entry: entry.account
    ):
        seq, previous, now = _lock(session, UUID(account))
        for entry in of_account:
            seq += 1
            sealed = Sealed(entry, seq, now, previous, seal(entry, seq=seq, at=now, previous=previous))
            session.execute(_APPEND, _columns(sealed))
            previous = sealed.hash


def _lock(session: Session, account_id: UUID) -> tuple[int, bytes, datetime]:
    head = session.execute(_LOCK, {"account": account_id}).one_or_none()
    if head is None:
        session.execute(_BEGIN, {"account": account_id, "hash": BEGINNING})
        head = session.execute(_LOCK, {"account": account_id}).one()
    return head.seq, head.hash, head.now


def _columns(sealed: Sealed) -> dict[str, Any]:
    entry = sealed.entry
    return {
        "account": UUID(entry.account),
        "seq": sealed.seq,
        "at": sealed.at,
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "permissions": list(entry.permissions),
        "action": entry.action,
        "subject": entry.subject,
        "input": orjson.dumps(entry.input).decode(),
        "changes": orjson.dumps(entry.changes).decode(),
        "left_out": entry.left_out,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "previous": sealed.previous,
        "hash": sealed.hash,
    }


def _sealed(row: Any) -> Sealed:
    entry = Entry(
        account=str(row.account_id),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        permissions=row.permissions,
        action=row.action,
        subject=row.subject,
        input=row.input,
        changes=row.changes,
        left_out=row.left_out,
        reason=row.reason,
        request_id=row.request_id,
    )
    return Sealed(entry, row.seq, row.at, row.previous, row.hash)

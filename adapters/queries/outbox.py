"""The outbox: mail that is due taken with a lease, held while it is sent, and what came of it.

Moments are the server's own, so that workers whose clocks differ agree on a lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.notifications import Mail, Notification

LONGEST_REASON = 500
_STANDS = {
    "WAITING": and_(col(Mail.sent_at).is_(None), col(Mail.given_up_at).is_(None)),
    "SENT": col(Mail.sent_at).is_not(None),
    "GIVEN_UP": col(Mail.given_up_at).is_not(None),
}


@dataclass(frozen=True, slots=True)
class Held:
    """A mail in the hands of a worker until its lease ends, with the notice it carries."""

    account_id: UUID
    notification_id: UUID
    address: str
    failures: int
    lease_until: datetime
    kind: str
    title: str
    body: str
    facts: dict[str, Any]


async def take(session: AsyncSession, *, limit: int, lease: timedelta) -> list[Held]:
    """Claim mail that is due and in nobody's hands, the longest due first."""
    due = (
        select(col(Mail.account_id), col(Mail.notification_id), col(Mail.address))
        .where(
            col(Mail.sent_at).is_(None),
            col(Mail.given_up_at).is_(None),
            col(Mail.next_try_at) <= func.clock_timestamp(),
            or_(col(Mail.lease_until).is_(None), col(Mail.lease_until) < func.clock_timestamp()),
        )
        .order_by(col(Mail.next_try_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = [tuple(row) for row in await session.execute(due)]
    if not keys:
        return []
    mine = tuple_(col(Mail.account_id), col(Mail.notification_id), col(Mail.address)).in_(keys)
    until = await session.scalar(select(func.clock_timestamp() + lease))
    await session.execute(update(Mail).where(mine).values(lease_until=until))
    query = (
        select(
            col(Mail.account_id),
            col(Mail.notification_id),
            col(Mail.address),
            col(Mail.failures),
            col(Mail.lease_until),
            col(Notification.kind),
            col(Notification.title),
            col(Notification.body),
            col(Notification.facts),
        )
        .join(Notification, _of_notice())
        .where(mine)
        .order_by(col(Mail.next_try_at), col(Mail.notification_id), col(Mail.address))
    )
    return [Held(*row) for row in await session.execute(query)]


async def hold(session: AsyncSession, mail: Held, *, lease: timedelta) -> Held | None:
    """Renew the lease of a mail; None when it is not ours any more."""
    until: datetime | None = await session.scalar(
        update(Mail)
        .where(_is(mail), col(Mail.lease_until) == mail.lease_until)
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(col(Mail.lease_until))
    )
    return None if until is None else replace(mail, lease_until=until)


async def release(session: AsyncSession, mails: Sequence[Held]) -> None:
    """Give back mail that was not tried."""
    keys = [(mail.account_id, mail.notification_id, mail.address) for mail in mails]
    mine = tuple_(col(Mail.account_id), col(Mail.notification_id), col(Mail.address)).in_(keys)
    is_unchanged = col(Mail.lease_until) == mails[0].lease_until
    await session.execute(update(Mail).where(mine, is_unchanged).values(lease_until=None))


async def keep_sent(session: AsyncSession, mail: Held) -> None:
    """Record that a mail was sent."""
    now = func.clock_timestamp()
    await session.execute(
        update(Mail)
        .where(_is(mail), col(Mail.given_up_at).is_(None))
        .values(sent_at=now, lease_until=None, last_error=None)
    )


async def keep_failure(session: AsyncSession, mail: Held, *, reason: str, wait: timedelta | None) -> None:
    """Record why a mail was not sent, and when it is tried again; without a wait it is given up."""
    outcome: dict[str, Any] = {"given_up_at": func.clock_timestamp()}
    if wait is not None:
        outcome = {"next_try_at": func.clock_timestamp() + wait}
    await session.execute(
        update(Mail)
        .where(_is(mail), col(Mail.sent_at).is_(None))
        .values(
            failures=col(Mail.failures) + 1,
            last_error=reason.replace("\0", "")[:LONGEST_REASON],
            lease_until=None,
            **outcome,
        )
    )


async def page(
    session: AsyncSession,
    *,
    account_id: UUID,
    status: str | None,
    before: tuple[UUID, str] | None,
    limit: int,
) -> list[tuple[Mail, Notification]]:
    """Give an account's mails with their notices, newest first; those of one status, or all."""
    query = (
        select(Mail, Notification)
        .join(Notification, _of_notice())
        .where(col(Mail.account_id) == account_id)
        .order_by(col(Mail.notification_id).desc(), col(Mail.address).desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(_STANDS[status])
    if before is not None:
        query = query.where(tuple_(col(Mail.notification_id), col(Mail.address)) < tuple_(*before))
    return [(mail, notice) for mail, notice in await session.execute(query)]


def _of_notice() -> ColumnElement[bool]:
    return and_(
        col(Notification.account_id) == col(Mail.account_id),
        col(Notification.id) == col(Mail.notification_id),
    )


def _is(mail: Held) -> ColumnElement[bool]:
    return and_(
        col(Mail.account_id) == mail.account_id,
        col(Mail.notification_id) == mail.notification_id,
        col(Mail.address) == mail.address,
    )

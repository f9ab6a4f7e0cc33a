"""What falls due, done: the same functions for real time and for a test clock, each safe to run twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from adapters import metrics
from adapters.gateway.protocol import Gateway
from adapters.queries import duework
from adapters.queries.duework import Due
from adapters.scopes import Sessions
from adapters.spans import Span, span
from services import invoices, payments, refunds, reminders, subscriptions
from services.accounts import lock_account, lock_accounts

LEASE = timedelta(minutes=2)
PARK_AFTER = 5
CHUNK = 200

log = logging.getLogger(__name__)


class Closed(NamedTuple):
    """A chunk of closes: how many were taken up, and how many of them failed or were held by somebody else."""

    taken: int
    still_due: int


async def do(sessions: Sessions, gateway: Gateway, due: Due, *, wall: datetime) -> None:
    """Do one piece of due work; finding it done already, it does nothing."""
    if due.kind == "COLLECT":
        await payments.collect(
            sessions, gateway, account_id=due.account_id, invoice_id=due.subject_id, wall=wall
        )
        return
    if due.kind == "REFUND":
        await refunds.carry_out(
            sessions, gateway, account_id=due.account_id, refund_id=due.subject_id, wall=wall
        )
        return
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=due.account_id, wall=wall)
        match due.kind:
            case "CLOSE":
                await invoices.close(session, [account])
            case "TRIAL_END":
                await subscriptions.end_trial(session, account)
            case "FREEZE":
                await payments.freeze(session, account, invoice_id=due.subject_id)
            case "REMINDER":
                await reminders.remind(session, account, due)


async def try_to_do(sessions: Sessions, gateway: Gateway, due: Due, *, wall: datetime) -> bool:
    """Do one piece of due work; a failure is counted, and after some the work is parked, so that it blocks no other."""
    with span(f"due {due.kind}", account_id=due.account_id) as piece:
        return await _try_to_do(sessions, gateway, due, wall=wall, piece=piece)


async def _try_to_do(sessions: Sessions, gateway: Gateway, due: Due, *, wall: datetime, piece: Span) -> bool:
    reason = "it was done, and is still due"
    try:
        await do(sessions, gateway, due, wall=wall)
    except Exception as failure:
        log.exception("%s of account %s failed", due.kind, due.account_id)
        reason = repr(failure)
        piece.fail(type(failure).__name__)
    async with sessions.begin() as session:
        is_done = not await duework.is_still_due(session, due)
        if not is_done:
            await duework.fail_due(session, due, reason=reason, wall=wall, park_after=PARK_AFTER)
    metrics.work_ended(due.kind, is_done=is_done)
    return is_done


async def take(sessions: Sessions, *, kind: str, wall: datetime, limit: int = CHUNK) -> list[Due]:
    """Claim due work of one kind for the time of a lease."""
    with span(f"take {kind}") as taking:
        async with sessions.begin() as session:
            taken = await duework.take_due(session, kind=kind, wall=wall, limit=limit, lease=LEASE)
        taking.note(taken=len(taken))
        return taken


async def count(sessions: Sessions, *, kind: str, wall: datetime) -> int:
    """Count the due work of one kind that nobody has taken."""
    async with sessions.begin() as session:
        return await duework.count_due(session, kind=kind, wall=wall)


async def close_chunk(sessions: Sessions, gateway: Gateway, *, wall: datetime, limit: int = CHUNK) -> int:
    """Close up to `limit` periods that are over, in one transaction of set reads and bulk writes.

    A chunk that fails is done again one account at a time, so that one of them cannot hold up the others.
    """
    return len(await _close_taken(sessions, gateway, wall=wall, limit=limit))


async def closes(sessions: Sessions, gateway: Gateway, *, wall: datetime) -> AsyncIterator[Closed]:
    """Close every period that is over and in nobody's hands, and tell of each chunk."""
    while taken := await _close_taken(sessions, gateway, wall=wall, limit=CHUNK):
        async with sessions.begin() as session:
            still_due = await duework.count_still_due(session, taken)
        yield Closed(len(taken), still_due)


async def _close_taken(sessions: Sessions, gateway: Gateway, *, wall: datetime, limit: int) -> list[Due]:
    taken = await take(sessions, kind="CLOSE", wall=wall, limit=limit)
    if not taken:
        return []
    try:
        with span("close_periods", accounts=len(taken)):
            async with sessions.begin() as session:
                accounts = await lock_accounts(session, account_ids=_ids(taken), wall=wall)
                await invoices.close(session, accounts)
    except Exception:
        log.exception("a chunk of %d closes failed; closing one by one", len(taken))
        for due in taken:
            await try_to_do(sessions, gateway, due, wall=wall)
    else:
        metrics.work_ended("CLOSE", is_done=True, pieces=len(taken))
    return taken


def _ids(taken: list[Due]) -> list[UUID]:
    return [due.account_id for due in taken]

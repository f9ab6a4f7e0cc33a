"""The outbox: each mail is held, sent and recorded by itself, at least once, under a name that a second sending repeats.

A mail held by a lease is in one worker's hands; who dies between sending and recording sends it again, with the same
Message-ID, once the lease is over. A refusal for now is tried again over three days; one for good is kept with its
reason. A server that cannot be reached is nobody's failure: the mail waits.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from adapters import letters
from adapters.mail import Line, LineLostError, Mailer, Refused, ServerUnreachableError, Taken
from adapters.queries import outbox as queries
from adapters.queries.outbox import Held
from adapters.scopes import Sessions
from adapters.spans import current, traced
from adapters.tables.notifications import Mail

LEASE = timedelta(minutes=2)
BATCH = 50
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=22),
    timedelta(hours=24),
)
"""What lies between tries: three days in all, after which a mail is given up."""

log = logging.getLogger(__name__)


class MailStatus(StrEnum):
    """Where a mail stands."""

    WAITING = "WAITING"
    SENT = "SENT"
    GIVEN_UP = "GIVEN_UP"


def status_of(mail: Mail) -> MailStatus:
    """Tell where a mail stands."""
    if mail.sent_at is not None:
        return MailStatus.SENT
    return MailStatus.WAITING if mail.given_up_at is None else MailStatus.GIVEN_UP


async def deliver(
    sessions: Sessions, mailer: Mailer, *, wall: datetime, is_enough: Callable[[], bool]
) -> int:
    """Send a batch of the mail that is due over one connection, and give how many were tried."""
    if mailer.is_resting:
        return 0
    async with sessions.begin() as session:
        taken = await queries.take(session, limit=BATCH, lease=LEASE)
    tried = 0
    try:
        if taken:
            async with mailer.line() as line:
                while tried < len(taken) and line.is_open and not is_enough():
                    await _deliver_one(sessions, mailer, line, taken[tried], wall=wall)
                    tried += 1
    except ServerUnreachableError as failure:
        log.warning("mail waits, the server cannot be reached: %s", failure)
    if tried < len(taken):
        async with sessions.begin() as session:
            await queries.release(session, taken[tried:])
    return tried


@traced
async def _deliver_one(sessions: Sessions, mailer: Mailer, line: Line, mail: Held, *, wall: datetime) -> None:
    """Hold a mail, commit; send it; record what came of it, commit."""
    current().note(account_id=mail.account_id)
    async with sessions.begin() as session:
        held = await queries.hold(session, mail, lease=LEASE)
    if held is None:  # the lease was over, and another has it
        return
    outcome = await _send(mailer, line, held, wall=wall)
    async with sessions.begin() as session:
        match outcome:
            case Taken():
                await queries.keep_sent(session, held)
            case Refused(reason=reason, is_final=is_final):
                is_last = is_final or held.failures >= len(WAITS)
                wait = None if is_last else WAITS[held.failures]
                await queries.keep_failure(session, held, reason=reason, wait=wait)


async def _send(mailer: Mailer, line: Line, mail: Held, *, wall: datetime) -> Taken | Refused:
    """Send a mail; whatever goes wrong with it is its own, and holds up no other."""
    try:
        letter = letters.write(
            kind=mail.kind,
            title=mail.title,
            body=mail.body,
            facts=mail.facts,
            brand=mailer.sender.display_name,
            app_url=mailer.app_url,
        )
        return await line.send(letter, to=mail.address, message_id=message_id(mail), at=wall)
    except LineLostError as lost:
        return Refused(f"The connection was lost: {lost}", is_final=False)
    except Exception as failure:
        log.exception("mail %s could not be written", message_id(mail))
        return Refused(repr(failure), is_final=False)


def message_id(mail: Held) -> str:
    """Name a mail by its row of the outbox, so that sent twice it is known as one."""
    address = hashlib.sha256(f"{mail.account_id}:{mail.address}".encode()).hexdigest()[:16]
    return f"{mail.notification_id}.{address}"

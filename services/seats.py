"""Seats (section 4): invites, acceptance, switches and removals; each change of a seat is a dated fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import workspaces as queries
from adapters.seatfacts import seat_facts
from adapters.spans import traced
from adapters.tables.teammates import SeatChange, Teammate
from domain.calendar import local_day, opening
from domain.contacts import email_address
from domain.refusal import Refusal
from domain.seats import INVITE_LIFETIME, SeatType
from domain.seats import SeatChange as SeatFact
from services import announcements, lateness, liteseats, watching
from services.accounts import AccountNow
from services.notifications import tell


@dataclass(eq=False)
class UnknownTeammate(Refusal):
    """No teammate of the caller's has the id."""

    template = "No teammate has this id; teammates of other accounts look the same as none."


@dataclass(eq=False)
class AlreadyPresent(Refusal):
    """The address is invited to the workspace or active in it."""

    template = "{email} is {status} in this workspace already; resend the invite or switch the seat instead."
    email: str
    status: str


@dataclass(eq=False)
class InviteNotPending(Refusal):
    """The invite was accepted or revoked."""

    template = "This invite is {status}; only a pending one can be accepted, resent or revoked."
    status: str


@dataclass(eq=False)
class InviteExpired(Refusal):
    """The invite's thirty days are over."""

    template = "This invite expired at {expired_at:%Y-%m-%d %H:%M} UTC; resend it for another 30 days."
    expired_at: datetime


@dataclass(eq=False)
class NotActive(Refusal):
    """The teammate holds no seat."""

    template = "This teammate is {status} and holds no seat."
    status: str


@dataclass(eq=False)
class SeatHeldAlready(Refusal):
    """The teammate holds the seat asked for."""

    template = "This teammate holds a {seat} seat already; nothing was changed."
    seat: str


@dataclass(eq=False)
class NothingToCorrect(Refusal):
    """The teammate has no such date."""

    template = (
        "There is nothing to correct: name the date the teammate accepted or, once removed, was removed."
    )


@dataclass(eq=False)
class DatesOutOfOrder(Refusal):
    """The corrected dates do not fit the rest of the teammate's history."""

    template = (
        "The dates do not fit: a seat is accepted before it is switched or removed, and not in the future."
    )


@traced
async def invite(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, name: str, email: str, seat: SeatType
) -> Teammate:
    """Invite a person, by mail; free and pending until accepted.

    Raises BadEmailAddress, AlreadyPresent, LiteSeatsExhausted.
    """
    address = email_address(email)
    known = await queries.teammate_by_email(
        session, account_id=account.id, workspace_id=workspace_id, email=address
    )
    if known and known.status in {"PENDING", "ACTIVE"}:
        raise AlreadyPresent(address, known.status.lower())
    if seat is SeatType.LITE:
        await liteseats.check_one_more(session, account)

    teammate = known or _teammate(account, workspace_id=workspace_id)
    teammate.name, teammate.email, teammate.seat, teammate.status = name, address, seat.value, "PENDING"
    teammate.invited_at = account.now
    teammate.invite_expires_at = account.now + INVITE_LIFETIME
    teammate.accepted_at = teammate.removed_at = None
    session.add(teammate)
    await session.flush()
    await _ask_in(session, account, teammate)
    return teammate


@traced
async def accept(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    """Accept an invite: the seat counts from today.

    Raises UnknownTeammate, InviteNotPending, InviteExpired, LiteSeatsExhausted.
    """
    teammate = await _pending(session, account, teammate_id=teammate_id)
    if account.now >= teammate.invite_expires_at:
        raise InviteExpired(teammate.invite_expires_at)
    if teammate.seat == SeatType.LITE:
        await liteseats.check_one_more(session, account)

    teammate.status, teammate.accepted_at = "ACTIVE", account.now
    await record(session, account, teammate, SeatType(teammate.seat))
    return teammate


async def resend(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    """Give an invite another thirty days and mail it again; raises UnknownTeammate, InviteNotPending."""
    teammate = await _pending(session, account, teammate_id=teammate_id)
    teammate.invite_expires_at = account.now + INVITE_LIFETIME
    await session.flush()
    await _ask_in(session, account, teammate)
    return teammate


async def revoke(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    """Take an invite back; raises UnknownTeammate, InviteNotPending."""
    teammate = await _pending(session, account, teammate_id=teammate_id)
    teammate.status = "REVOKED"
    return teammate


@traced
async def remove(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    """Remove a teammate: today is free unless the seat was accepted today; raises UnknownTeammate, NotActive."""
    teammate = await _active(session, account, teammate_id=teammate_id)
    teammate.status, teammate.removed_at = "REMOVED", account.now
    await record(session, account, teammate, None)
    return teammate


@traced
async def switch(
    session: AsyncSession, account: AccountNow, *, teammate_id: UUID, seat: SeatType
) -> Teammate:
    """Switch between full and lite on today's date.

    Raises UnknownTeammate, NotActive, SeatHeldAlready, LiteSeatsExhausted.
    """
    teammate = await _active(session, account, teammate_id=teammate_id)
    if teammate.seat == seat:
        raise SeatHeldAlready(seat.value.lower())
    if seat is SeatType.LITE:
        await liteseats.check_one_more(session, account)

    teammate.seat = seat.value
    await record(session, account, teammate, seat)
    return teammate


@traced
async def correct_dates(
    session: AsyncSession,
    account: AccountNow,
    *,
    teammate_id: UUID,
    accepted_on: date | None,
    removed_on: date | None,
) -> Teammate:
    """Correct when a teammate really accepted or was removed; what was billed is adjusted on the next invoice.

    Raises UnknownTeammate, NothingToCorrect, DatesOutOfOrder.
    """
    teammate = await _find(session, account, teammate_id=teammate_id)
    changes = (await queries.seat_changes_of(session, [(account.id, teammate_id)]))[account.id, teammate_id]
    facts = sorted(seat_facts(changes), key=lambda fact: fact.order)
    wanted = [
        (_latest(facts, is_end=False), accepted_on),
        (_latest(facts, is_end=True), removed_on),
    ]
    corrected = {fact.order: fact for fact in facts}
    moved: list[date] = []
    for fact, day in wanted:
        if day is None:
            continue
        if fact is None:
            raise NothingToCorrect
        moved += [day, local_day(fact.at, account.zone)]
        corrected[fact.order] = replace(fact, at=opening(day, account.zone))
    if not moved:
        raise NothingToCorrect
    moments = [fact.at for fact in corrected.values()]
    if moments != sorted(moments) or moments[-1] > account.now:
        raise DatesOutOfOrder

    for fact in facts:
        if corrected[fact.order] != fact:
            await _append_correction(session, account, teammate, corrected[fact.order])
    if accepted_on:
        teammate.accepted_at = opening(accepted_on, account.zone)
    if removed_on:
        teammate.removed_at = opening(removed_on, account.zone)
    await lateness.note(session, account, day=min(moved))
    return teammate


async def join(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, name: str, email: str
) -> Teammate:
    """Make the creator of a workspace its first teammate, with a full seat."""
    teammate = _teammate(account, workspace_id=workspace_id)
    teammate.name, teammate.email, teammate.seat, teammate.status = name, email, SeatType.FULL.value, "ACTIVE"
    teammate.accepted_at = account.now
    session.add(teammate)
    await session.flush()
    await record(session, account, teammate, SeatType.FULL)
    return teammate


async def record(
    session: AsyncSession, account: AccountNow, teammate: Teammate, seat: SeatType | None
) -> None:
    """Append the fact that a teammate holds another seat from now on, or none."""
    session.add(
        SeatChange(
            account_id=account.id,
            position=account.next_position(),
            workspace_id=teammate.workspace_id,
            teammate_id=teammate.id,
            seat=seat.value if seat else None,
            at=account.now,
            recorded_at=account.now,
        )
    )
    await session.flush()
    rise = 1 if seat is SeatType.FULL else 0
    await watching.seats_changed(session, account, workspace_id=teammate.workspace_id, rise=rise)


async def _ask_in(session: AsyncSession, account: AccountNow, teammate: Teammate) -> None:
    workspace = await queries.find(session, account_id=account.id, workspace_id=teammate.workspace_id)
    if workspace is not None:
        await tell(session, [announcements.invited(account, workspace, teammate)])


async def _append_correction(
    session: AsyncSession, account: AccountNow, teammate: Teammate, fact: SeatFact
) -> None:
    session.add(
        SeatChange(
            account_id=account.id,
            position=account.next_position(),
            workspace_id=teammate.workspace_id,
            teammate_id=teammate.id,
            seat=fact.seat.value if fact.seat else None,
            at=fact.at,
            recorded_at=account.now,
            corrects=fact.order,
        )
    )
    await session.flush()


def _latest(facts: list[SeatFact], *, is_end: bool) -> SeatFact | None:
    """Give the last removal, or the last acceptance: the first change of the latest stay."""
    if is_end:
        return facts[-1] if facts and facts[-1].seat is None else None
    stay = None
    for before, fact in zip([None, *facts], facts, strict=False):
        if fact.seat is not None and (before is None or before.seat is None):
            stay = fact
    return stay


async def _pending(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    teammate = await _find(session, account, teammate_id=teammate_id)
    if teammate.status != "PENDING":
        raise InviteNotPending(teammate.status.lower())
    return teammate


async def _active(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    teammate = await _find(session, account, teammate_id=teammate_id)
    if teammate.status != "ACTIVE":
        raise NotActive(teammate.status.lower())
    return teammate


async def _find(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    teammate = await queries.teammate(session, account_id=account.id, teammate_id=teammate_id)
    if teammate is None:
        raise UnknownTeammate
    return teammate


def _teammate(account: AccountNow, *, workspace_id: UUID) -> Teammate:
    return Teammate(
        account_id=account.id,
        id=new_id(),
        workspace_id=workspace_id,
        name="",
        email="",
        seat=SeatType.FULL.value,
        status="PENDING",
        invited_at=account.now,
        invite_expires_at=account.now + INVITE_LIFETIME,
    )

"""Seats (section 4): invites, acceptance, switches and removals; each change of a seat is a dated fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import workspaces as queries
from adapters.spans import traced
from adapters.tables.teammates import PRESENT, SeatChange, Teammate
from domain.contacts import email_address
from domain.permissions import Role, check_grant, manages_billing
from domain.refusal import Refusal
from domain.seats import INVITE_LIFETIME, SeatType
from services import announcements, liteseats, watching
from services.accounts import AccountNow
from services.callers import Caller
from services.notifications import tell
from services.roles import keep_an_admin


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


@traced
async def invite(
    session: AsyncSession,
    account: AccountNow,
    *,
    workspace_id: UUID,
    name: str,
    email: str,
    seat: SeatType,
    role: Role,
    by: Caller,
) -> Teammate:
    """Invite a person, by mail; free and pending until accepted.

    Raises BadEmailAddress, AlreadyPresent, LiteSeatsExhausted, RoleBeyondYours.
    """
    address = email_address(email)
    check_grant(role, held=by.held(account.id, workspace_id))
    known = await queries.teammate_by_email(
        session, account_id=account.id, workspace_id=workspace_id, email=address
    )
    if known and known.status in PRESENT:
        raise AlreadyPresent(address, known.status.lower())
    if seat is SeatType.LITE:
        await liteseats.check_one_more(session, account)

    teammate = known or _teammate(account, workspace_id=workspace_id)
    teammate.name, teammate.email, teammate.seat, teammate.status = name, address, seat.value, "PENDING"
    teammate.role = role.value
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
async def remove(session: AsyncSession, account: AccountNow, *, teammate_id: UUID, by: Caller) -> Teammate:
    """Remove a teammate: today is free unless the seat was accepted today.

    Who removes holds all of the role that goes with it, or could take it by removing and inviting again.

    Raises UnknownTeammate, NotActive, RoleBeyondYours, LastBillingAdmin.
    """
    teammate = await _active(session, account, teammate_id=teammate_id)
    check_grant(Role(teammate.role), held=by.held(account.id, teammate.workspace_id))
    await keep_an_admin(session, teammate, by=by)
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
async def give_role(
    session: AsyncSession, account: AccountNow, *, teammate_id: UUID, role: Role, by: Caller
) -> Teammate:
    """Give a present teammate another role; who gives it holds all of it, and all of the one it replaces.

    Raises UnknownTeammate, NotActive, RoleBeyondYours, LastBillingAdmin.
    """
    teammate = await find_teammate(session, account, teammate_id=teammate_id)
    if teammate.status not in PRESENT:
        raise NotActive(teammate.status.lower())
    held = by.held(account.id, teammate.workspace_id)
    for each in (Role(teammate.role), role):
        check_grant(each, held=held)
    if not manages_billing(role, is_lite=teammate.seat == SeatType.LITE):
        await keep_an_admin(session, teammate, by=by)

    teammate.role = role.value
    await session.flush()
    return teammate


async def join(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, name: str, email: str
) -> Teammate:
    """Make the creator of a workspace its first teammate, with a full seat, and its admin."""
    teammate = _teammate(account, workspace_id=workspace_id)
    teammate.name, teammate.email, teammate.seat, teammate.status = name, email, SeatType.FULL.value, "ACTIVE"
    teammate.role = Role.ADMIN.value
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


async def _pending(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    teammate = await find_teammate(session, account, teammate_id=teammate_id)
    if teammate.status != "PENDING":
        raise InviteNotPending(teammate.status.lower())
    return teammate


async def _active(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    teammate = await find_teammate(session, account, teammate_id=teammate_id)
    if teammate.status != "ACTIVE":
        raise NotActive(teammate.status.lower())
    return teammate


async def find_teammate(session: AsyncSession, account: AccountNow, *, teammate_id: UUID) -> Teammate:
    """Give a teammate of the account; raises UnknownTeammate."""
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

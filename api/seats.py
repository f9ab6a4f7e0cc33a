"""Seats of teammates (section 4): invites, acceptance, switches and removals."""

from __future__ import annotations

import strawberry

from api.changes import Change, alone, make, token_field
from api.context import Info
from api.enums import Role, SeatType
from api.idempotency import key_field
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.teammates import Teammate, teammate
from domain.contacts import BadEmailAddress
from domain.permissions import LastBillingAdmin, RoleBeyondYours
from domain.seats import LiteSeatsExhausted
from services import overage, seats
from services.accounts import lock_account
from services.changes import PriceChanged
from services.seats import (
    AlreadyPresent,
    InviteExpired,
    InviteNotPending,
    NotActive,
    SeatHeldAlready,
    UnknownTeammate,
)
from services.workspaces import UnknownWorkspace, find_workspace


@strawberry.input(description="Whom to invite.")
class TeammateInviteInput:
    """Input of teammateInvite."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    name: SafeString = strawberry.field(description="The person's name.")
    email: SafeString = strawberry.field(description="Where the invite goes.")
    seat: SeatType = strawberry.field(default=SeatType.FULL, description="The seat offered.")
    role: Role = strawberry.field(
        default=Role.MEMBER, description="The role offered: one that whoever invites holds all of."
    )
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="An invite.")
class SeatAcceptInput:
    """Input of seatAccept."""

    teammate_id: strawberry.ID = strawberry.field(description="The invited teammate.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="An invite.")
class InviteResendInput:
    """Input of inviteResend."""

    teammate_id: strawberry.ID = strawberry.field(description="The invited teammate.")
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="An invite.")
class InviteRevokeInput:
    """Input of inviteRevoke."""

    teammate_id: strawberry.ID = strawberry.field(description="The invited teammate.")


@strawberry.input(description="A teammate.")
class TeammateRemoveInput:
    """Input of teammateRemove."""

    teammate_id: strawberry.ID = strawberry.field(description="The teammate.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="A teammate and another seat.")
class SeatSwitchInput:
    """Input of seatSwitch."""

    teammate_id: strawberry.ID = strawberry.field(description="The teammate.")
    seat: SeatType = strawberry.field(description="The seat to hold from today.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The teammate invited.")
class TeammateInvitePayload:
    """Payload of teammateInvite."""

    teammate: Teammate = strawberry.field(description="The teammate, pending.")
    notice: str | None = strawberry.field(
        description="What the seat will cost beyond those purchased for the year, and the cheaper way."
    )


@strawberry.type(description="The teammate who accepted.")
class SeatAcceptPayload:
    """Payload of seatAccept."""

    teammate: Teammate = strawberry.field(description="The teammate, active.")


@strawberry.type(description="The teammate invited again.")
class InviteResendPayload:
    """Payload of inviteResend."""

    teammate: Teammate = strawberry.field(description="The teammate, with the new end of the invite.")


@strawberry.type(description="The teammate no longer invited.")
class InviteRevokePayload:
    """Payload of inviteRevoke."""

    teammate: Teammate = strawberry.field(description="The teammate, revoked.")


@strawberry.type(description="The teammate removed.")
class TeammateRemovePayload:
    """Payload of teammateRemove."""

    teammate: Teammate = strawberry.field(description="The teammate, removed.")


@strawberry.type(description="The teammate with another seat.")
class SeatSwitchPayload:
    """Payload of seatSwitch."""

    teammate: Teammate = strawberry.field(description="The teammate.")


@mutation(
    payload=TeammateInvitePayload,
    refusals=(UnknownWorkspace, BadEmailAddress, AlreadyPresent, LiteSeatsExhausted, RoleBeyondYours),
    description="Invite a person. An invite is free, lasts 30 days and is billed from the day it is accepted.",
)
async def teammate_invite(info: Info, input: TeammateInviteInput) -> TeammateInvitePayload:
    """Invite a person."""
    account_id, workspace_id = must_reach(info, input.workspace_id, "Workspace", UnknownWorkspace)
    session = await info.context.begin()
    await find_workspace(session, account_id=account_id, workspace_id=workspace_id)
    account = await lock_account(session, account_id=account_id, wall=info.context.wall)
    row = await seats.invite(
        session,
        account,
        workspace_id=workspace_id,
        name=input.name,
        email=input.email,
        seat=input.seat,
        role=input.role,
        by=info.context.caller,
    )
    notice = await overage.notice(session, account) if input.seat is SeatType.FULL else None
    return TeammateInvitePayload(teammate=teammate(row), notice=notice)


def seat_accept_change(info: Info, input: SeatAcceptInput) -> Change:
    """Plan to accept an invite."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    return Change(
        account_id, lambda s, a: alone(seats.accept(s, a, teammate_id=teammate_id)), unknown=UnknownTeammate
    )


@mutation(
    payload=SeatAcceptPayload,
    refusals=(UnknownTeammate, InviteNotPending, InviteExpired, LiteSeatsExhausted, PriceChanged),
    description="Accept an invite: the seat counts from today.",
)
async def seat_accept(info: Info, input: SeatAcceptInput) -> SeatAcceptPayload:
    """Accept an invite."""
    row, _ = await make(info, seat_accept_change(info, input), token=input.preview_token)
    return SeatAcceptPayload(teammate=teammate(row))


@mutation(
    payload=InviteResendPayload,
    refusals=(UnknownTeammate, InviteNotPending),
    description="Give a pending or expired invite another 30 days.",
)
async def invite_resend(info: Info, input: InviteResendInput) -> InviteResendPayload:
    """Resend an invite."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    session = await info.context.begin()
    account = await lock_account(
        session, account_id=account_id, wall=info.context.wall, unknown=UnknownTeammate
    )
    row = await seats.resend(session, account, teammate_id=teammate_id)
    return InviteResendPayload(teammate=teammate(row))


@mutation(
    payload=InviteRevokePayload,
    refusals=(UnknownTeammate, InviteNotPending),
    description="Take a pending invite back.",
)
async def invite_revoke(info: Info, input: InviteRevokeInput) -> InviteRevokePayload:
    """Revoke an invite."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    session = await info.context.begin()
    account = await lock_account(
        session, account_id=account_id, wall=info.context.wall, unknown=UnknownTeammate
    )
    row = await seats.revoke(session, account, teammate_id=teammate_id)
    return InviteRevokePayload(teammate=teammate(row))


def teammate_remove_change(info: Info, input: TeammateRemoveInput) -> Change:
    """Plan to remove a teammate."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    return Change(
        account_id,
        lambda s, a: alone(seats.remove(s, a, teammate_id=teammate_id, by=info.context.caller)),
        unknown=UnknownTeammate,
    )


@mutation(
    payload=TeammateRemovePayload,
    refusals=(UnknownTeammate, NotActive, RoleBeyondYours, LastBillingAdmin, PriceChanged),
    description="Remove a teammate, of whose role you hold all. Today is free, unless the seat was accepted today.",
)
async def teammate_remove(info: Info, input: TeammateRemoveInput) -> TeammateRemovePayload:
    """Remove a teammate."""
    row, _ = await make(info, teammate_remove_change(info, input), token=input.preview_token)
    return TeammateRemovePayload(teammate=teammate(row))


def seat_switch_change(info: Info, input: SeatSwitchInput) -> Change:
    """Plan to switch a seat."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    return Change(
        account_id,
        lambda s, a: alone(seats.switch(s, a, teammate_id=teammate_id, seat=input.seat)),
        unknown=UnknownTeammate,
    )


@mutation(
    payload=SeatSwitchPayload,
    refusals=(UnknownTeammate, NotActive, SeatHeldAlready, LiteSeatsExhausted, PriceChanged),
    description="Switch a teammate between a full and a lite seat, from today.",
)
async def seat_switch(info: Info, input: SeatSwitchInput) -> SeatSwitchPayload:
    """Switch a seat."""
    row, _ = await make(info, seat_switch_change(info, input), token=input.preview_token)
    return SeatSwitchPayload(teammate=teammate(row))

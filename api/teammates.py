"""Teammates: people in a workspace, each with one seat, and how that came about (section 4)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import strawberry

from adapters.tables import teammates as tables
from api.context import Info
from api.enumerated import enumerated
from api.enums import Role, SeatType
from api.nodes import Node, node_id
from domain.calendar import local_day


@enumerated(
    "Where a teammate stands.",
    PENDING="Invited, and the invite is not accepted.",
    ACTIVE="Holds a seat.",
    REMOVED="Held a seat and was removed.",
    REVOKED="The invite was taken back.",
)
class TeammateStatus(StrEnum):
    """Where a teammate stands."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"
    REVOKED = "REVOKED"


@strawberry.type(
    description="A seat taken, switched or given up: a dated fact that bills are worked out from."
)
class SeatChange:
    """One entry of a teammate's seat history."""

    seat: SeatType | None = strawberry.field(description="The seat held from then on; null for none.")
    at: datetime = strawberry.field(description="The moment.")
    on: date = strawberry.field(description="The account's local date of that moment, which billing goes by.")


@strawberry.type(description="A person in a workspace, with one seat.")
class Teammate(Node):
    """A teammate."""

    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's email address.")
    seat: SeatType = strawberry.field(description="The seat held, or offered by the invite.")
    role: Role = strawberry.field(description="What the person does in the workspace; see `roles`.")
    status: TeammateStatus = strawberry.field(description="Where the teammate stands.")
    invited_at: datetime = strawberry.field(description="When the person was invited.")
    invite_expires_at: datetime = strawberry.field(
        description="When a pending invite can no longer be accepted."
    )
    accepted_at: datetime | None = strawberry.field(description="When the invite was accepted.")
    removed_at: datetime | None = strawberry.field(description="When the teammate was removed.")
    key: strawberry.Private[tuple[UUID, UUID]]

    @strawberry.field(description="Every change of the seat, oldest first.")
    async def seat_history(self, info: Info) -> list[SeatChange]:
        """Read the teammate's dated facts."""
        account = await info.context.loaders.accounts.load(self.key[0])
        changes = await info.context.loaders.seat_changes.load(self.key)
        if account is None:
            return []
        return [
            SeatChange(
                seat=SeatType(row.seat) if row.seat else None, at=row.at, on=local_day(row.at, account.zone)
            )
            for row in changes or []
        ]


def teammate(row: tables.Teammate) -> Teammate:
    """Show a teammate."""
    return Teammate(
        id=node_id("Teammate", row.account_id, row.id),
        name=row.name,
        email=row.email,
        seat=SeatType(row.seat),
        role=Role(row.role),
        status=TeammateStatus(row.status),
        invited_at=row.invited_at,
        invite_expires_at=row.invite_expires_at,
        accepted_at=row.accepted_at,
        removed_at=row.removed_at,
        key=(row.account_id, row.id),
    )

"""Teammates and the dated facts of which seat each of them held."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, Text, func, literal_column
from sqlmodel import Field

from adapters.tables.columns import (
    Key,
    OptionalBigint,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    parent,
    quoted,
    reference,
    stored_default,
    where,
)
from adapters.tables.workspaces import Workspace

SEATS: Final = ("FULL", "LITE")
ROLES: Final = ("ADMIN", "BILLING", "PEOPLE", "DEVELOPER", "AUDITOR", "MEMBER")
TEAMMATE_STATUSES: Final = ("PENDING", "ACTIVE", "REMOVED", "REVOKED")
PRESENT: Final = ("PENDING", "ACTIVE")


class Teammate(Record, table=True):
    """A person in a workspace, from the invite on.

    One address is invited to or active in a workspace at most once, whatever its case.
    """

    __tablename__ = "teammates"
    __table_args__ = (
        reference("workspaces", workspace_id="id"),
        one_of("seat", SEATS),
        one_of("role", ROLES),
        one_of("status", TEAMMATE_STATUSES),
        Index(
            "uq_teammates_present_email",
            "account_id",
            "workspace_id",
            func.lower(literal_column("email")),
            unique=True,
            postgresql_where=where(f"status IN ({quoted(PRESENT)})"),
        ),
        Index(
            "ix_teammates_email",
            func.lower(literal_column("email")),
            postgresql_where=where(f"status IN ({quoted(PRESENT)})"),
        ),
    )

    account_id: Key
    id: Key
    workspace_id: UUID
    name: String
    email: String
    seat: String
    role: str = stored_default("'MEMBER'", python="MEMBER", sa_type=Text)
    status: String
    invited_at: datetime
    invite_expires_at: datetime
    accepted_at: datetime | None = None
    removed_at: datetime | None = None

    workspace: Workspace = parent(Workspace)


class SeatChange(Record, table=True):
    """From `at` on the teammate holds `seat`, or none. Appended, never changed.

    `position` is its place among all facts of the account, `recorded_at` when it became known. One that `corrects`
    another says when that one really was.
    """

    __tablename__ = "seat_changes"
    __table_args__ = (
        reference("teammates", teammate_id="id"),
        reference("workspaces", workspace_id="id"),
        one_of("seat", SEATS),
        check("position", "position >= 1"),
        check("corrects", "corrects < position"),
    )

    account_id: Key
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    workspace_id: UUID
    teammate_id: UUID
    seat: OptionalString = None
    at: datetime
    recorded_at: datetime
    corrects: OptionalBigint = None

    teammate: Teammate = parent(Teammate)

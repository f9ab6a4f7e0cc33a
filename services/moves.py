"""A workspace moves to another account (section 1): its seats and usage count for the account that holds it on their date."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.queries import locks
from adapters.queries import workspaces as queries
from adapters.spans import traced
from adapters.tables.teammates import Teammate
from adapters.tables.workspaces import Workspace
from domain.pricebook import Plan
from domain.refusal import Refusal
from domain.seats import SeatType
from services import seats
from services.accounts import AccountNow
from services.beginnings import check_lite
from services.histories import running_row
from services.workspaces import find_workspace


@dataclass(eq=False)
class DifferentClocks(Refusal):
    """The accounts live in different times."""

    template = "The two accounts live by different clocks; a workspace moves between accounts of one time."


@dataclass(eq=False)
class SameAccount(Refusal):
    """The workspace is there already."""

    template = "The workspace belongs to that account already; nothing was changed."


@dataclass(eq=False)
class WorkspaceLeft(Refusal):
    """The workspace went to another account."""

    template = "The workspace left this account on {left_on}; what happens in it now belongs to another."
    left_on: str


@traced
async def move(
    session: AsyncSession, source: AccountNow, target: AccountNow, *, workspace_id: UUID
) -> Workspace:
    """Move a workspace with its teammates, invites and contacts, from today; both accounts are locked.

    Raises UnknownWorkspace, WorkspaceLeft, SameAccount, DifferentClocks, TooManyLiteSeats.
    """
    if source.id == target.id:
        raise SameAccount
    if source.row.test_clock_id != target.row.test_clock_id:
        raise DifferentClocks
    left = await find_workspace(session, account_id=source.id, workspace_id=workspace_id)
    if left.left_at is not None:
        raise WorkspaceLeft(left.left_at.date().isoformat())
    await locks.stop_usage(session, [source.id, target.id])
    people = await queries.present(session, account_id=source.id, workspace_id=workspace_id)

    left.left_at = source.now
    joined = await _workspace_in(session, target, left)
    contacts = (await queries.contacts(session, [(source.id, workspace_id)]))[source.id, workspace_id]
    await queries.replace_contacts(
        session, account_id=target.id, workspace_id=workspace_id, emails=contacts, now=target.now
    )
    for person in people:
        await _move_teammate(session, source, target, person)
    await _check_lite_seats(session, target)
    return joined


async def _workspace_in(session: AsyncSession, target: AccountNow, left: Workspace) -> Workspace:
    known = await queries.find(session, account_id=target.id, workspace_id=left.id)
    joined = known or Workspace(account_id=target.id, id=left.id, name=left.name, created_at=left.created_at)
    joined.name, joined.joined_at, joined.left_at = left.name, target.now, None
    session.add(joined)
    await session.flush()
    return joined


async def _move_teammate(
    session: AsyncSession, source: AccountNow, target: AccountNow, person: Teammate
) -> None:
    known = await queries.teammate(session, account_id=target.id, teammate_id=person.id)
    moved = known or Teammate(**{**person.model_dump(), "account_id": target.id})
    moved.name, moved.email, moved.seat, moved.status = person.name, person.email, person.seat, person.status
    moved.role = person.role
    moved.invite_expires_at, moved.removed_at = person.invite_expires_at, None
    session.add(moved)
    await session.flush()
    if person.status == "PENDING":
        person.status = "REVOKED"
        return
    seat = SeatType(person.seat)
    person.status, person.removed_at = "REMOVED", source.now
    await seats.record(session, source, person, None)
    moved.accepted_at = target.now
    await seats.record(session, target, moved, seat)


async def _check_lite_seats(session: AsyncSession, target: AccountNow) -> None:
    row = await running_row(session, target)
    if row is not None:
        book = await pricebooks.book(session, row.price_book_version)
        await check_lite(session, target, plan=Plan(row.plan), book=book)

"""Workspaces, billing contacts and teammates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.queries.places import pairs
from adapters.tables.teammates import PRESENT, SeatChange, Teammate
from adapters.tables.workspaces import BillingContact, Workspace


async def find(session: AsyncSession, *, account_id: UUID, workspace_id: UUID) -> Workspace | None:
    """Give a workspace of an account."""
    return await session.get(Workspace, (account_id, workspace_id))


async def find_many(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Workspace]:
    """Give workspaces by account and id."""
    wanted = list(keys)
    rows = await session.scalars(
        select(Workspace).where(
            col(Workspace.account_id).in_({account_id for account_id, _ in wanted}),
            col(Workspace.id).in_({workspace_id for _, workspace_id in wanted}),
        )
    )
    return {(row.account_id, row.id): row for row in rows}


async def of_accounts(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, list[Workspace]]:
    """Give the workspaces of accounts, oldest first; those that left are not there any more."""
    query = (
        select(Workspace)
        .where(col(Workspace.account_id).in_(list(account_ids)), col(Workspace.left_at).is_(None))
        .order_by(col(Workspace.id))
    )
    found: dict[UUID, list[Workspace]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.account_id, []).append(row)
    return found


async def contacts(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[str]]:
    """Give the billing contacts of workspaces, by account and workspace."""
    wanted = list(keys)
    query = (
        select(BillingContact)
        .where(
            col(BillingContact.account_id).in_({account_id for account_id, _ in wanted}),
            col(BillingContact.workspace_id).in_({workspace_id for _, workspace_id in wanted}),
        )
        .order_by(col(BillingContact.created_at), col(BillingContact.email))
    )
    found: dict[tuple[UUID, UUID], list[str]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found.setdefault((row.account_id, row.workspace_id), []).append(row.email)
    return found


async def replace_contacts(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, emails: Sequence[str], now: datetime
) -> None:
    """Put other billing contacts in the place of those of a workspace."""
    mine = and_(
        col(BillingContact.account_id) == account_id, col(BillingContact.workspace_id) == workspace_id
    )
    await session.execute(delete(BillingContact).where(mine, col(BillingContact.email).not_in(emails)))
    present = set(await session.scalars(select(col(BillingContact.email)).where(mine)))
    session.add_all(
        BillingContact(account_id=account_id, workspace_id=workspace_id, email=email, created_at=now)
        for email in emails
        if email not in present
    )


async def teammate(session: AsyncSession, *, account_id: UUID, teammate_id: UUID) -> Teammate | None:
    """Give a teammate of an account."""
    return await session.get(Teammate, (account_id, teammate_id))


async def present(session: AsyncSession, *, account_id: UUID, workspace_id: UUID) -> list[Teammate]:
    """Give the teammates invited to or active in a workspace."""
    query = (
        select(Teammate)
        .where(
            col(Teammate.account_id) == account_id,
            col(Teammate.workspace_id) == workspace_id,
            col(Teammate.status).in_(("PENDING", "ACTIVE")),
        )
        .order_by(col(Teammate.id))
    )
    return list(await session.scalars(query))


async def teammates_by_id(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Teammate]:
    """Give teammates by account and id."""
    wanted = list(keys)
    rows = await session.scalars(
        select(Teammate).where(
            col(Teammate.account_id).in_({account_id for account_id, _ in wanted}),
            col(Teammate.id).in_({teammate_id for _, teammate_id in wanted}),
        )
    )
    return {(row.account_id, row.id): row for row in rows}


async def teammate_by_email(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, email: str
) -> Teammate | None:
    """Give the teammate known in a workspace under an address, whatever its case."""
    query = select(Teammate).where(
        col(Teammate.account_id) == account_id,
        col(Teammate.workspace_id) == workspace_id,
        func.lower(col(Teammate.email)) == email.lower(),
    )
    return (await session.scalars(query)).one_or_none()


async def memberships(session: AsyncSession, *, email: str) -> list[Teammate]:
    """Give everywhere a person is invited or active, by an address whatever its case, oldest first."""
    query = (
        select(Teammate)
        .where(func.lower(col(Teammate.email)) == email.lower(), col(Teammate.status).in_(PRESENT))
        .order_by(col(Teammate.invited_at), col(Teammate.id))
    )
    return list(await session.scalars(query))


async def active_teammates(session: AsyncSession, *, account_id: UUID, workspace_id: UUID) -> list[Teammate]:
    """Give the active teammates of a workspace."""
    query = select(Teammate).where(
        col(Teammate.account_id) == account_id,
        col(Teammate.workspace_id) == workspace_id,
        col(Teammate.status) == "ACTIVE",
    )
    return list(await session.scalars(query))


async def teammates_page(
    session: AsyncSession,
    *,
    account_id: UUID,
    workspace_id: UUID,
    statuses: Sequence[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Teammate]:
    """Give teammates of a workspace in the order of their invites, from a keyset position on."""
    query = (
        select(Teammate)
        .where(
            col(Teammate.account_id) == account_id,
            col(Teammate.workspace_id) == workspace_id,
            col(Teammate.status).in_(statuses),
        )
        .order_by(col(Teammate.invited_at), col(Teammate.id))
        .limit(limit)
    )
    if after is not None:
        invited_at, teammate_id = after
        query = query.where(
            or_(
                col(Teammate.invited_at) > invited_at,
                and_(col(Teammate.invited_at) == invited_at, col(Teammate.id) > teammate_id),
            )
        )
    return list(await session.scalars(query))


async def seats_held(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[tuple[UUID, str], int]:
    """Count active teammates by account and seat type."""
    query = (
        select(col(Teammate.account_id), col(Teammate.seat), func.count())
        .where(col(Teammate.account_id).in_(list(account_ids)), col(Teammate.status) == "ACTIVE")
        .group_by(col(Teammate.account_id), col(Teammate.seat))
    )
    return {(account_id, seat): count for account_id, seat, count in await session.execute(query)}


async def lite_teammates(session: AsyncSession, *, account_id: UUID) -> list[str]:
    """Name the teammates of an account who hold lite seats."""
    query = select(col(Teammate.name)).where(
        col(Teammate.account_id) == account_id, col(Teammate.status) == "ACTIVE", col(Teammate.seat) == "LITE"
    )
    return list(await session.scalars(query))


async def seat_changes_of(
    session: AsyncSession, keys: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[SeatChange]]:
    """Give the seat changes of teammates in the order they were recorded, by account and teammate."""
    wanted = list(keys)
    query = (
        select(SeatChange)
        .where(
            col(SeatChange.account_id).in_({account_id for account_id, _ in wanted}),
            col(SeatChange.teammate_id).in_({teammate_id for _, teammate_id in wanted}),
        )
        .order_by(col(SeatChange.position))
    )
    found: dict[tuple[UUID, UUID], list[SeatChange]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found.setdefault((row.account_id, row.teammate_id), []).append(row)
    return found


async def changes_at(
    session: AsyncSession, places: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], SeatChange]:
    """Give seat changes by account and place in its record."""
    own = tuple_(col(SeatChange.account_id), col(SeatChange.position))
    query = select(SeatChange).where(own.in_(pairs(places)))
    return {(row.account_id, row.position): row for row in await session.scalars(query)}

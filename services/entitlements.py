"""Entitlements (section 9): may a workspace use a channel now, answered from one read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.queries import entitlements as queries
from domain.calendar import time_zone
from domain.entitlements import Entitlement, Standing, entitlements
from domain.folding import phases
from services.workspaces import UnknownWorkspace


async def read(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, wall: datetime
) -> tuple[Entitlement, ...]:
    """Tell of every channel whether the workspace may use it now; raises UnknownWorkspace."""
    found = await queries.find(session, account_id=account_id, workspace_id=workspace_id, wall=wall)
    if found is None:
        raise UnknownWorkspace
    zone = time_zone(found.time_zone)
    books = await pricebooks.books_of(session, [found.book_version] if found.book_version else [])
    return entitlements(
        Standing(
            phases=phases(found.facts, zone, books),
            now=found.now,
            zone=zone,
            is_frozen=found.is_frozen,
            trial_units=found.trial_units,
            account_limits=found.account_limits,
            workspace_limits=found.workspace_limits,
        )
    )

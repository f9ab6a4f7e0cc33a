"""Roles in a workspace (section 1): somebody always manages its billing."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import workspaces as queries
from adapters.tables.teammates import Teammate
from domain.permissions import LastBillingAdmin, Permission, Role, manages_billing
from services.callers import Caller


async def keep_an_admin(session: AsyncSession, leaving: Teammate, *, by: Caller) -> None:
    """Check that a teammate who is to manage billing no more is not the last; raises LastBillingAdmin.

    Staff may take even the last one out: of a customer who has left.
    """
    if by.holds_everywhere(Permission.STAFF):
        return
    rows = await queries.active_teammates(
        session, account_id=leaving.account_id, workspace_id=leaving.workspace_id
    )
    if {row.id for row in rows if manages_billing(Role(row.role), is_lite=row.seat == "LITE")} == {
        leaving.id
    }:
        raise LastBillingAdmin(leaving.name)

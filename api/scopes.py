"""What an alert or a limit holds for: one workspace, or all of a billing account."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from api.context import Info
from api.enumerated import enumerated
from api.nodes import must_reach
from services.accounts import AccountNow, UnknownAccount, lock_account
from services.workspaces import UnknownWorkspace, find_workspace


@enumerated(
    "What an alert or a limit holds for.",
    ACCOUNT="For all workspaces of a billing account together.",
    WORKSPACE="For one workspace.",
)
class Scope(StrEnum):
    """What an alert or a limit holds for."""

    ACCOUNT = "ACCOUNT"
    WORKSPACE = "WORKSPACE"


@strawberry.type(description="Something that holds for one workspace or for all of a billing account.")
class Scoped:
    """What has a scope."""

    scope: Scope = strawberry.field(description="Whether it is one workspace's or all of the account's.")
    key: strawberry.Private[tuple[UUID, UUID | None]]

    @strawberry.field(description="The workspace's name; null when it is the account's.")
    async def workspace_name(self, info: Info) -> str | None:
        """Look the workspace up."""
        account_id, workspace_id = self.key
        if workspace_id is None:
            return None
        row = await info.context.loaders.workspaces.load((account_id, workspace_id))
        return row.name if row else None


async def reach_scope(
    info: Info, session: AsyncSession, *, account: str, workspace: str | None
) -> tuple[AccountNow, UUID | None]:
    """Lock an account for a change to one of its workspaces, or to all of it.

    Raises UnknownAccount, UnknownWorkspace.
    """
    account_id, _ = must_reach(info, account, "BillingAccount", UnknownAccount)
    locked = await lock_account(session, account_id=account_id, wall=info.context.wall)
    if workspace is None:
        return locked, None
    owner, workspace_id = must_reach(info, workspace, "Workspace", UnknownWorkspace)
    if owner != account_id:
        raise UnknownWorkspace
    await find_workspace(session, account_id=account_id, workspace_id=workspace_id)
    return locked, workspace_id


def scope_of(workspace_id: UUID | None) -> Scope:
    """Show a scope."""
    return Scope.ACCOUNT if workspace_id is None else Scope.WORKSPACE

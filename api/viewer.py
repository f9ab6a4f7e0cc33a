"""Who calls: a key with its scopes, or a person with a place in some workspaces."""

from __future__ import annotations

import strawberry

from api.accounts import BillingAccount, billing_account
from api.context import Info
from api.enums import CallerKind, Permission
from api.teammates import Teammate, teammate
from api.workspaces import Workspace, workspace


@strawberry.type(description="A person's place in one workspace.")
class Membership:
    """A place in a workspace."""

    workspace: Workspace = strawberry.field(description="The workspace.")
    teammate: Teammate = strawberry.field(
        description="The person there: seat, role and whether the invite is accepted."
    )
    permissions: list[Permission] = strawberry.field(
        description="What the person may do there: by role, under the ceiling of the seat."
    )


@strawberry.type(description="Who calls.")
class Viewer:
    """The caller."""

    kind: CallerKind = strawberry.field(description="Whether a key calls or a person.")
    name: str = strawberry.field(description="The name of the key or the person.")
    is_operator: bool = strawberry.field(description="Whether it is a key that opens every account.")

    @strawberry.field(
        description="The account the key belongs to, or the one that all of the person's workspaces belong to; else null."
    )
    async def account(self, info: Info) -> BillingAccount | None:
        """Load the caller's account."""
        reachable = info.context.caller.reachable or ()
        account_id = next(iter(reachable)) if len(reachable) == 1 else None
        found = await info.context.loaders.accounts.load(account_id) if account_id else None
        return billing_account(found) if found else None

    @strawberry.field(description="The scopes of the key; of a person see `memberships`.")
    def permissions(self, info: Info) -> list[Permission]:
        """Show the scopes."""
        return sorted(info.context.caller.scopes)

    @strawberry.field(description="The workspaces a person is in, first joined first; none of a key.")
    async def memberships(self, info: Info) -> list[Membership]:
        """Load the person's places."""
        return await _memberships(info)


def viewer(info: Info) -> Viewer:
    """Show the caller."""
    caller = info.context.caller
    return Viewer(kind=caller.kind, name=caller.name, is_operator=caller.is_operator)


async def _memberships(info: Info) -> list[Membership]:
    """Show where the person who calls is a teammate."""
    loaders, places = info.context.loaders, info.context.caller.memberships
    workspaces = await loaders.workspaces.load_many([(each.account_id, each.workspace_id) for each in places])
    teammates = await loaders.teammates.load_many([(each.account_id, each.teammate_id) for each in places])
    return [
        Membership(workspace=workspace(where), teammate=teammate(who), permissions=sorted(place.permissions))
        for place, where, who in zip(places, workspaces, teammates, strict=True)
        if where and who
    ]

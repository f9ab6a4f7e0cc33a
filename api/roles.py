"""Roles of teammates (section 1): what each may do, and giving another one."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.enums import Permission, Role
from api.nodes import must_reach
from api.results import mutation
from api.teammates import Teammate, teammate
from domain.permissions import ROLES, LastBillingAdmin, RoleBeyondYours
from services import seats
from services.accounts import lock_account
from services.seats import NotActive, UnknownTeammate


@strawberry.type(
    description="A role and what it may do. A lite seat may do of it what `seatAbilities` opens to it."
)
class RolePermissions:
    """A role."""

    role: Role = strawberry.field(description="The role.")
    permissions: list[Permission] = strawberry.field(description="What it may do in the workspace.")


@strawberry.input(description="A teammate and another role.")
class RoleSetInput:
    """Input of roleSet."""

    teammate_id: strawberry.ID = strawberry.field(description="The teammate, active or invited.")
    role: Role = strawberry.field(description="The role; one that whoever gives it holds all of.")


@strawberry.type(description="The teammate with another role.")
class RoleSetPayload:
    """Payload of roleSet."""

    teammate: Teammate = strawberry.field(description="The teammate.")


def all_roles() -> list[RolePermissions]:
    """Show every role."""
    return [RolePermissions(role=role, permissions=sorted(ROLES[role])) for role in Role]


@mutation(
    payload=RoleSetPayload,
    refusals=(UnknownTeammate, NotActive, RoleBeyondYours, LastBillingAdmin),
    description="Give a teammate another role. Nobody gives or takes a role that may do more than they, and a workspace "
    "keeps somebody who manages its billing.",
)
async def role_set(info: Info, input: RoleSetInput) -> RoleSetPayload:
    """Give a role."""
    ctx = info.context
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    session = await ctx.begin()
    account = await lock_account(session, account_id=account_id, wall=ctx.wall, unknown=UnknownTeammate)
    row = await seats.give_role(session, account, teammate_id=teammate_id, role=input.role, by=ctx.caller)
    return RoleSetPayload(teammate=teammate(row))

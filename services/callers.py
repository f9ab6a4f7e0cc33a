"""Who speaks, and what they may do where: a key by its scopes, a person by roles and seats (section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import workspaces as queries
from adapters.scopes import EVERYONE, Scope
from domain.permissions import OF_OPERATORS, Permission, Role, permissions_of


class CallerKind(StrEnum):
    """What speaks."""

    KEY = "KEY"
    USER = "USER"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's place in one workspace; `permissions` is empty while the invite is not accepted."""

    account_id: UUID
    workspace_id: UUID
    teammate_id: UUID
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who speaks. `id` is unique among callers and safe to show: a key's public id, or a person's address.

    A key has `scopes`, in one account or, if `account_id` is None, in all of them. A person has `memberships`.
    """

    kind: CallerKind
    id: str
    name: str = ""
    account_id: UUID | None = None
    scopes: frozenset[Permission] = frozenset()
    memberships: tuple[Membership, ...] = ()

    @property
    def is_operator(self) -> bool:
        """Operators open accounts and reach all of them."""
        return self.kind is CallerKind.KEY and self.account_id is None

    @property
    def reachable(self) -> frozenset[UUID] | None:
        """The accounts the caller reaches; None for all of them."""
        if self.kind is CallerKind.USER:
            return frozenset(each.account_id for each in self.memberships)
        return None if self.account_id is None else frozenset({self.account_id})

    @property
    def scope(self) -> Scope:
        """The accounts whose rows PostgreSQL shows the caller."""
        reachable = self.reachable
        return EVERYONE if reachable is None else Scope(reachable)

    def may_reach(self, account_id: UUID) -> bool:
        """Tell whether the caller may know of the account."""
        reachable = self.reachable
        return reachable is None or account_id in reachable

    def held(self, account_id: UUID, workspace_id: UUID | None = None) -> frozenset[Permission]:
        """Give what the caller may do in a workspace; without one, in the account: by any of its workspaces."""
        if not self.may_reach(account_id):
            return frozenset()
        if self.kind is not CallerKind.USER:
            return self.scopes
        return frozenset[Permission]().union(
            *(
                each.permissions
                for each in self.memberships
                if each.account_id == account_id and workspace_id in {None, each.workspace_id}
            )
        )

    def holds_everywhere(self, permission: Permission) -> bool:
        """Tell whether the caller may do what only the seller's own services may."""
        return self.is_operator and permission in OF_OPERATORS and permission in self.scopes


async def caller_of_person(session: AsyncSession, *, email: str, name: str) -> Caller:
    """Say who a person is by a verified email address: every workspace they are in, as of this moment."""
    rows = await queries.memberships(session, email=email)
    memberships = tuple(
        Membership(
            row.account_id,
            row.workspace_id,
            row.id,
            permissions_of(Role(row.role), is_lite=row.seat == "LITE")
            if row.status == "ACTIVE"
            else frozenset(),
        )
        for row in rows
    )
    return Caller(kind=CallerKind.USER, id=email.lower(), name=name, memberships=memberships)


def caller_for_webhooks(account_id: UUID) -> Caller:
    """Say who writes the webhooks of an account: nobody but us, and with sight of its bills and usage only."""
    seen = frozenset({Permission.BILLING_VIEW, Permission.USAGE_VIEW, Permission.WEBHOOKS_MANAGE})
    return Caller(kind=CallerKind.SYSTEM, id="webhooks", account_id=account_id, scopes=seen)

"""Who may do what: roles and scopes, under the ceiling of a lite seat (sections 1 and 4); the matrix, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Ability:
    """Something a teammate can do; a full seat may do all of them."""

    name: str
    group: str
    is_open_to_lite: bool


def _abilities(group: str, *names: str, lite: bool) -> tuple[Ability, ...]:
    return tuple(Ability(name, group, lite) for name in names)


ABILITIES: tuple[Ability, ...] = (
    *_abilities(
        "Conversations",
        "See own @mentions",
        "View conversations by link",
        "Add notes",
        "@mention teammates",
        "Add emoji, attachments and images",
        "Tag a message",
        lite=True,
    ),
    *_abilities(
        "Conversations",
        "Be assigned",
        "Create conversations",
        "Reply",
        "Start outbound",
        "Snooze",
        "Close",
        "Manage participants",
        "Use macros",
        "Create, edit and remove tags",
        "Use CMD+K workflows",
        lite=False,
    ),
    *_abilities(
        "Tickets",
        "Convert to a ticket",
        "Share a ticket",
        "Edit a ticket",
        "Change a ticket's status",
        lite=False,
    ),
    *_abilities(
        "Settings",
        "General and security settings",
        "Teammates and permissions",
        "Messenger",
        "Billing",
        "Proactive Support Plus settings",
        "Workspace data",
        "Developer hub",
        "Apps",
        lite=True,
    ),
    *_abilities("Settings", "Edit the default sender address", "Manage saved article views", lite=False),
    *_abilities(
        "Reports", "Access reports", "Share reports", "Export reports", "View custom reports", lite=True
    ),
    *_abilities("Reports", "Create, edit and delete custom reports", lite=False),
)


class Permission(StrEnum):
    """What somebody may be allowed: of a teammate by role, of an API key by its scopes."""

    BILLING_VIEW = "billing.view"
    BILLING_MANAGE = "billing.manage"
    SEATS_MANAGE = "seats.manage"
    USAGE_VIEW = "usage.view"
    USAGE_RECORD = "usage.record"
    ALERTS_MANAGE = "alerts.manage"
    LIMITS_MANAGE = "limits.manage"
    WEBHOOKS_MANAGE = "webhooks.manage"
    AUDIT_VIEW = "audit.view"
    ACCOUNT_MANAGER = "account-manager"
    STAFF = "staff"


OF_OPERATORS: Final = frozenset({Permission.ACCOUNT_MANAGER, Permission.STAFF})
"""Held by services of the seller only: they reach every account."""
OF_ACCOUNTS: Final = frozenset(Permission) - OF_OPERATORS
"""What a key of one account may be given."""


class Role(StrEnum):
    """What a teammate does in a workspace."""

    ADMIN = "ADMIN"
    BILLING = "BILLING"
    PEOPLE = "PEOPLE"
    DEVELOPER = "DEVELOPER"
    AUDITOR = "AUDITOR"
    MEMBER = "MEMBER"


_SEEN = frozenset({Permission.BILLING_VIEW, Permission.USAGE_VIEW})

# Usage is metered by services, not by people.
ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.ADMIN: OF_ACCOUNTS - {Permission.USAGE_RECORD},
    Role.BILLING: _SEEN | {Permission.BILLING_MANAGE, Permission.ALERTS_MANAGE, Permission.LIMITS_MANAGE},
    Role.PEOPLE: frozenset({Permission.SEATS_MANAGE, Permission.USAGE_VIEW}),
    Role.DEVELOPER: _SEEN | {Permission.WEBHOOKS_MANAGE},
    Role.AUDITOR: _SEEN | {Permission.AUDIT_VIEW},
    Role.MEMBER: frozenset(),
}

# What a seat must be open to for its holder to use a permission, whatever the role.
CEILING: Final[Mapping[Permission, str]] = {
    Permission.BILLING_VIEW: "Billing",
    Permission.BILLING_MANAGE: "Billing",
    Permission.SEATS_MANAGE: "Teammates and permissions",
    Permission.USAGE_VIEW: "Billing",
    Permission.ALERTS_MANAGE: "Billing",
    Permission.LIMITS_MANAGE: "Billing",
    Permission.WEBHOOKS_MANAGE: "Developer hub",
    Permission.AUDIT_VIEW: "General and security settings",
}


@dataclass(eq=False)
class RoleBeyondYours(Refusal):
    """Nobody gives or takes what they do not hold."""

    template = "{role} may do what you may not here: {missing}. Have somebody who may all of it do this."
    role: str
    missing: str


@dataclass(eq=False)
class LastBillingAdmin(Refusal):
    """A workspace keeps somebody who manages its billing."""

    template = (
        "{teammate} is the last who manages billing in this workspace; give another teammate the role first."
    )
    teammate: str


def permissions_of(
    role: Role, *, is_lite: bool, abilities: Sequence[Ability] = ABILITIES
) -> frozenset[Permission]:
    """Give what a teammate may do: what the role grants, under the ceiling of the seat (section 4)."""
    if not is_lite:
        return ROLES[role]
    open_to_lite = {ability.name for ability in abilities if ability.is_open_to_lite}
    return frozenset(each for each in ROLES[role] if CEILING[each] in open_to_lite)


def check_grant(role: Role, *, held: frozenset[Permission]) -> None:
    """Refuse to give or take a role for whoever asks without holding all of it; raises RoleBeyondYours."""
    missing = ROLES[role] - held
    if missing:
        raise RoleBeyondYours(role.value, ", ".join(sorted(missing)))


def manages_billing(role: Role, *, is_lite: bool) -> bool:
    """Tell whether a teammate counts as a billing admin."""
    return Permission.BILLING_MANAGE in permissions_of(role, is_lite=is_lite)

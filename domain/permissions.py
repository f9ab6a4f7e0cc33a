"""What a lite seat may do, whatever the role says (section 4): the matrix, as data."""

from __future__ import annotations

from dataclasses import dataclass


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

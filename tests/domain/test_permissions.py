"""The matrix of a lite seat is the rule book's, line by line."""

from __future__ import annotations

import pytest

from domain.permissions import ABILITIES

LITE_CAN = [
    "See own @mentions",
    "View conversations by link",
    "Add notes",
    "@mention teammates",
    "Add emoji, attachments and images",
    "Tag a message",
    "General and security settings",
    "Teammates and permissions",
    "Messenger",
    "Billing",
    "Proactive Support Plus settings",
    "Workspace data",
    "Developer hub",
    "Apps",
    "Access reports",
    "Share reports",
    "Export reports",
    "View custom reports",
]
LITE_CANNOT = [
    "Be assigned",
    "Create conversations",
    "Reply",
    "Start outbound",
    "Snooze",
    "Close",
    "Manage participants",
    "Convert to a ticket",
    "Share a ticket",
    "Edit a ticket",
    "Change a ticket's status",
    "Use macros",
    "Create, edit and remove tags",
    "Use CMD+K workflows",
    "Edit the default sender address",
    "Manage saved article views",
    "Create, edit and delete custom reports",
]


@pytest.mark.parametrize("name", LITE_CAN)
def test_a_lite_seat_can(name: str) -> None:
    assert [ability.is_open_to_lite for ability in ABILITIES if ability.name == name] == [True]


@pytest.mark.parametrize("name", LITE_CANNOT)
def test_a_lite_seat_cannot(name: str) -> None:
    assert [ability.is_open_to_lite for ability in ABILITIES if ability.name == name] == [False]


def test_the_matrix_has_no_more_than_the_rule_book() -> None:
    assert sorted(ability.name for ability in ABILITIES) == sorted(LITE_CAN + LITE_CANNOT)
    assert {ability.group for ability in ABILITIES} == {"Conversations", "Tickets", "Settings", "Reports"}

"""The words a story is told in: what a company can do, one small value for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Seat = Literal["FULL", "LITE"]
Role = Literal["ADMIN", "BILLING", "PEOPLE", "DEVELOPER", "AUDITOR", "MEMBER"]
Plan = Literal["ESSENTIAL", "ADVANCED", "EXPERT"]
Door = Literal["GraphQL", "POST /usage"]


@dataclass(frozen=True, slots=True)
class OpenWorkspace:
    """Someone opens a workspace and holds its first full seat."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """A workspace's billing contacts, all of them."""

    workspace: str
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invite:
    """People are offered a seat; free until accepted."""

    workspace: str
    people: tuple[str, ...]
    seat: Seat = "FULL"
    role: Role = "MEMBER"


@dataclass(frozen=True, slots=True)
class Accept:
    """Invited people take their seats."""

    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Someone changes to another seat."""

    person: str
    seat: Seat


@dataclass(frozen=True, slots=True)
class Leave:
    """Someone's seat ends."""

    person: str


@dataclass(frozen=True, slots=True)
class Start:
    """The monthly subscription starts."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Another plan from today."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class AddPsp:
    """Proactive Support Plus from today."""


@dataclass(frozen=True, slots=True)
class RemovePsp:
    """No Proactive Support Plus from the next period on."""


@dataclass(frozen=True, slots=True)
class Card:
    """A payment method; README.md lists the sandbox's tokens."""

    token: str


@dataclass(frozen=True, slots=True)
class Use:
    """A number of usage events of each metric, dated at random from `since` to `until` (now unless told).

    Event ids are made of `since`, the metric and a number, so two uses of a workspace differ in `since` or metrics.
    """

    workspace: str
    since: str
    events: Mapping[str, int]
    until: str | None = None
    door: Door = "POST /usage"
    is_sent_twice: bool = False


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A usage event is undone."""

    workspace: str
    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""


Action = (
    OpenWorkspace
    | Contacts
    | Invite
    | Accept
    | Switch
    | Leave
    | Start
    | ChangePlan
    | AddPsp
    | RemovePsp
    | Card
    | Use
    | TakeBack
    | Wait
)

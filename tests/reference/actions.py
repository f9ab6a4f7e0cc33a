"""What can happen to an account, told as a story of dated actions.

A story is one account from before its subscription (or trial) starts. Actions at one
and the same moment happen in the order in which the story tells them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from .term_actions import TermAction


@dataclass(frozen=True, slots=True)
class Start:
    """The paid subscription starts at this moment, without a trial."""

    at: datetime
    plan: str
    psp: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of 14 days starts."""

    at: datetime
    plan: str


@dataclass(frozen=True, slots=True)
class Convert:
    """During a trial: what to pay for when it ends. The last one counts."""

    at: datetime
    plan: str
    psp: bool


@dataclass(frozen=True, slots=True)
class Accept:
    """A teammate accepts an invite to a seat, `FULL` or `LITE`."""

    at: datetime
    teammate: str
    seat: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A teammate changes to the other type of seat."""

    at: datetime
    teammate: str
    seat: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A teammate is removed."""

    at: datetime
    teammate: str


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The plan changes, on this date. `invoice_now` is for an upgrade paid yearly."""

    at: datetime
    plan: str
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class AddPsp:
    """Proactive Support Plus is added, or its removal cancelled. `invoice_now`: yearly only."""

    at: datetime
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class RemovePsp:
    """Proactive Support Plus is removed: it stays until the month's end (pay monthly only)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """A usage event: true at one moment, recorded then or later.

    `quantity` is in seconds for a call (`PHONE_MINUTE`), else in units.
    """

    at: datetime
    recorded_at: datetime
    event_id: str
    metric: str
    quantity: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A usage event is undone: known from this moment, true from the original's day."""

    at: datetime
    event_id: str


SeatAction: TypeAlias = Accept | Switch | Remove
MonthlyAction: TypeAlias = (
    Start | Trial | Convert | SeatAction | ChangePlan | AddPsp | RemovePsp | Use | TakeBack
)
Action: TypeAlias = MonthlyAction | TermAction


@dataclass(frozen=True, slots=True)
class Story:
    """All that happens to one account, in its billing time zone (an IANA name).

    It holds what was accepted: seats are switched and removed only while they are held,
    nothing is used before the start or the trial, an event id is recorded once.
    `next_book_on` is the date from which the second price book is the current one.
    """

    zone: str
    actions: tuple[Action, ...]
    next_book_on: date | None = None


def date_of(moment: datetime, *, zone: str) -> date:
    """Local date of a moment. Midnight itself belongs to the day that opens."""
    return moment.astimezone(ZoneInfo(zone)).date()


def recorded_at(action: Action) -> datetime:
    """Moment from which the action is known."""
    return action.recorded_at if isinstance(action, Use) else action.at


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Actions as they become known; those of one moment as they were told."""
    return sorted(actions, key=recorded_at)


def describe(story: Story) -> str:
    """Tell the story for people: local moments, one action a line, as they are known."""
    zone = ZoneInfo(story.zone)
    lines = [f"zone {story.zone}"]
    if story.next_book_on is not None:
        lines.append(f"second price book current from {story.next_book_on}")
    for action in in_order(story.actions):
        known = recorded_at(action).astimezone(zone).replace(tzinfo=None)
        facts = [
            f"{name}={getattr(action, name)}"
            for name in type(action).__slots__
            if name not in {"at", "recorded_at"}
        ]
        if isinstance(action, Use) and action.recorded_at != action.at:
            dated = action.at.astimezone(zone).replace(tzinfo=None)
            facts.append(f"dated {dated}")
        lines.append(" ".join([f"{known}", type(action).__name__, *facts]))
    return "\n".join(lines)

"""When the paid subscription begins, its periods, and its plan and add-on by the day.

Everything is by local date. "Before a day opens" is "dated before that day": a change
at 00:00 sharp is a change of the day, so it is never part of its opening state.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .actions import (
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    RemovePsp,
    Start,
    Story,
    TakeBack,
    Trial,
    Use,
    date_of,
)

TRIAL_DAYS = 14


@dataclass(frozen=True, slots=True)
class Paid:
    """The paid subscription: its first day, what was chosen, and what came when.

    `before` are the actions of seats, plan and add-on until the start; `after` the rest,
    each with its local date. On the first day both may hold actions of that date.
    """

    starts_on: date
    plan: str
    has_psp: bool
    before: tuple[tuple[date, Action], ...]
    after: tuple[tuple[date, Action], ...]


def paid_subscription(story: Story) -> Paid | None:
    """Find the paid subscription, or None when a trial ends without converting.

    Without a trial it starts at the moment of `Start`: what happened earlier that day
    (or at that very moment, if told before it) is its opening state. After a trial it
    starts as the 14th day after the trial's local date opens (section 10), so that its
    opening state is that of the day before.
    """
    dated = [
        (date_of(action.at, zone=story.zone), action)
        for action in sorted(story.actions, key=lambda action: action.at)
        if not isinstance(action, Use | TakeBack)
    ]
    for position, (day, action) in enumerate(dated):
        if isinstance(action, Start):
            return Paid(
                starts_on=day,
                plan=action.plan,
                has_psp=action.psp,
                before=tuple(dated[:position]),
                after=tuple(dated[position + 1 :]),
            )
        if isinstance(action, Trial):
            ends_on = day + timedelta(days=TRIAL_DAYS)
            return _converted(dated, ends_on=ends_on)
    message = "a story has a Start or a Trial"
    raise ValueError(message)


def period_start(anchor: date, number: int) -> date:
    """First day of the period of this number (from 0), clamped to its month's end."""
    months = anchor.year * 12 + anchor.month - 1 + number
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))


def plan_before(paid: Paid, day: date) -> str:
    """Plan as a day opens; on the first day, the plan chosen."""
    plan = paid.plan
    for dated_on, action in paid.after:
        if dated_on < day and isinstance(action, ChangePlan):
            plan = action.plan
    return plan


def plan_of_day(paid: Paid, day: date) -> str:
    """Plan a day is billed at: the last one of the day."""
    return plan_before(paid, day + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class PspPeriod:
    """The add-on in one period: billed ahead as it opened, and the days it was added."""

    is_ahead: bool
    added_on: tuple[date, ...]


def psp_of_period(paid: Paid, number: int) -> PspPeriod:
    """Follow the add-on from the start to the end of a period (section 6).

    Removing it only marks it as leaving, with access to the period's end. Adding it
    while it leaves takes the mark away. Adding it without access is a new addition on
    that date, also on the first day of a period after it opened.
    """
    has_access, is_leaving = paid.has_psp, False
    is_ahead = False
    added_on: list[date] = []
    for index in range(number + 1):
        start, end = period_start(paid.starts_on, index), period_start(paid.starts_on, index + 1)
        if is_leaving:
            has_access, is_leaving = False, False
        is_ahead, added_on = has_access, []
        for dated_on, action in paid.after:
            if not start <= dated_on < end:
                continue
            if isinstance(action, AddPsp):
                if not has_access:
                    added_on.append(dated_on)
                has_access, is_leaving = True, False
            if isinstance(action, RemovePsp):
                is_leaving = has_access
    return PspPeriod(is_ahead=is_ahead, added_on=tuple(added_on))


def _converted(dated: Sequence[tuple[date, Action]], *, ends_on: date) -> Paid | None:
    before = tuple((day, action) for day, action in dated if day < ends_on)
    after = tuple((day, action) for day, action in dated if day >= ends_on)
    chosen = [action for _, action in before if isinstance(action, Convert)]
    if not chosen:
        return None
    return Paid(
        starts_on=ends_on,
        plan=chosen[-1].plan,
        has_psp=chosen[-1].psp,
        before=before,
        after=after,
    )

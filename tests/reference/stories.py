"""Random but valid stories, crowded where bills go wrong.

Moments gather at local midnight, give or take a microsecond, on the first and last day
of periods and on a few days on which much happens. One builder serves both a seed and
a hypothesis strategy: it only ever asks for a whole number between two bounds.

Every action is one the rules accept: seats of active teammates only, lite seats within
the plan's number, the add-on removed only while it stays, messages only with access to
it, usage recorded at most 35 days late, and each event taken back at most once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from .actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    RemovePsp,
    Start,
    Story,
    Switch,
    TakeBack,
    Trial,
    Use,
    date_of,
)
from .choices import (
    LATENESS,
    TEAMMATES,
    TICK,
    Choose,
    moment,
    opening,
    pick,
    quantity,
)
from .prices import LITE_SEATS, METRICS
from .subscription import TRIAL_DAYS, period_start

ZONES = ("UTC", "America/New_York", "Europe/Warsaw", "Pacific/Auckland", "Asia/Kolkata")
PLANS = tuple(LITE_SEATS)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Stories for property tests; they shrink to fewer and plainer actions."""
    return _build(lambda low, high: draw(st.integers(low, high)))


def random_story(seed: int) -> Story:
    """Tell the story of a seed, the same one every time."""
    return _build(random.Random(seed).randint)


@dataclass(slots=True)
class _World:
    """What is true as the story goes, so that the next action can be a valid one."""

    zone: str
    plan: str
    lite_seats: int
    paid_on: date
    has_psp: bool = False
    psp_ends_on: date | None = None
    seats: dict[str, str] = field(default_factory=dict)
    access: list[tuple[datetime, bool]] = field(default_factory=list)


def _build(choose: Choose) -> Story:
    zone = pick(choose, ZONES)
    first_day = _first_day(choose)
    has_trial = choose(0, 3) == 3
    paid_on = first_day + timedelta(days=TRIAL_DAYS) if has_trial else first_day
    ends_on = period_start(paid_on, choose(1, 8))
    days = _days(choose, paid_on=paid_on, ends_on=ends_on)
    begins_at = moment(choose, zone, first_day)
    plan, psp = pick(choose, PLANS), choose(0, 1) == 1
    later_plan = pick(choose, PLANS) if has_trial else plan
    lite_seats = min(LITE_SEATS[plan], LITE_SEATS[later_plan])
    world = _World(zone=zone, plan=plan, lite_seats=lite_seats, paid_on=paid_on)

    actions: list[Action] = []
    used = {begins_at}
    for at in _moments(choose, zone, [first_day, first_day - timedelta(days=1)], count=(0, 8)):
        if at < begins_at and at not in used:
            used.add(at)
            actions.append(_seat_action(choose, world, at))
    if has_trial:
        actions.append(Trial(begins_at, plan))
        trial_days = [first_day + timedelta(days=choose(0, 13)), paid_on - timedelta(days=1)]
        moments = _moments(choose, zone, trial_days, count=(0, 4))
        moments = [at for at in moments if at not in used and at > begins_at]
        actions += [_seat_action(choose, world, at) for at in moments]
        used.update(moments)
        converts_at = begins_at + TICK
        while converts_at in used:
            converts_at += TICK
        # The last moment of the first day is followed by the next day: still a trial.
        actions.append(Convert(converts_at, later_plan, psp))
        world.access.append((begins_at, True))
        _pay(world, opening(zone, paid_on), plan=later_plan, psp=psp)
    else:
        actions.append(Start(begins_at, plan, psp))
        _pay(world, begins_at, plan=plan, psp=psp)
    paid_at = world.access[-1][0]
    for at in _moments(choose, zone, days, count=(0, 24)):
        if at not in used and (at >= paid_at if has_trial else at > paid_at):
            actions.append(_paid_action(choose, world, at))
    _forget_psp(world, ends_on)

    usage_days = days + [first_day + timedelta(days=choose(0, TRIAL_DAYS))] * 3
    usage = _usage(choose, world, usage_days, after=begins_at, before=opening(zone, ends_on))
    actions += usage
    actions += _take_backs(choose, world, usage)
    return Story(zone=zone, actions=tuple(sorted(actions, key=lambda action: action.at)))


def _first_day(choose: Choose) -> date:
    month = period_start(date(2026, 1, 1), choose(0, 26))
    length = (period_start(month, 1) - month).days
    day = (1, 15, 28, 29, 30, 31, choose(1, 31))[choose(0, 6)]
    return month.replace(day=min(day, length))


def _days(choose: Choose, *, paid_on: date, ends_on: date) -> list[date]:
    """Days to choose from: edges of periods, two crowded days, a few others."""
    last = (ends_on - paid_on).days - 1
    edges: list[date] = [paid_on, paid_on + timedelta(days=1)]
    number = 1
    while period_start(paid_on, number) < ends_on:
        edge = period_start(paid_on, number)
        edges += [edge, edge - timedelta(days=1), edge + timedelta(days=1)]
        number += 1
    edges.append(ends_on - timedelta(days=1))
    crowded = [paid_on + timedelta(days=choose(0, last)) for _ in range(2)]
    others = [paid_on + timedelta(days=choose(0, last)) for _ in range(6)]
    return edges + crowded * (len(edges) // 4 + 1) + others


def _moments(choose: Choose, zone: str, days: Sequence[date], *, count: tuple[int, int]) -> list[datetime]:
    """Distinct moments on some of these days, in order."""
    some = {moment(choose, zone, pick(choose, days)) for _ in range(choose(*count))}
    return sorted(some)


def _seat_action(choose: Choose, world: _World, at: datetime) -> Action:
    away = [teammate for teammate in TEAMMATES if teammate not in world.seats]
    active = sorted(world.seats)
    has_lite_room = list(world.seats.values()).count("LITE") < world.lite_seats
    kind = choose(0, 5)
    if active and (kind == 0 or not away):
        teammate = pick(choose, active)
        del world.seats[teammate]
        return Remove(at, teammate)
    if active and kind == 1:
        teammate = pick(choose, active)
        if world.seats[teammate] == "LITE" or has_lite_room:
            seat = "FULL" if world.seats[teammate] == "LITE" else "LITE"
            world.seats[teammate] = seat
            return Switch(at, teammate, seat)
    if not away:
        teammate = active[-1]
        del world.seats[teammate]
        return Remove(at, teammate)
    # Mostly the first one away, so that people who left come back, also on the same day.
    teammate = away[0] if kind < 4 else pick(choose, away)
    seat = "LITE" if has_lite_room and choose(0, 3) == 3 else "FULL"
    world.seats[teammate] = seat
    return Accept(at, teammate, seat)


def _paid_action(choose: Choose, world: _World, at: datetime) -> Action:
    _forget_psp(world, date_of(at, zone=world.zone))
    kind = choose(0, 9)
    if kind in {7, 8}:
        if world.has_psp and world.psp_ends_on is None:
            world.psp_ends_on = _next_period(world, date_of(at, zone=world.zone))
            return RemovePsp(at)
        if not world.has_psp:
            world.access.append((at, True))
        world.has_psp, world.psp_ends_on = True, None
        return AddPsp(at)
    if kind == 9:
        lite = list(world.seats.values()).count("LITE")
        fit = [plan for plan in PLANS if plan != world.plan and LITE_SEATS[plan] >= lite]
        if fit:
            world.plan = pick(choose, fit)
            world.lite_seats = LITE_SEATS[world.plan]
            return ChangePlan(at, world.plan)
    return _seat_action(choose, world, at)


def _pay(world: _World, at: datetime, *, plan: str, psp: bool) -> None:
    world.plan, world.lite_seats, world.has_psp = plan, LITE_SEATS[plan], psp
    world.access.append((at, psp))


def _forget_psp(world: _World, day: date) -> None:
    """End the access of a removed add-on once its period is over."""
    if world.psp_ends_on is not None and world.psp_ends_on <= day:
        world.access.append((opening(world.zone, world.psp_ends_on), False))
        world.has_psp, world.psp_ends_on = False, None


def _next_period(world: _World, day: date) -> date:
    number = 0
    while period_start(world.paid_on, number) <= day:
        number += 1
    return period_start(world.paid_on, number)


def _usage(
    choose: Choose, world: _World, days: Sequence[date], *, after: datetime, before: datetime
) -> list[Use]:
    events: list[Use] = []
    for number in range(choose(0, 14)):
        at = moment(choose, world.zone, pick(choose, days))
        if not after < at < before:
            continue
        metric = pick(choose, METRICS)
        if metric == "MESSAGES_SENT" and not _has_access(world, at):
            metric = "BULK_EMAIL"
        known_at = at + _delay(choose, world, at, longest=LATENESS)
        events.append(Use(at, known_at, f"event-{number}", metric, quantity(choose, metric)))
    return events


def _has_access(world: _World, at: datetime) -> bool:
    """Tell whether messages are accepted; at the very moment of a change they are not."""
    has_access = False
    for since, access in world.access:
        if since < at:
            has_access = access
        if since == at:
            has_access = has_access and access
    return has_access


def _delay(choose: Choose, world: _World, at: datetime, *, longest: timedelta) -> timedelta:
    """Time until something is known: often none, often around the next period's opening."""
    kind = choose(0, 5)
    opens_at = opening(world.zone, _next_period(world, date_of(at, zone=world.zone)))
    around = opens_at + TICK * (choose(0, 2) - 1) - at
    if kind in {1, 2} and timedelta(0) <= around <= longest:
        return around
    if kind == 3:
        return longest
    if kind in {4, 5}:
        return timedelta(minutes=choose(0, longest // timedelta(minutes=1)))
    return timedelta(0)


def _take_backs(choose: Choose, world: _World, usage: Sequence[Use]) -> list[TakeBack]:
    """Take some events back, each after it is recorded, at any age."""
    taken_back: list[TakeBack] = []
    for event in usage:
        if choose(0, 4) == 4:
            delay = _delay(choose, world, event.recorded_at, longest=timedelta(days=70))
            taken_back.append(TakeBack(event.recorded_at + TICK + delay, event.event_id))
    return taken_back

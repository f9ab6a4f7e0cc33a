"""Tells a reference story in the product's own facts."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from domain.billing import conversion
from domain.events import units
from domain.facts import (
    ConversionChosen,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    Started,
    TrialStarted,
    conversion_chosen,
)
from domain.pricebook import Metric, Plan
from domain.seats import SeatChange, SeatType
from tests.domain.builders import BOOK, Entry, Recordable, Units, history
from tests.reference.actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    RemovePsp,
    SeatAction,
    Start,
    Story,
    Switch,
    TakeBack,
    Trial,
    Use,
    date_of,
    in_order,
    recorded_at,
)


def entries_of(story: Story) -> list[Entry]:
    """Record the actions of a story in the order in which they become known."""
    events = {action.event_id: action for action in story.actions if isinstance(action, Use)}
    entries = []
    for order, action in enumerate(in_order(story.actions), start=1):
        what = _retell(action, events, zone=story.zone)
        placed = what if isinstance(what, Units) else replace(what, order=order)
        entries.append(Entry((recorded_at(action), order), placed))
    return [*entries, *_conversion(entries, ZoneInfo(story.zone))]


def _retell(action: Action, events: dict[str, Use], *, zone: str) -> Recordable:
    match action:
        case Accept() | Switch() | Remove():
            return seat_change(action)
        case Use():
            return units_of(action, zone=zone, sign=1)
        case TakeBack(_, event_id):
            return units_of(events[event_id], zone=zone, sign=-1)
        case _:
            return _fact(action)


def seat_change(action: SeatAction) -> SeatChange:
    seat = None if isinstance(action, Remove) else SeatType(action.seat)
    return SeatChange(action.teammate, seat, action.at)


def _fact(action: Action) -> Fact:
    fact: Fact
    match action:
        case Start(at, plan, psp):
            fact = Started(at, Plan(plan), psp, BOOK.version)
        case Trial(at, plan):
            fact = TrialStarted(at, Plan(plan), BOOK.version)
        case Convert(at, plan, psp):
            fact = ConversionChosen(at, Plan(plan), psp)
        case ChangePlan(at, plan):
            fact = PlanChanged(at, Plan(plan))
        case AddPsp(at):
            fact = PspAdded(at)
        case RemovePsp(at):
            fact = PspRemoved(at)
        case _:
            raise ValueError(action)
    return fact


def units_of(event: Use, *, zone: str, sign: int) -> Units:
    metric = Metric(event.metric)
    return Units(metric, date_of(event.at, zone=zone), sign * units(metric, event.quantity))


def _conversion(entries: list[Entry], zone: ZoneInfo) -> list[Entry]:
    """A trial with a choice becomes a paid subscription as its last day is over, recorded after all else."""
    told = history(entries, zone=zone)
    chosen = conversion_chosen(told.facts)
    if chosen is None:
        return []
    trial = next(fact for fact in told.facts if isinstance(fact, TrialStarted))
    start = conversion(replace(told, facts=(trial,)), chosen)
    order = len(entries) + 1
    return [Entry((start.at, order), replace(start, order=order))]

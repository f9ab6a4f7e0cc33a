"""Full seats of each day (section 4), counted the slow way: who held one that day?

Three rules meet here. A seat is held from the day it is accepted to the day before it
ends. One that begins and ends on one date (by a removal or a switch) is held for that
day, unless that was over before the subscription started. A teammate counts once a day.
"""

from __future__ import annotations

from datetime import date

from .actions import Accept, Action, Remove, Switch
from .subscription import Paid


def billed_ahead(paid: Paid, day: date) -> int:
    """Full seats as a period opens, at least 1.

    Those of a period's first day count that are held before it opens; on the
    subscription's first day, those held at the moment it starts.
    """
    earlier = [action for dated_on, action in paid.after if dated_on < day]
    seats = _seats_after([action for _, action in paid.before] + earlier)
    return max(1, len(_with_full(seats)))


def billed_quantity(paid: Paid, day: date) -> int:
    """Teammates with a full seat on a day, at least 1."""
    return max(1, len(_at_days_end(paid, day) | _for_this_day_only(paid, day)))


def _at_days_end(paid: Paid, day: date) -> set[str]:
    so_far = [action for dated_on, action in paid.before + paid.after if dated_on <= day]
    return _with_full(_seats_after(so_far))


def _for_this_day_only(paid: Paid, day: date) -> set[str]:
    held: set[str] = set()
    begun_today: set[str] = set()
    seats: dict[str, str] = {}
    for is_after, dated in ((False, paid.before), (True, paid.after)):
        for dated_on, action in dated:
            if dated_on > day:
                continue
            full_before = _with_full(seats)
            seats = _seats_after([action], seats)
            full_now = _with_full(seats)
            if dated_on == day:
                begun_today |= full_now - full_before
                ended = full_before - full_now
                if is_after:
                    held |= ended & begun_today
                begun_today -= ended
    return held


def _seats_after(actions: list[Action], seats: dict[str, str] | None = None) -> dict[str, str]:
    seats = dict(seats or {})
    for action in actions:
        if isinstance(action, Accept | Switch):
            seats[action.teammate] = action.seat
        if isinstance(action, Remove):
            seats.pop(action.teammate, None)
    return seats


def _with_full(seats: dict[str, str]) -> set[str]:
    return {teammate for teammate, seat in seats.items() if seat == "FULL"}

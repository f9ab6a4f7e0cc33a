"""Random but valid stories of years, contracts, the programme, cuts and ends.

The teller lives the account as it goes, so that each action is one the rules accept in
the state it meets. Moments gather around the openings of months and terms. Where the
rule book leaves room (a cut on a date with earlier changes, an add-on on its way out as
it is cut, a second change invoiced at once on a date) the story does not go.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from .account import Account
from .actions import Action, Story, TakeBack, Trial, Use, date_of
from .choices import LATENESS, TICK, Choose, moment, opening, pick, quantity
from .phases import Phase
from .prices import METRICS
from .stories import ZONES
from .subscription import TRIAL_DAYS, period_start
from .term_actions import ExtendTrial, Migrate, StartNow
from .term_choices import (
    Chosen,
    action_in,
    begin_again,
    can_be_cut,
    conversion,
    first_action,
    seat_action,
)

TRIAL_SHARE = 6


@st.composite
def term_stories(draw: st.DrawFn) -> Story:
    """Stories for property tests; they shrink to fewer and plainer actions."""
    return _build(lambda low, high: draw(st.integers(low, high)))


def random_term_story(seed: int) -> Story:
    """Tell the story of a seed, the same one every time."""
    return _build(random.Random(seed).randint)


@dataclass(slots=True)
class _Teller:
    """The story so far: its account, the last day opened, the last moment used."""

    choose: Choose
    zone: str
    account: Account
    day: date
    at: datetime
    ends_on: date
    chosen: Chosen = field(default_factory=Chosen)
    actions: list[Action] = field(default_factory=list)
    # Moments at which subscriptions began; and the day from which nothing late is told.
    began: list[datetime] = field(default_factory=list)
    silent_from: date | None = None

    def open_days(self, through: date) -> None:
        while self.day < through:
            self.day += timedelta(days=1)
            self.account.open_day(self.day)

    def tell(self, action: Action) -> None:
        self.account.apply(action)
        self.actions.append(action)
        self.chosen.note(action, self.day)


def _build(choose: Choose) -> Story:
    zone = pick(choose, ZONES)
    month = period_start(date(2026, 1, 1), choose(0, 26))
    length = (period_start(month, 1) - month).days
    first_day = month.replace(day=min(length, pick(choose, (1, 15, 28, 29, 30, 31, choose(1, 31)))))
    ends_on = period_start(first_day, choose(3, 16))
    next_book_on = None
    if choose(0, 2) > 0:
        next_book_on = first_day + timedelta(days=choose(-5, (ends_on - first_day).days // 3))
    begins_at = moment(choose, zone, first_day)
    teller = _Teller(
        choose=choose,
        zone=zone,
        account=Account(zone=zone, next_book_on=next_book_on),
        day=first_day - timedelta(days=3),
        at=opening(zone, first_day - timedelta(days=2)),
        ends_on=ends_on,
    )
    _before(teller, begins_at)
    if choose(1, TRIAL_SHARE) == 1:
        _trial(teller, begins_at)
    else:
        _begin(teller, begins_at)
    for _ in range(choose(6, 36)):
        if not _step(teller):
            break
    teller.open_days(ends_on)
    usage = _usage(teller)
    actions = [*teller.actions, *usage, *_take_backs(teller, usage)]
    return Story(zone, tuple(sorted(actions, key=lambda action: action.at)), next_book_on)


def _before(teller: _Teller, begins_at: datetime) -> None:
    """Let some teammates accept before anything begins, days before it."""
    first_day = date_of(begins_at, zone=teller.zone)
    for _ in range(teller.choose(0, 7)):
        at = teller.at + timedelta(minutes=teller.choose(1, 200))
        if date_of(at, zone=teller.zone) >= first_day:
            return
        teller.open_days(date_of(at, zone=teller.zone))
        teller.tell(seat_action(teller.choose, teller.account, at, lite_room=0))
        teller.at = at


def _begin(teller: _Teller, at: datetime) -> None:
    day = date_of(at, zone=teller.zone)
    teller.open_days(day)
    teller.tell(first_action(teller.choose, teller.account, at, day))
    teller.at = at
    teller.began.append(at)


def _trial(teller: _Teller, at: datetime) -> None:
    first_day = date_of(at, zone=teller.zone)
    teller.open_days(first_day)
    lite = len(teller.account.seats.lite)
    teller.tell(Trial(at, "ADVANCED"))
    days = TRIAL_DAYS
    if teller.choose(0, 1) == 1:
        _open_noon(teller, first_day + timedelta(days=teller.choose(1, TRIAL_DAYS - 2)))
        teller.tell(ExtendTrial(teller.at))
        days += 7
    _open_noon(teller, teller.day + timedelta(days=1))
    plan, psp = conversion(teller.choose, lite)
    if teller.choose(0, 1) == 1:
        teller.tell(StartNow(teller.at, plan.plan, psp))
        teller.began.append(opening(teller.zone, teller.day + timedelta(days=1)))
        return
    teller.tell(plan.convert(teller.at, psp=psp))
    ends_on = first_day + timedelta(days=days)
    teller.open_days(ends_on)
    teller.at = opening(teller.zone, ends_on)
    teller.began.append(teller.at)


def _open_noon(teller: _Teller, day: date) -> None:
    teller.open_days(day)
    teller.at = opening(teller.zone, day) + timedelta(hours=12)


def _step(teller: _Teller) -> bool:
    """Tell one more action; False when the story is at its end."""
    choose, account = teller.choose, teller.account
    day = _next_day(teller)
    if day >= teller.ends_on:
        return False
    at = moment(choose, teller.zone, day)
    phase = account.phase
    wants_migration = choose(0, 2) == 0 and phase is not None and phase.kind == "MONTHLY"
    if wants_migration and day > teller.day:
        at = opening(teller.zone, day)
    if at <= teller.at:
        at = teller.at + TICK
        day = date_of(at, zone=teller.zone)
        if day >= teller.ends_on:
            return False
    if wants_migration and at == opening(teller.zone, day) and day > teller.day:
        teller.open_days(day - timedelta(days=1))
        if _can_migrate(account, day):
            teller.day = day
            account.open_day(day, migrate_to="NEXT")
            teller.actions.append(Migrate(at, "NEXT"))
            teller.at = at
            teller.chosen.cut_on = day
            return True
    teller.open_days(day)
    if account.phase is None:
        return _after_the_end(teller, at, day)
    if wants_migration and _can_migrate(account, day) and can_be_cut(account, teller.chosen, day):
        teller.tell(Migrate(at, "NEXT"))
    else:
        teller.tell(action_in(choose, account, at, day, chosen=teller.chosen, ends_on=teller.ends_on))
    teller.at = at
    return True


def _next_day(teller: _Teller) -> date:
    choose, today = teller.choose, teller.day
    phase = teller.account.phase
    kind = choose(0, 9)
    if kind <= 1:
        return today
    if kind <= 3 or phase is None:
        return today + timedelta(days=choose(1, 20))
    if kind == 4:
        return today + timedelta(days=choose(20, 120))
    month = phase.month_of(today)
    edge = month.end
    if kind == 9 and phase.kind in {"YEARLY", "CONTRACT"}:
        term = month.number // phase.term_months + 1
        edge = period_start(phase.anchor, term * phase.term_months)
    return max(today, edge + timedelta(days=choose(-1, 1)))


def _can_migrate(account: Account, day: date) -> bool:
    phase = account.phase
    return (
        phase is not None
        and phase.kind == "MONTHLY"
        and phase.book.name == "BASE"
        and not account.is_ending
        and not account.is_psp_leaving
        and account.next_book_on is not None
        and account.next_book_on <= day
    )


def _after_the_end(teller: _Teller, at: datetime, day: date) -> bool:
    """Perhaps come back; then nothing late is told of what has ended."""
    if teller.choose(0, 2) > 0 or teller.silent_from is not None:
        return False
    teller.silent_from = teller.account.phases[-1].ends_on
    teller.tell(begin_again(teller.choose, teller.account, at, day))
    teller.at = at
    teller.began.append(at)
    return True


def _usage(teller: _Teller) -> list[Use]:
    choose = teller.choose
    taken = {action.at for action in teller.actions}
    events: list[Use] = []
    if not teller.account.phases:
        return events
    for number in range(choose(0, 16)):
        phase = pick(choose, teller.account.phases)
        last = (phase.ends_on or teller.ends_on) - timedelta(days=1)
        if last < phase.starts_on:
            continue
        day = _usage_day(choose, phase, last)
        at = moment(choose, teller.zone, day)
        known_at = at + _delay(choose, teller.zone, phase, at)
        if not _may_use(teller, phase, at) or known_at in taken:
            continue
        if teller.silent_from is not None and (
            day < teller.silent_from <= date_of(known_at, zone=teller.zone)
        ):
            continue
        metric = pick(choose, METRICS)
        if metric == "MESSAGES_SENT" and not _has_psp_all_day(phase, day):
            metric = "BULK_EMAIL"
        events.append(Use(at, known_at, f"event-{number}", metric, quantity(choose, metric)))
    return events


def _usage_day(choose: Choose, phase: Phase, last: date) -> date:
    edges = [start + timedelta(days=step) for start in phase.opened for step in (-1, 0, 1)]
    length = (last - phase.starts_on).days
    others = [phase.starts_on + timedelta(days=choose(0, length)) for _ in range(1 + len(edges) // 2)]
    days = [last, phase.starts_on, *edges, *others]
    return min(last, max(phase.starts_on, pick(choose, days)))


def _may_use(teller: _Teller, phase: Phase, at: datetime) -> bool:
    """Nothing is used before its subscription's first moment."""
    first = min(each.starts_on for each in teller.account.phases if each.subscription == phase.subscription)
    return any(
        began < at
        for began in teller.began
        if first <= date_of(began, zone=teller.zone) <= first + timedelta(days=1)
    )


def _has_psp_all_day(phase: Phase, day: date) -> bool:
    """Tell whether messages are accepted all day: no change of the add-on that day or before it."""
    days = [day - timedelta(days=1), day, day + timedelta(days=1)]
    for each in days:
        state = phase.days.get(each)
        if state is None:
            return False
        if state.terms is not None:
            first, end = state.terms.psp_from, state.terms.psp_until
            if first is None or each < first or (end is not None and each >= end):
                return False
        elif not state.has_psp:
            return False
    return True


def _delay(choose: Choose, zone: str, phase: Phase, at: datetime) -> timedelta:
    """Time until usage is known: often none, often around the next month's opening."""
    kind = choose(0, 5)
    end = phase.month_of(date_of(at, zone=zone)).end
    around = opening(zone, end) + TICK * (choose(0, 2) - 1) - at
    if kind in {1, 2} and timedelta(0) <= around <= LATENESS:
        return around
    if kind == 3:
        return LATENESS
    if kind == 4:
        return timedelta(minutes=choose(0, LATENESS // timedelta(minutes=1)))
    return timedelta(0)


def _take_backs(teller: _Teller, usage: list[Use]) -> list[TakeBack]:
    choose = teller.choose
    taken = {action.at for action in teller.actions}
    taken_back: list[TakeBack] = []
    for event in usage:
        at = event.recorded_at + TICK + timedelta(minutes=choose(0, 60 * 24 * 70))
        silent = teller.silent_from
        is_late = silent is not None and (
            date_of(event.at, zone=teller.zone) < silent <= date_of(at, zone=teller.zone)
        )
        if choose(0, 4) == 4 and at not in taken and not is_late:
            taken_back.append(TakeBack(at, event.event_id))
    return taken_back

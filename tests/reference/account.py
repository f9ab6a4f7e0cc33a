"""An account lived day by day: what is so as each day opens, and as it is at its end.

The account is told its actions in the order in which they become known. It keeps
phases: stretches of days paid in one way under one price book. Each action or opening
that makes an invoice due answers with the calls for it, in the order of their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from .actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    RemovePsp,
    Start,
    Switch,
    TakeBack,
    Trial,
    Use,
    date_of,
)
from .books import BASE, BOOKS, NEXT, Book
from .holdings import Holdings
from .phases import Call, Phase, Snapshot
from .prices import units_of
from .subscription import TRIAL_DAYS
from .term_actions import (
    AmendContract,
    BuySeats,
    Cancel,
    EndContract,
    ExtendTrial,
    Migrate,
    Resume,
    ScheduleRenewal,
    SignContract,
    StartEarlyStage,
    StartNow,
    StartYearly,
    SwitchToYearly,
    Terms,
)

EXTENSION_DAYS: Final = 7
BY_TERM: Final = frozenset({"YEARLY", "CONTRACT"})
USAGE_FIRST: Final = frozenset({"ADDITIONAL_USAGE"})
ARREARS: Final = frozenset({"ADDITIONAL_USAGE", "PRORATIONS"})
AHEAD: Final = frozenset({"SUBSCRIPTION"})
COMMITMENT: Final = frozenset({"PRORATIONS", "SUBSCRIPTION"})


@dataclass(frozen=True, slots=True)
class Event:
    """A usage event as the account knows it. A call is in whole minutes."""

    event_id: str
    metric: str
    day: date
    units: int


@dataclass(slots=True)
class Account:
    """Everything known so far. `phase` is the running one, None before, between and after."""

    zone: str
    next_book_on: date | None = None
    phases: list[Phase] = field(default_factory=list)
    phase: Phase | None = None
    events: dict[str, Event] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    seats: Holdings = field(default_factory=Holdings)
    plan: str = ""
    has_psp: bool = False
    is_psp_leaving: bool = False
    purchased: int = 0
    terms: Terms | None = None
    schedule: ScheduleRenewal | None = None
    coming_book: str | None = None
    is_ending: bool = False
    trial_ends_on: date | None = None
    trial_book: str | None = None
    conversion: Convert | None = None

    def open_day(self, day: date, *, migrate_to: str | None = None) -> list[Call]:
        """Let a day open at 00:00, with the migration scheduled for it, if any."""
        self.seats.open_day()
        calls = self._late_facts_of_the_ended(day)
        phase = self.phase
        if migrate_to is not None and phase is not None and phase.kind in BY_TERM:
            self.coming_book, migrate_to = migrate_to, None
        if phase is not None and phase.is_month_start(day):
            calls += self._open_month(phase, day, migrate_to=migrate_to)
        elif phase is not None and migrate_to is not None:
            calls += self._migrate(phase, day, migrate_to)
        if self.trial_ends_on == day:
            self.trial_ends_on = None
            if self.conversion is not None:
                calls += self._start(day, kind="MONTHLY", plan=self.conversion.plan, psp=self.conversion.psp)
            self.trial_book = None
        self._end_of(day)
        return calls

    def apply(self, action: Action) -> list[Call]:
        """Let an action happen, or a usage event become known."""
        if isinstance(action, Use):
            day = date_of(action.at, zone=self.zone)
            units = units_of(action.metric, action.quantity)
            self.events[action.event_id] = Event(action.event_id, action.metric, day, units)
            return []
        if isinstance(action, TakeBack):
            self.taken_back.add(action.event_id)
            return []
        day = date_of(action.at, zone=self.zone)
        calls = self._apply(action, day)
        self._end_of(day)
        return calls

    def _apply(self, action: Action, day: date) -> list[Call]:
        if isinstance(action, Accept | Switch | Remove):
            self.seats.apply(action, is_paying=self.phase is not None)
        elif isinstance(action, Trial):
            self.trial_ends_on = day + timedelta(days=TRIAL_DAYS)
            self.trial_book = self._current_book(day)
        elif isinstance(action, ExtendTrial):
            if self.trial_ends_on is not None:
                self.trial_ends_on += timedelta(days=EXTENSION_DAYS)
        elif isinstance(action, Convert):
            self.conversion = action
        elif isinstance(action, Migrate):
            return self._at_once(action, day)
        elif isinstance(
            action, Start | StartNow | StartEarlyStage | StartYearly | SwitchToYearly | SignContract
        ):
            return self._pay(action, day)
        else:
            return self._change(action, day)
        return []

    def _pay(
        self,
        action: Start | StartNow | StartEarlyStage | StartYearly | SwitchToYearly | SignContract,
        day: date,
    ) -> list[Call]:
        if isinstance(action, SignContract):
            return self._sign(action, day)
        if isinstance(action, StartEarlyStage):
            return self._start(day, kind="EARLY_STAGE", plan="ADVANCED", psp=True)
        if isinstance(action, Start | StartNow):
            return self._start(day, kind="MONTHLY", plan=action.plan, psp=action.psp)
        self._cut(day)
        return self._start(day, kind="YEARLY", plan=action.plan, psp=action.psp, purchased=action.seats)

    def _change(self, action: Action, day: date) -> list[Call]:
        phase = self._running()
        if isinstance(action, ChangePlan):
            self.plan = action.plan
            return _of_this_only(phase, day, {"remaining", "unused"}, now=action.invoice_now)
        if isinstance(action, AddPsp):
            if not self.has_psp:
                phase.psp_added.append(day)
            self.has_psp, self.is_psp_leaving = True, False
            return _of_this_only(phase, day, {"PSP added"}, now=action.invoice_now)
        if isinstance(action, BuySeats):
            self.purchased = action.seats
            return _of_this_only(phase, day, {"remaining", "unused"}, now=action.invoice_now)
        if isinstance(action, RemovePsp):
            self.is_psp_leaving = self.has_psp
        elif isinstance(action, ScheduleRenewal):
            self.schedule = action
        elif isinstance(action, AmendContract):
            self.terms, self.plan = action.terms, action.terms.plan
        elif isinstance(action, Cancel | EndContract):
            self.is_ending = True
        elif isinstance(action, Resume):
            self.is_ending = False
        return []

    def _running(self) -> Phase:
        if self.phase is None:
            message = "no subscription is running"
            raise ValueError(message)
        return self.phase

    def _current_book(self, day: date) -> str:
        return NEXT.name if self.next_book_on is not None and self.next_book_on <= day else BASE.name

    def _start(
        self, day: date, *, kind: str, plan: str, psp: bool, purchased: int = 0, months: int = 12
    ) -> list[Call]:
        """Begin to pay on this day: a new subscription, or the next phase of one just cut."""
        cut = self.phase
        # A trial is under a price book too, and the monthly subscription it becomes keeps that.
        kept = self.trial_book if kind == "MONTHLY" else None
        book, self.trial_book = kept or self._current_book(day), None
        self.trial_ends_on = self.schedule = self.coming_book = None
        self.is_psp_leaving = self.is_ending = False
        self.plan, self.has_psp, self.purchased = plan, psp, purchased
        if kind != "CONTRACT":
            self.terms = None
        subscription = self.phases[-1].subscription + 1 if self.phases else 1
        self._begin(
            Phase(
                number=len(self.phases),
                subscription=cut.subscription if cut is not None else subscription,
                kind=kind,
                book=BOOKS[book],
                anchor=day,
                starts_on=day,
                term_months=months,
                every={"YEARLY": 12}.get(kind, 1),
            )
        )
        return [Call("SUBSCRIPTION", self._running().subscription)]

    def _begin(self, phase: Phase) -> None:
        self.phases.append(phase)
        self.phase = phase
        phase.opened[phase.starts_on] = self._snapshot(held=len(self.seats.full))

    def _sign(self, action: SignContract, day: date) -> list[Call]:
        is_over_another = self.phase is not None
        self._cut(day)
        self.terms = action.terms
        calls = self._start(day, kind="CONTRACT", plan=action.terms.plan, psp=False, months=action.months)
        phase = self._running()
        phase.every = action.every
        if is_over_another:
            return calls
        return [
            Call("ADDITIONAL_USAGE", phase.subscription, sections=USAGE_FIRST),
            Call("SUBSCRIPTION", phase.subscription, sections=COMMITMENT),
        ]

    def _cut(self, day: date) -> None:
        if self.phase is not None:
            self.phase.ends_on, self.phase.is_cut = day, True

    def _at_once(self, action: Migrate, day: date) -> list[Call]:
        phase = self._running()
        if phase.kind in BY_TERM:
            self.coming_book = action.book
            return []
        return self._migrate(phase, day, action.book)

    def _migrate(self, phase: Phase, day: date, book: str) -> list[Call]:
        """Cut a monthly phase for another book: same anchor, same end of the period."""
        self._cut(day)
        self._follow(phase, day, kind=phase.kind, book=BOOKS[book])
        old = frozenset(each.number for each in self.phases[:-1])
        return [
            Call("FINAL", phase.subscription, phases=old),
            Call("SUBSCRIPTION", phase.subscription),
        ]

    def _open_month(self, phase: Phase, day: date, *, migrate_to: str | None) -> list[Call]:
        is_new_term = phase.is_term_start(day)
        if self.is_psp_leaving and phase.kind not in BY_TERM:
            self.has_psp = self.is_psp_leaving = False
        if is_new_term and self.is_ending:
            phase.ends_on, self.phase, self.is_ending = day, None, False
            self.has_psp, self.terms = False, None
            return [Call("FINAL", phase.subscription)]
        if migrate_to is not None:
            return self._migrate(phase, day, migrate_to)
        if is_new_term and phase.kind == "YEARLY":
            return self._renew(phase, day)
        if is_new_term and phase.kind == "CONTRACT" and self.coming_book is not None:
            self._next_phase(phase, day, kind="CONTRACT")
        self._running().opened[day] = self._snapshot(held=len(self.seats.full))
        usage = Call("ADDITIONAL_USAGE", phase.subscription, sections=USAGE_FIRST)
        if phase.kind == "YEARLY":
            return [replace(usage, sections=ARREARS)]
        if phase.kind == "CONTRACT":
            commitment = Call("SUBSCRIPTION", phase.subscription, sections=COMMITMENT)
            return [usage, commitment] if phase.is_billing_start(day) else [usage]
        return [Call("SUBSCRIPTION", phase.subscription)]

    def _renew(self, phase: Phase, day: date) -> list[Call]:
        wanted, self.schedule = self.schedule, None
        if wanted is not None:
            self.plan = wanted.plan or self.plan
            self.has_psp = self.has_psp if wanted.psp is None else wanted.psp
            self.purchased = wanted.seats or self.purchased
        if wanted is not None and wanted.monthly:
            self.purchased = 0
            self._next_phase(phase, day, kind="MONTHLY")
            return [Call("SUBSCRIPTION", phase.subscription)]
        if self.coming_book is not None:
            self._next_phase(phase, day, kind="YEARLY")
        self._running().opened[day] = self._snapshot(held=len(self.seats.full))
        return [
            Call("ADDITIONAL_USAGE", phase.subscription, sections=ARREARS),
            Call("SUBSCRIPTION", phase.subscription, sections=AHEAD),
        ]

    def _next_phase(self, phase: Phase, day: date, *, kind: str) -> None:
        """Go on from a renewal day, with the same book unless another was to come."""
        phase.ends_on = day
        book = BOOKS[self.coming_book] if self.coming_book is not None else phase.book
        self._follow(phase, day, kind=kind, book=book)
        self.coming_book = None

    def _follow(self, phase: Phase, day: date, *, kind: str, book: Book) -> None:
        """Begin the phase after another; the anchor stays."""
        self._begin(
            Phase(
                number=len(self.phases),
                subscription=phase.subscription,
                kind=kind,
                book=book,
                anchor=phase.anchor,
                starts_on=day,
                term_months=phase.term_months,
                every=1 if kind == "MONTHLY" else phase.every,
            )
        )

    def _late_facts_of_the_ended(self, day: date) -> list[Call]:
        """Ask for one more invoice of each ended subscription on its anchor days."""
        last = {phase.subscription: phase for phase in self.phases}
        return [
            Call("FINAL", phase.subscription)
            for phase in last.values()
            if phase.ends_on is not None and phase.ends_on < day and phase.is_month_start(day)
        ]

    def _snapshot(self, *, held: int) -> Snapshot:
        return Snapshot(
            held=held, plan=self.plan, has_psp=self.has_psp, purchased=self.purchased, terms=self.terms
        )

    def _end_of(self, day: date) -> None:
        if self.phase is not None:
            self.phase.days[day] = self._snapshot(held=self.seats.of_today())


def _of_this_only(phase: Phase, day: date, names: set[str], *, now: bool) -> list[Call]:
    if not now:
        return []
    return [Call("CHANGE", phase.subscription, names=frozenset(names), dated_on=day)]

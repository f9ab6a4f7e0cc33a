"""Bills an account's whole record as the product does: months close as they end, cuts and wishes are invoiced at once.

Facts are taken in the order in which they are known. Whenever an invoice falls due, what is known by then is billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.billing import at_moment, conversion, look_back, running_period
from domain.calendar import ONE_DAY, Stamp, local_day, month_of, opening, opening_stamp
from domain.facts import (
    BookMigrated,
    Cancelled,
    ContractEnded,
    Ended,
    Fact,
    Resumed,
    TrialExtended,
    TrialStarted,
    conversion_chosen,
    is_invoiced_now,
)
from domain.facts import Opening as Beginning
from domain.invoicing import Billed, Line, change_lines, next_invoices, settle, total
from domain.phases import Phase, PhaseKind
from domain.seats import SeatChange
from domain.sections import Stream
from tests.domain.builders import Entry, Issued, Units, add_billed, history

BY_TERM = {PhaseKind.YEARLY, PhaseKind.CONTRACT}


@dataclass(slots=True)
class Subscribed:
    """A subscription: its facts, the month that runs (a trial is one), what was billed, and how far back to look."""

    started_on: date
    anchor: date
    period_start: date
    period_end: date
    entries: list[Entry] = field(default_factory=list)
    billed: dict[str, Billed] = field(default_factory=dict)
    billing_months: int = 1
    is_trial: bool = False
    ends_on: date | None = None
    has_ended: bool = False
    dirty_from: date | None = None

    @property
    def is_waiting(self) -> bool:
        """Tell whether something falls due as the period ends."""
        return not self.has_ended or self.dirty_from is not None


@dataclass(slots=True)
class Closing:
    """An account as it lives: what is known so far, its subscriptions, its invoices and its balance.

    With `is_cut`, an invoice recomputes only the periods that facts known since the one before can have moved.
    """

    zone: ZoneInfo
    is_cut: bool = False
    shared: list[Entry] = field(default_factory=list)
    subscriptions: list[Subscribed] = field(default_factory=list)
    issued: list[Issued] = field(default_factory=list)
    balance: int = 0

    @property
    def live(self) -> Subscribed | None:
        """The subscription that runs."""
        return next((one for one in self.subscriptions if not one.has_ended), None)

    def open_days(self, before: Stamp) -> None:
        """Let everything fall due that is due before a stamp, the earliest first."""
        while True:
            waiting = [one for one in self.subscriptions if one.is_waiting]
            soonest = min(waiting, key=lambda one: one.period_end, default=None)
            if soonest is None or opening_stamp(soonest.period_end, self.zone) >= before:
                return
            self._close(soonest)

    def take(self, entry: Entry) -> None:
        """Let something be known, and invoice what it wants invoiced at once."""
        what = entry.what
        if isinstance(what, Units | SeatChange):
            self.shared.append(entry)
            self._note_late(what, known_on=local_day(entry.known[0], self.zone))
        elif isinstance(what, Beginning):
            self._begin(entry, what)
        else:
            self._change(entry, what)

    def can_take_ahead(self, entry: Entry, moment: datetime) -> bool:
        """Tell whether a price book's migration can be scheduled at a moment before its day."""
        what, one = entry.what, self.live
        if not (isinstance(what, BookMigrated) and what.as_day_opens) or one is None or one.is_trial:
            return False
        return self._phase(one, moment).kind is PhaseKind.MONTHLY

    def _begin(self, entry: Entry, fact: Beginning) -> None:
        start = local_day(fact.at, self.zone)
        one = self.live
        if one is None:
            one = Subscribed(start, start, start, month_of(start, start).end)
            self.subscriptions.append(one)
        one.entries.append(entry)
        if isinstance(fact, TrialStarted):
            one.is_trial, one.period_end = True, self._phase(one, fact.at).end or date.max
            return
        self._turn(one, on=start, anchor=start)
        one.is_trial, one.ends_on = False, None
        one.billing_months = self._phase(one, fact.at).billing_months

    def _change(self, entry: Entry, fact: Fact) -> None:
        one = self.live
        assert one is not None, "nothing runs that could change"
        one.entries.append(entry)
        day = local_day(fact.at, self.zone)
        match fact:
            case TrialExtended():
                one.period_end = self._phase(one, fact.at).end or date.max
            case Cancelled() | ContractEnded():
                one.ends_on = self._phase(one, fact.at).term_of(day).end
            case Resumed():
                one.ends_on = None
            case BookMigrated(as_day_opens=False):
                self._turn(one, on=day, anchor=one.anchor)
            case BookMigrated() if self._phase(one, entry.known[0]).kind not in BY_TERM:
                one.period_end = min(one.period_end, day)
            case _ if is_invoiced_now(fact):
                self._issue(one, on=day, of_change=True)

    def _close(self, one: Subscribed) -> None:
        on = one.period_end
        if one.is_trial:
            self._end_trial(one)
            return
        self._issue(one, on=on)
        one.dirty_from = None
        if one.has_ended or (one.ends_on is not None and on >= one.ends_on):
            one.has_ended = True
            return
        one.period_start, one.period_end = on, self._running_until(one, on)

    def _end_trial(self, one: Subscribed) -> None:
        told = history(one.entries, zone=self.zone)
        chosen, order = conversion_chosen(told.facts), len(one.entries) + 10**6
        if chosen:
            start = conversion(told, chosen)
            self._begin(Entry((start.at, order), start), start)
            return
        moment = opening(one.period_end, self.zone)
        one.entries.append(Entry((moment, order), Ended(moment, order)))
        one.has_ended = True

    def _turn(self, one: Subscribed, *, on: date, anchor: date) -> None:
        self._issue(one, on=on)
        one.anchor, one.period_start, one.period_end = anchor, on, self._running_until(one, on)
        one.dirty_from = None

    def _issue(self, one: Subscribed, *, on: date, of_change: bool = False) -> None:
        since = self._since(one) if self.is_cut else None
        facts = history([*self.shared, *one.entries], zone=self.zone, usage_since=since or date.min)
        billed = {
            key: line for key, line in one.billed.items() if since is None or line.period.start >= since
        }
        invoices: Iterable[tuple[Stream, Sequence[Line]]]
        if of_change:
            invoices = [(Stream.CHANGE, change_lines(facts, billed, on=on, since=since))]
        else:
            invoices = next_invoices(facts, billed, on=on, since=since)
        for stream, lines in invoices:
            if lines:
                settlement = settle(total(lines), self.balance)
                self.balance = settlement.balance
                add_billed(one.billed, lines)
                self.issued.append(Issued(on, tuple(lines), settlement, stream))

    def _since(self, one: Subscribed) -> date:
        return look_back(
            anchor=one.anchor,
            period_start=one.period_start,
            billing_months=one.billing_months,
            dirty_from=one.dirty_from,
        )

    def _running_until(self, one: Subscribed, day: date) -> date:
        last = opening(day + ONE_DAY, self.zone) - timedelta(microseconds=1)
        return running_period(self._phase(one, last), day).end

    def _phase(self, one: Subscribed, moment: datetime) -> Phase:
        now = at_moment(history(one.entries, zone=self.zone), moment)
        assert now is not None, f"no phase holds {moment}"
        return now.phase

    def _note_late(self, what: Units | SeatChange, *, known_on: date) -> None:
        day = what.day if isinstance(what, Units) else local_day(what.at, self.zone)
        for one in self.subscriptions:
            if one.has_ended and one.started_on <= day < (one.ends_on or date.min):
                if one.dirty_from is None:
                    one.period_end = month_of(one.anchor, known_on).end
                one.dirty_from = min(day, one.dirty_from or day)
            elif not one.has_ended and day < one.period_start:
                one.dirty_from = min(day, one.dirty_from or day)


def bill_account(
    entries: Iterable[Entry], *, through: date, zone: ZoneInfo, cut: bool = False
) -> list[Issued]:
    """Issue every invoice of an account dated up to and including `through`."""
    closing = Closing(zone, cut)
    waiting = sorted(entries, key=lambda entry: entry.known)
    while waiting:
        entry = waiting.pop(0)
        closing.open_days(entry.known)
        closing.take(entry)
        if waiting and closing.can_take_ahead(waiting[0], entry.known[0]):
            closing.take(waiting.pop(0))
    closing.open_days((opening(through + ONE_DAY, zone), -2))
    return [invoice for invoice in closing.issued if invoice.on <= through]

"""Tells a reference story of years, contracts, the programme and cuts in the product's own facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.calendar import opening
from domain.facts import (
    BookMigrated,
    Cancelled,
    Commitment,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ContractTerms,
    ConversionChosen,
    EarlyStageStarted,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    Started,
    TrialExtended,
    TrialStarted,
    YearlyStarted,
)
from domain.money import PRICE_PER_CENT
from domain.pricebook import Metric, Plan
from tests.domain.builders import BOOK, DEARER, Entry, Recordable, Units
from tests.domain.retell import seat_change, units_of
from tests.reference.actions import (
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
    in_order,
    recorded_at,
)
from tests.reference.term_actions import (
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


class Retelling:
    """Tells the actions of one story, in the order in which they become known."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.events = {action.event_id: action for action in story.actions if isinstance(action, Use)}
        self.trial_book = BOOK.version
        self.signed: SignContract | None = None

    def tell(self) -> list[Entry]:
        """Record the story; a trial's conversion is left to whoever closes it."""
        entries = []
        for order, action in enumerate(in_order(self.story.actions), start=1):
            what = self._retell(action)
            placed = what if isinstance(what, Units) else replace(what, order=order)
            known_at = recorded_at(action)
            # What is scheduled for a day is known before it opens.
            is_scheduled = isinstance(placed, BookMigrated) and placed.as_day_opens
            entries.append(Entry((known_at, -2 if is_scheduled else order), placed))
        return entries

    def _retell(self, action: Action) -> Recordable:
        zone = self.story.zone
        what: Recordable
        match action:
            case Accept() | Switch() | Remove():
                what = seat_change(action)
            case Use():
                what = units_of(action, zone=zone, sign=1)
            case TakeBack(_, event_id):
                what = units_of(self.events[event_id], zone=zone, sign=-1)
            case Start() | Trial() | StartNow() | StartYearly() | SwitchToYearly() | StartEarlyStage():
                what = self._beginning(action)
            case SignContract():
                self.signed = action
                what = ContractSigned(action.at, self._terms(action.terms), self._book(action.at))
            case AmendContract(at, terms):
                what = ContractAmended(at, self._terms(terms))
            case Migrate(at):
                is_scheduled = at == opening(self._day(at), ZoneInfo(zone))
                what = BookMigrated(at, DEARER.version, as_day_opens=is_scheduled)
            case _:
                what = _change(action)
        return what

    def _beginning(
        self, action: Start | Trial | StartNow | StartYearly | SwitchToYearly | StartEarlyStage
    ) -> Fact:
        book = self._book(action.at)
        match action:
            case Trial(at, plan):
                self.trial_book = book
                return TrialStarted(at, Plan(plan), book)
            case Start(at, plan, psp):
                return Started(at, Plan(plan), psp, book)
            case StartNow(at, plan, psp):
                return Started(at, Plan(plan), psp, self.trial_book)
            case StartEarlyStage(at):
                return EarlyStageStarted(at, book)
            case StartYearly(at, plan, seats, psp) | SwitchToYearly(at, plan, seats, psp):
                return YearlyStarted(at, Plan(plan), seats, psp, book)

    def _terms(self, terms: Terms) -> ContractTerms:
        assert self.signed is not None, "a contract is signed before it is amended"
        return ContractTerms(
            plan=Plan(terms.plan),
            months=self.signed.months,
            billing_months=self.signed.every,
            seats=terms.seats,
            seat_price=_price(terms.unit_cents),
            usage=tuple(Commitment(Metric(one.metric), one.units, _price(one.cents)) for one in terms.usage),
            psp_from=terms.psp_from,
            psp_until=terms.psp_until,
        )

    def _day(self, moment: datetime) -> date:
        return date_of(moment, zone=self.story.zone)

    def _book(self, moment: datetime) -> int:
        since = self.story.next_book_on
        return DEARER.version if since is not None and since <= self._day(moment) else BOOK.version


PLAIN: Mapping[type[Action], Callable[[datetime], Fact]] = {
    ExtendTrial: TrialExtended,
    RemovePsp: PspRemoved,
    Cancel: Cancelled,
    Resume: Resumed,
    EndContract: ContractEnded,
}
"""Actions of which the product records no more than the moment."""


def _change(action: Action) -> Fact:
    match action:
        case Convert(at, plan, psp):
            return ConversionChosen(at, Plan(plan), psp)
        case ChangePlan(at, plan, invoice_now):
            return PlanChanged(at, Plan(plan), invoice_now)
        case AddPsp(at, invoice_now):
            return PspAdded(at, invoice_now)
        case BuySeats(at, seats, invoice_now):
            return SeatsPurchased(at, seats, invoice_now)
        case ScheduleRenewal(at, seats, coming, keeps_psp, monthly):
            return RenewalSet(at, seats, Plan(coming) if coming else None, keeps_psp, monthly)
    return PLAIN[type(action)](action.at)


def _price(cents: int | None) -> int | None:
    return None if cents is None else cents * PRICE_PER_CENT

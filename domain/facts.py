"""The dated facts of a subscription: what was agreed or asked for, and from which moment (sections 3, 6, 7, 8 and 10).

Each has `at`, the moment from which it is true, and `order`, its place in the account's record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from domain.pricebook import Metric, Plan


@dataclass(frozen=True, slots=True)
class Commitment:
    """Usage committed to in a contract: units a month, at a price a month in price units (None: list price)."""

    metric: Metric
    units: int
    price: int | None = None


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What was signed (section 8): lengths in months, seats with a unit price a month (None: monthly list price).

    Proactive Support Plus runs over `[psp_from, psp_until)`; without an end it runs on. `lite_seats` take the place of the
    plan's number.
    """

    plan: Plan
    months: int
    billing_months: int
    seats: int
    seat_price: int | None = None
    usage: tuple[Commitment, ...] = ()
    psp_from: date | None = None
    psp_until: date | None = None
    lite_seats: int | None = None


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A free trial of a plan began under a price book version."""

    at: datetime
    plan: Plan
    book_version: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class TrialExtended:
    """The trial got its one extension."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class ConversionChosen:
    """The trial is to become a paid subscription of this plan as it ends."""

    at: datetime
    plan: Plan
    is_psp: bool
    order: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """A paid monthly subscription began; its first invoice bills the state of that moment ahead.

    One that follows a trial begins as the day opens, whenever the trial's end is recorded.
    """

    at: datetime
    plan: Plan
    is_psp: bool
    book_version: int
    as_day_opens: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class YearlyStarted:
    """A yearly subscription of purchased seats began, or a monthly one was switched to it (sections 7 and 10)."""

    at: datetime
    plan: Plan
    seats: int
    is_psp: bool
    book_version: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class EarlyStageStarted:
    """The Early Stage programme began (section 7)."""

    at: datetime
    book_version: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class ContractSigned:
    """A contract was signed, over whatever ran before (section 8)."""

    at: datetime
    terms: ContractTerms
    book_version: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class ContractAmended:
    """The manager changed the commitment: seats from the date, usage from the next usage month (section 8)."""

    at: datetime
    terms: ContractTerms
    order: int = 0


@dataclass(frozen=True, slots=True)
class ContractEnded:
    """The manager ended the contract: it is not renewed when its term is over."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The plan changed on the date of `at`; on a yearly term it may be invoiced at once."""

    at: datetime
    plan: Plan
    invoice_now: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class SeatsPurchased:
    """A yearly subscription has this many purchased seats from the date of `at`."""

    at: datetime
    seats: int
    invoice_now: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class PspAdded:
    """Proactive Support Plus was added, or its removal taken back."""

    at: datetime
    invoice_now: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class PspRemoved:
    """Proactive Support Plus was removed; access lasts to the end of the period."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class RenewalSet:
    """What is to change as the yearly term renews; it replaces what was set before, and nothing set is revoked."""

    at: datetime
    seats: int | None = None
    plan: Plan | None = None
    is_psp: bool | None = None
    is_monthly: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class BookMigrated:
    """The subscription moved to another price book, as the day opens or today at once (section 10)."""

    at: datetime
    book_version: int
    as_day_opens: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The subscription ends with its paid period (section 10)."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class Resumed:
    """The cancellation was taken back before its day."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial ended without becoming a paid subscription."""

    at: datetime
    order: int = 0


Opening = TrialStarted | Started | YearlyStarted | EarlyStageStarted | ContractSigned
Change = (
    TrialExtended
    | ConversionChosen
    | PlanChanged
    | SeatsPurchased
    | PspAdded
    | PspRemoved
    | RenewalSet
    | BookMigrated
    | ContractAmended
    | ContractEnded
    | Cancelled
    | Resumed
    | Ended
)
Fact = Opening | Change


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Sort facts by moment, then those that hold as the day opens, then by the order in which they were recorded."""
    return sorted(facts, key=lambda fact: (fact.at, -1 if holds_as_day_opens(fact) else fact.order))


def holds_as_day_opens(fact: Fact) -> bool:
    """Tell whether a fact stands before all that is recorded at the moment its day opens."""
    return isinstance(fact, Started | BookMigrated) and fact.as_day_opens


def conversion_chosen(facts: Iterable[Fact]) -> ConversionChosen | None:
    """Give the latest choice of what the trial is to become."""
    chosen = [fact for fact in in_order(facts) if isinstance(fact, ConversionChosen)]
    return chosen[-1] if chosen else None


def is_trial_extended(facts: Iterable[Fact]) -> bool:
    """Tell whether the trial has had its extension."""
    return any(isinstance(fact, TrialExtended) for fact in facts)


def is_invoiced_now(fact: Fact) -> bool:
    """Tell whether a change is invoiced at once, on an invoice of its own (section 7)."""
    return isinstance(fact, PlanChanged | SeatsPurchased | PspAdded) and fact.invoice_now

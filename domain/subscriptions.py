"""Why a change of a subscription is refused (sections 6, 7, 8 and 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.refusal import Refusal


@dataclass(eq=False)
class AlreadyOnPlan(Refusal):
    """The plan asked for is the plan in force."""

    template = "The subscription is on {plan} already; nothing was changed."
    plan: str


@dataclass(eq=False)
class PspAlreadyActive(Refusal):
    """Proactive Support Plus is on and stays on."""

    template = "Proactive Support Plus is active already; nothing was changed."


@dataclass(eq=False)
class PspNotActive(Refusal):
    """Proactive Support Plus is not on, or its removal is recorded."""

    template = (
        "Proactive Support Plus is not active, or its removal is recorded already; nothing was changed."
    )


@dataclass(eq=False)
class TrialRunning(Refusal):
    """The change needs a paid subscription and the trial still runs."""

    template = "The trial runs until {ends_on}: {advice}."
    ends_on: date
    advice: str


@dataclass(eq=False)
class NotInTrial(Refusal):
    """The change is for a running trial."""

    template = "The subscription is not in a trial, so there is nothing to convert or extend."


@dataclass(eq=False)
class TrialExtendedAlready(Refusal):
    """A trial is extended once."""

    template = "The trial was extended already and ends on {ends_on}; a trial is extended once."
    ends_on: date


@dataclass(eq=False)
class ContractManaged(Refusal):
    """The commitment, the plan, the add-on and the end of a contract are its manager's to change."""

    template = "This account has a contract: contact your account manager to change it."


@dataclass(eq=False)
class NotOnContract(Refusal):
    """The change is for a contract."""

    template = "The account has no running contract; sign one first."


@dataclass(eq=False)
class NotYearly(Refusal):
    """The change is for a yearly term."""

    template = "The subscription is not paid yearly, so it has no purchased seats and no renewal to change."


@dataclass(eq=False)
class NotMonthly(Refusal):
    """The change is for a subscription paid monthly."""

    template = "Only a subscription paid monthly can do this; this one is billed as {kind}."
    kind: str


@dataclass(eq=False)
class TooFewSeats(Refusal):
    """A term cannot start with fewer seats than are held (section 7)."""

    template = "{held} full seats are held; a term starts with at least as many purchased, and {seats} were asked for."
    held: int
    seats: int


@dataclass(eq=False)
class NoSeats(Refusal):
    """At least one full seat is billed (section 3)."""

    template = "A year is for at least 1 full seat; {seats} were asked for."
    seats: int


@dataclass(eq=False)
class NotAPurchase(Refusal):
    """Fewer seats come with the renewal (section 7)."""

    template = (
        "{purchased} seats are purchased; buy more of them now, or set fewer for the renewal on {renews_on}."
    )
    purchased: int
    renews_on: date


@dataclass(eq=False)
class WaitsForRenewal(Refusal):
    """Downgrades and removals of a yearly subscription come with its renewal (section 7)."""

    template = "A yearly subscription gives this up as it renews: set it for the renewal on {renews_on}."
    renews_on: date


@dataclass(eq=False)
class BundledSeats(Refusal):
    """The Early Stage programme fixes its plan, its seats and its add-on (section 7)."""

    template = "The Early Stage programme includes its plan and add-on for one price; they cannot be changed."


@dataclass(eq=False)
class AlreadyCancelled(Refusal):
    """The subscription has its end."""

    template = "The subscription ends on {ends_on} already; nothing was changed."
    ends_on: date


@dataclass(eq=False)
class NotCancelled(Refusal):
    """There is no cancellation to take back."""

    template = "The subscription is not cancelled."


@dataclass(eq=False)
class UnknownBook(Refusal):
    """No price book has the version, or it is not in force by then."""

    template = "There is no price book {version} in force on {on}."
    version: int
    on: date


@dataclass(eq=False)
class BadContractTerms(Refusal):
    """The terms of a contract do not fit together."""

    template = "The contract cannot be signed: {reason}."
    reason: str

"""A charge: what one thing costs for one service period, and the section of the invoice it stands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.calendar import Period, show_day
from domain.money import cents, show_cents, show_price
from domain.proration import SeatsAtPrice, Share, show_seats
from domain.rating import TierPart

PSP_LABEL = "Proactive Support Plus"
WHOLE = Share(1, 1)


class Section(StrEnum):
    """Part of an invoice, in the order of an invoice."""

    ADDITIONAL_USAGE = "ADDITIONAL_USAGE"
    PRORATIONS = "PRORATIONS"
    SUBSCRIPTION = "SUBSCRIPTION"

    def label(self, *, is_yearly: bool = False) -> str:
        """The heading on an invoice; changes of a yearly term stand beside its usage (section 5)."""
        if is_yearly and self is Section.PRORATIONS:
            return "Prorated Usage"
        return _SECTION_LABELS[self]


_SECTION_LABELS = {
    Section.ADDITIONAL_USAGE: "Additional usage",
    Section.PRORATIONS: "Subscription: Prorations",
    Section.SUBSCRIPTION: "Subscription",
}


class Stream(StrEnum):
    """Which of a date's invoices takes a charge, in the order in which they are numbered (section 5)."""

    FINAL = "FINAL"
    ADDITIONAL_USAGE = "ADDITIONAL_USAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True)
class Charge:
    """What one thing costs for one service period; `due_on` is the date of the invoice that takes it first.

    `key` is stable over recomputation; `period` is the billing period it belongs to; `change` joins the two lines of a
    pair; `causes` holds the orders of the facts behind it; `amount` is in cents, `unit_price` in price units.
    """

    key: str
    section: Section
    description: str
    period: Period
    service: Period
    due_on: date
    amount: int
    explanation: str
    quantity: int | None = None
    unit_price: int | None = None
    tiers: tuple[TierPart, ...] = ()
    change: str | None = None
    causes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where lines about seats stand: the names in their keys and words, their section and due date."""

    name: str
    label: str
    section: Section
    due_on: date


def seats_ahead_charge(
    frame: Frame, state: SeatsAtPrice, *, period: Period, share: Share, causes: tuple[int, ...]
) -> Charge:
    """Charge seats ahead for a period, or for the share of it that is left."""
    return Charge(
        key=f"{frame.name}seats:{period.start}",
        section=frame.section,
        description=f"{frame.label}: {show_seats(state.seats)}",
        period=period,
        service=period,
        due_on=frame.due_on,
        amount=state.amount(share),
        explanation=state.explain(share),
        quantity=state.seats,
        unit_price=state.price,
        causes=causes,
    )


def pair(
    frame: Frame,
    *,
    day: date,
    period: Period,
    left: Share,
    service: Period,
    before: SeatsAtPrice,
    now: SeatsAtPrice,
    causes: tuple[int, ...],
) -> Iterator[Charge]:
    """Charge a change of one date: what the days left cost from now on, less what was charged for them (section 5)."""
    for kind, label, sign, state in (
        ("remaining", f"Remaining time on {frame.label}: {show_seats(now.seats)}", 1, now),
        ("unused", f"Unused time on {show_seats(before.seats)}", -1, before),
    ):
        yield Charge(
            key=f"{frame.name}{kind}:{day}",
            section=frame.section,
            description=f"{label} from {show_day(day)}",
            period=period,
            service=service,
            due_on=frame.due_on,
            amount=sign * state.amount(left),
            explanation=state.explain(left, sign=sign),
            quantity=sign * state.seats,
            unit_price=state.price,
            change=f"{frame.name}change:{day}",
            causes=causes,
        )


def unused(
    frame: Frame, state: SeatsAtPrice, *, day: date, period: Period, left: Share, service: Period
) -> Charge:
    """Give back the time left of seats paid ahead, from the date a phase was cut (section 10)."""
    return Charge(
        key=f"{frame.name}cut-seats:{day}",
        section=Section.PRORATIONS,
        description=f"Unused time on {show_seats(state.seats)} from {show_day(day)}",
        period=period,
        service=service,
        due_on=day,
        amount=-state.amount(left),
        explanation=state.explain(left, sign=-1),
        quantity=-state.seats,
        unit_price=state.price,
    )


def flat_charge(
    *,
    key: str,
    label: str = PSP_LABEL,
    section: Section,
    exact: int,
    share: Share,
    period: Period,
    service: Period,
    due_on: date,
    causes: tuple[int, ...] = (),
    sign: int = 1,
) -> Charge:
    """Charge one thing for a period or a share of it, or give a share back; `exact` is its price in price units.

    The one thing is the add-on unless told.
    """
    amount = sign * cents(exact, part=share.days, whole=share.of)
    words = {True: label, False: f"{label} from {show_day(service.start)}"}
    part = "" if share.days == share.of else f" x {share}"
    given_back = f"Unused time on {words[False]}"
    return Charge(
        key=key,
        section=section,
        description=given_back if sign < 0 else words[section is not Section.PRORATIONS],
        period=period,
        service=service,
        due_on=due_on,
        amount=amount,
        explanation=f"{'-' if sign < 0 else ''}1 x {show_price(exact)}{part} = {show_cents(amount)}",
        quantity=sign,
        unit_price=exact,
        causes=causes,
    )

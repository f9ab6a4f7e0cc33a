"""Every charge the dated facts of a subscription make due, each with a stable key and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from domain.contracts import contract_charges
from domain.facts import Fact
from domain.folding import phases
from domain.monthly import monthly_charges
from domain.phases import Phase, PhaseKind
from domain.pricebook import Metric, PriceBook
from domain.seats import SeatChange, full_seats
from domain.sections import Charge
from domain.yearly import yearly_charges


@dataclass(frozen=True, slots=True)
class History:
    """All dated facts of one subscription, as known at some moment.

    `usage` holds units (not seconds) by metric and local day, all workspaces together, less what was taken back. Rating
    needs no finer days than billing periods, so a period's total may stand on its first day.
    """

    zone: ZoneInfo
    facts: tuple[Fact, ...]
    seat_changes: tuple[SeatChange, ...]
    usage: Mapping[tuple[Metric, date], int]
    books: Mapping[int, PriceBook]

    def phases(self) -> tuple[Phase, ...]:
        """Fold the subscription's facts into phases."""
        return phases(self.facts, self.zone, self.books)


def charges(history: History, *, through: date, since: date | None = None) -> tuple[Charge, ...]:
    """Yield every charge due on or before `through`, in periods beginning no earlier than `since`.

    Zero amounts are included: whether a charge makes a line depends on what was billed for it before.
    """
    paid = [phase for phase in history.phases() if phase.kind is not PhaseKind.TRIAL]
    found: list[Charge] = []
    for number, phase in enumerate(paid):
        prefix = f"{number}." if number else ""
        found.extend(
            _named(charge, prefix)
            for charge in _of_phase(history, phase, through=through)
            if charge.due_on <= through and (since is None or charge.period.start >= since)
        )
    return tuple(sorted(found, key=lambda charge: charge.due_on))


def _of_phase(history: History, phase: Phase, *, through: date) -> Iterator[Charge]:
    seats = full_seats(history.seat_changes, history.zone, since=phase.opened)
    bill = {
        PhaseKind.MONTHLY: monthly_charges,
        PhaseKind.EARLY_STAGE: monthly_charges,
        PhaseKind.YEARLY: yearly_charges,
        PhaseKind.CONTRACT: contract_charges,
    }[phase.kind]
    return bill(phase, seats, history.usage, zone=history.zone, through=through)


def _named(charge: Charge, prefix: str) -> Charge:
    """Tell the charges of a later phase from those of the same date and kind before it."""
    if not prefix:
        return charge
    change = f"{prefix}{charge.change}" if charge.change else None
    return replace(charge, key=f"{prefix}{charge.key}", change=change)

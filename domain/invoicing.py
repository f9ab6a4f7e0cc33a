"""The next invoice is what should have been billed by now, minus what has been billed (section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.calendar import Period
from domain.charges import Charge, History, Section, charges
from domain.money import show_cents
from domain.rating import TierPart
from domain.refusal import Refusal

SMALLEST_CHARGE = 50
"""Cents below which the payment provider charges nothing (section 11)."""


class InvoiceStatus(StrEnum):
    """Where an issued invoice stands."""

    OPEN = "OPEN"
    PAID = "PAID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"
    VOID = "VOID"


class InvoiceEvent(StrEnum):
    """What can happen to an issued invoice."""

    PAY = "PAY"
    WRITE_OFF = "WRITE_OFF"
    UNDO = "UNDO"


NEXT: Mapping[tuple[InvoiceStatus, InvoiceEvent], InvoiceStatus] = {
    (InvoiceStatus.OPEN, InvoiceEvent.PAY): InvoiceStatus.PAID,
    (InvoiceStatus.OPEN, InvoiceEvent.WRITE_OFF): InvoiceStatus.UNCOLLECTIBLE,
    (InvoiceStatus.OPEN, InvoiceEvent.UNDO): InvoiceStatus.VOID,
    (InvoiceStatus.UNCOLLECTIBLE, InvoiceEvent.PAY): InvoiceStatus.PAID,
}


@dataclass(eq=False)
class InvoiceNotOpen(Refusal):
    """The invoice is paid, void or written off."""

    template = "Invoice {number} is {status}; only an open invoice can be paid."
    number: int
    status: str


@dataclass(frozen=True, slots=True)
class Billed:
    """What issued invoices hold for one charge: the sum of its lines in cents, and the first line's words."""

    section: Section
    description: str
    period: Period
    service: Period
    amount: int
    change: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; amounts in cents, unit prices in price units."""

    key: str
    section: Section
    description: str
    period: Period
    service: Period
    amount: int
    explanation: str
    quantity: int | None
    unit_price: int | None
    tiers: tuple[TierPart, ...]
    change: str | None
    causes: tuple[int, ...]
    is_adjustment: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an issued total does to the balance: `applied` credit (negative: a debt added), `due`, and the new balance."""

    applied: int
    due: int
    balance: int

    @property
    def is_paid(self) -> bool:
        """An invoice with nothing due is issued as paid (section 11)."""
        return self.due == 0


def next_lines(
    history: History, billed: Mapping[str, Billed], *, on: date, since: date | None = None
) -> tuple[Line, ...]:
    """Work out the lines of the invoice of a date; `billed` covers periods beginning no earlier than `since`."""
    return reconcile(charges(history, through=on, since=since), billed)


def reconcile(due: Iterable[Charge], billed: Mapping[str, Billed]) -> tuple[Line, ...]:
    """Subtract what was billed, charge by charge; what is even makes no line (section 5)."""
    found: list[Line] = []
    left = dict(billed)
    for charge in due:
        before = left.pop(charge.key, None)
        if before is None:
            found.append(_line(charge))
        elif before.amount != charge.amount:
            found.append(_adjustment(charge, before.amount))
    found += [_withdrawal(key, before) for key, before in left.items()]
    order = {section: rank for rank, section in enumerate(Section)}
    lines = [line for line in found if line.amount != 0]
    return tuple(sorted(lines, key=lambda line: (order[line.section], line.service.start)))


def total(lines: Iterable[Line]) -> int:
    """Add the rounded lines up, in cents."""
    return sum(line.amount for line in lines)


def section_totals(lines: Iterable[Line]) -> dict[Section, int]:
    """Add the lines up by section, in the order of an invoice, leaving out empty ones."""
    present = list(lines)
    sums = {section: [line.amount for line in present if line.section is section] for section in Section}
    return {section: sum(amounts) for section, amounts in sums.items() if amounts}


def settle(invoice_total: int, balance: int) -> Settlement:
    """Settle an issued total against the account's balance in cents (sections 5 and 11).

    A total of nothing is paid, a negative one becomes credit. Credit lowers what is due; a balance below zero raises it. Less than the provider's
    least amount is paid from the balance, which goes below zero.
    """
    if invoice_total <= 0:
        return Settlement(applied=0, due=0, balance=balance - invoice_total)
    return draw(invoice_total, balance)


def draw(due: int, balance: int) -> Settlement:
    """Let the balance lower an amount due; the same at issue and before each charge of an open invoice."""
    applied = min(due, balance)
    if due - applied < SMALLEST_CHARGE:
        applied = due
    return Settlement(applied=applied, due=due - applied, balance=balance - applied)


def _line(charge: Charge) -> Line:
    return Line(
        key=charge.key,
        section=charge.section,
        description=charge.description,
        period=charge.period,
        service=charge.service,
        amount=charge.amount,
        explanation=charge.explanation,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        tiers=charge.tiers,
        change=charge.change,
        causes=charge.causes,
        is_adjustment=False,
    )


def _adjustment(charge: Charge, before: int) -> Line:
    amount = charge.amount - before
    return Line(
        key=charge.key,
        section=charge.section,
        description=f"Adjustment: {charge.description}",
        period=charge.period,
        service=charge.service,
        amount=amount,
        explanation=f"{charge.explanation}; billed before {show_cents(before)}; difference {show_cents(amount)}",
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        tiers=charge.tiers,
        change=charge.change,
        causes=charge.causes,
        is_adjustment=True,
    )


def _withdrawal(key: str, before: Billed) -> Line:
    return Line(
        key=key,
        section=before.section,
        description=f"Adjustment: {before.description}",
        period=before.period,
        service=before.service,
        amount=-before.amount,
        explanation=f"$0.00; billed before {show_cents(before.amount)}; difference {show_cents(-before.amount)}",
        quantity=None,
        unit_price=None,
        tiers=(),
        change=before.change,
        causes=(),
        is_adjustment=True,
    )

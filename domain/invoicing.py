"""The next invoice is what should have been billed by now, minus what has been billed (section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from domain.calendar import Period
from domain.charges import History, charges
from domain.money import show_cents
from domain.phases import Parting, Phase, PhaseKind
from domain.rating import TierPart
from domain.refusal import Refusal
from domain.sections import Charge, Section, Stream

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
}


@dataclass(eq=False)
class InvoiceNotOpen(Refusal):
    """The invoice is paid, void or written off."""

    template = "Invoice {number} is {status}; only an open invoice can be paid."
    number: int
    status: str


@dataclass(eq=False)
class CreditNoteTooLarge(Refusal):
    """A credit note forgives no more than was billed."""

    template = "At most {most} of invoice {number} is left to be credited; {asked} was asked for."
    number: int
    most: str
    asked: str


@dataclass(eq=False)
class ChargeOnItsWay(Refusal):
    """The invoice is being charged, and what comes of it is not known yet."""

    template = "Invoice {number} is being charged, or waits for the customer to confirm the charge; try again once that is settled."
    number: int


def credit_note_to_due(*, number: int, total: int, noted: int, due: int, amount: int) -> int:
    """Decide what part of a credit note lowers the due amount; the rest becomes credit. Raises CreditNoteTooLarge."""
    most = max(0, total) - noted
    if not 1 <= amount <= most:
        raise CreditNoteTooLarge(number, show_cents(most), show_cents(amount))
    return min(amount, due)


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


def next_invoices(
    history: History, billed: Mapping[str, Billed], *, on: date, since: date | None = None
) -> tuple[tuple[Stream, tuple[Line, ...]], ...]:
    """Work out the invoices of a date, in the order in which they are numbered, each with its lines (section 5)."""
    lines = next_lines(history, billed, on=on, since=since)
    found = [phase for phase in history.phases() if phase.start <= on]
    groups: dict[Stream, list[Line]] = {stream: [] for stream in Stream}
    for line in lines:
        groups[_stream(line, on=on, found=found)].append(line)
    return tuple((stream, tuple(group)) for stream, group in groups.items() if group)


def _stream(line: Line, *, on: date, found: Sequence[Phase]) -> Stream:
    """Tell which of a date's invoices takes a line; `found` are the phases begun by then.

    After the end there are final ones only. Where a phase is cut, one invoice takes everything, but for a price book's
    migration, whose old part stands apart. Terms and contracts have usage (of a term also prorations) apart.
    """
    latest = found[-1]
    if latest.end is not None and latest.end <= on:
        return Stream.FINAL
    before = found[-2] if len(found) > 1 and latest.start == on else None
    if before and before.parting is Parting.CUT_APART:
        is_old = line.period.start < on or line.period.end <= on
        return Stream.FINAL if is_old else Stream.SUBSCRIPTION
    if (before and before.parting is Parting.CUT) or latest.kind not in _APART:
        return Stream.SUBSCRIPTION
    return Stream.ADDITIONAL_USAGE if line.section in _APART[latest.kind] else Stream.SUBSCRIPTION


_APART: Mapping[PhaseKind, frozenset[Section]] = {
    PhaseKind.YEARLY: frozenset({Section.ADDITIONAL_USAGE, Section.PRORATIONS}),
    PhaseKind.CONTRACT: frozenset({Section.ADDITIONAL_USAGE}),
}


def change_lines(
    history: History, billed: Mapping[str, Billed], *, on: date, since: date | None = None
) -> tuple[Line, ...]:
    """Work out the lines of a change that is invoiced at once: of that change only (section 7)."""
    due = [charge for charge in charges(history, through=on, since=since) if charge.due_on == on]
    own = [charge for charge in due if charge.section is Section.PRORATIONS and charge.service.start == on]
    kept = {charge.key: billed[charge.key] for charge in own if charge.key in billed}
    return reconcile(own, kept)


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
    return replace(
        _line(charge),
        description=f"Adjustment: {charge.description}",
        amount=amount,
        explanation=f"{charge.explanation}; billed before {show_cents(before)}; difference {show_cents(amount)}",
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

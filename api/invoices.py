"""Invoices (section 5): issued ones and the next one in the same shape, every line with its arithmetic and its causes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from adapters.tables import invoices as tables
from adapters.tables.subscriptions import SubscriptionFact
from api.context import Info
from api.enums import InvoiceStatus, Section
from api.nodes import Node, node_id
from api.payments import Payment, payment
from api.periods import Period, dates, period
from api.scalars import BigInt, Money, UnitPrice, money
from api.seats import Teammate, teammate
from domain.dunning import explain
from domain.invoicing import Line
from services.invoices import ladder_of
from services.previews import NextInvoice


@strawberry.type(description="Units of a line that fall in one tier.")
class TierPart:
    """A step of a graduated line."""

    first: BigInt = strawberry.field(description="First unit of the tier.")
    last: BigInt | None = strawberry.field(description="Last unit of the tier; null for no end.")
    units: BigInt = strawberry.field(description="Units that fall in it.")
    unit_price: UnitPrice = strawberry.field(description="Price of each in dollars.")


@strawberry.type(description="A dated fact behind a line.")
class Cause:
    """Why a line exists."""

    kind: str = strawberry.field(
        description="What happened: STARTED, PLAN_CHANGED, PSP_ADDED, SEAT_FULL, SEAT_LITE, SEAT_ENDED and so on."
    )
    at: datetime = strawberry.field(description="When it became true.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    teammate_key: strawberry.Private[tuple[UUID, UUID] | None]

    @strawberry.field(description="The teammate whose seat it was about.")
    async def teammate(self, info: Info) -> Teammate | None:
        """Load the teammate."""
        if self.teammate_key is None:
            return None
        row = await info.context.loaders.teammates.load(self.teammate_key)
        return teammate(row) if row else None


@strawberry.type(description="One line of an invoice.")
class InvoiceLine:
    """A charge or an adjustment."""

    section: Section = strawberry.field(description="The section it stands in.")
    description: str = strawberry.field(description="What it is for.")
    quantity: BigInt | None = strawberry.field(
        description="Seats or units; below zero for what is given back."
    )
    unit_price: UnitPrice | None = strawberry.field(
        description="Price of one for a full period, in dollars; null where tiers apply."
    )
    tiers: list[TierPart] = strawberry.field(description="The tiers its units fall in.")
    service_period: Period = strawberry.field(description="The dates it is for.")
    billing_period: Period = strawberry.field(description="The billing period it belongs to.")
    amount: Money = strawberry.field(description="Its amount, rounded once.")
    explanation: str = strawberry.field(description="The arithmetic in full.")
    is_adjustment: bool = strawberry.field(
        description="Whether it corrects what an earlier invoice billed for the same thing."
    )
    change: str | None = strawberry.field(description="Joins the two lines of one proration pair.")
    account_id: strawberry.Private[UUID]
    positions: strawberry.Private[Sequence[int]]

    @strawberry.field(
        description="The dated facts that caused it; usage lines come from the usage of their period."
    )
    async def causes(self, info: Info) -> list[Cause]:
        """Load the facts."""
        found = await info.context.loaders.facts.load_many(
            [(self.account_id, position) for position in self.positions]
        )
        causes = []
        for row in found:
            if isinstance(row, SubscriptionFact):
                causes.append(Cause(kind=row.kind, at=row.at, recorded_at=row.recorded_at, teammate_key=None))
            elif row is not None:
                key = (row.account_id, row.teammate_id)
                kind = f"SEAT_{row.seat or 'ENDED'}"
                causes.append(Cause(kind=kind, at=row.at, recorded_at=row.recorded_at, teammate_key=key))
        return causes


@strawberry.type(
    description="A change inside a period: what its days left cost, less what was charged for them."
)
class ProrationChange:
    """The two lines of a pair and their net."""

    service_period: Period = strawberry.field(description="The days left, from the change on.")
    net: Money = strawberry.field(description="Remaining time less unused time.")
    lines: list[InvoiceLine] = strawberry.field(description="The lines.")


@strawberry.type(description="The lines of one section.")
class InvoiceSectionGroup:
    """A section with its total."""

    section: Section = strawberry.field(description="The section.")
    label: str = strawberry.field(description="Its heading.")
    total: Money = strawberry.field(description="The sum of its lines.")
    lines: list[InvoiceLine] = strawberry.field(description="Its lines.")
    changes: list[ProrationChange] = strawberry.field(description="Its proration pairs with their nets.")


@strawberry.type(
    description="The next invoice, if nothing more happens: worked out as the invoice itself will be."
)
class UpcomingInvoice:
    """A preview."""

    invoice_on: date = strawberry.field(description="The date it will be issued.")
    period: Period = strawberry.field(description="The period that runs.")
    total: Money = strawberry.field(description="The sum of its lines.")
    credit_applied: Money = strawberry.field(
        description="Credit that will lower what is due; below zero, a debt added."
    )
    due: Money = strawberry.field(description="What will be charged.")
    sections: list[InvoiceSectionGroup] = strawberry.field(description="Its lines by section.")


@strawberry.type(description="How the collection of an open invoice goes on.")
class Collection:
    """Where dunning stands."""

    next_attempt_at: datetime | None = strawberry.field(description="When it is charged next.")
    freeze_on: date = strawberry.field(description="The date the account is frozen if it is still open.")
    explanation: str = strawberry.field(description="What happened and what comes next, in plain words.")


@strawberry.type(description="An issued invoice. Its lines never change.")
class Invoice(Node):
    """An invoice."""

    number: int = strawberry.field(description="Its number: an account's invoices are numbered without gaps.")
    invoice_on: date = strawberry.field(description="Its date.")
    status: InvoiceStatus = strawberry.field(description="Where it stands.")
    period: Period = strawberry.field(description="The period that was running when it was made.")
    total: Money = strawberry.field(description="The sum of its lines; below zero it became credit.")
    credit_applied: Money = strawberry.field(
        description="Credit that lowered what is due; below zero, a debt added."
    )
    due: Money = strawberry.field(description="What is left to pay.")
    issued_at: datetime = strawberry.field(description="When it was issued.")
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    row: strawberry.Private[tables.Invoice]

    @strawberry.field(description="Its lines by section, in the order of an invoice.")
    async def sections(self, info: Info) -> list[InvoiceSectionGroup]:
        """Load the lines and group them."""
        rows = await info.context.loaders.lines.load((self.row.account_id, self.row.id))
        return grouped([_stored_line(row) for row in rows or []])

    @strawberry.field(description="Its lines, one after the other.")
    async def lines(self, info: Info) -> list[InvoiceLine]:
        """Load the lines."""
        rows = await info.context.loaders.lines.load((self.row.account_id, self.row.id))
        return [_stored_line(row) for row in rows or []]

    @strawberry.field(description="The attempts to charge it, first to last.")
    async def payments(self, info: Info) -> list[Payment]:
        """Load the attempts."""
        rows = await info.context.loaders.attempts.load((self.row.account_id, self.row.id))
        return [payment(row) for row in rows or []]

    @strawberry.field(description="How its collection goes on; null once it is not open.")
    async def collection(self, info: Info) -> Collection | None:
        """Say where dunning stands."""
        if self.status is not InvoiceStatus.OPEN:
            return None
        account = await info.context.loaders.accounts.load(self.row.account_id)
        if account is None:
            return None
        ladder = ladder_of(self.row)
        return Collection(
            next_attempt_at=self.row.next_attempt_at,
            freeze_on=ladder.freeze_on,
            explanation=explain(
                ladder,
                is_frozen=account.row.frozen_at is not None,
                has_method=account.row.payment_method is not None,
                failure=self.row.failure,
            ),
        )


def invoice(row: tables.Invoice) -> Invoice:
    """Show an issued invoice."""
    return Invoice(
        id=node_id("Invoice", row.account_id, row.id),
        number=row.number,
        invoice_on=row.invoice_on,
        status=InvoiceStatus(row.status),
        period=dates(row.period_start, row.period_end),
        total=money(row.total_cents),
        credit_applied=money(row.credit_applied_cents),
        due=money(row.due_cents),
        issued_at=row.issued_at,
        paid_at=row.paid_at,
        row=row,
    )


def upcoming_invoice(preview: NextInvoice) -> UpcomingInvoice:
    """Show the next invoice."""
    return UpcomingInvoice(
        invoice_on=preview.invoice_on,
        period=period(preview.period),
        total=money(preview.total),
        credit_applied=money(preview.settlement.applied),
        due=money(preview.settlement.due),
        sections=grouped([_line(preview.account_id, line) for line in preview.lines]),
    )


def grouped(lines: list[InvoiceLine]) -> list[InvoiceSectionGroup]:
    """Group lines by section; sums are of the lines' own rounded amounts."""
    groups = []
    for section in Section:
        own = [line for line in lines if line.section is section]
        if own:
            groups.append(
                InvoiceSectionGroup(
                    section=section,
                    label=section.label,
                    total=_sum(own),
                    lines=own,
                    changes=_changes(own),
                )
            )
    return groups


def _changes(lines: Iterable[InvoiceLine]) -> list[ProrationChange]:
    pairs: dict[str, list[InvoiceLine]] = {}
    for line in lines:
        if line.change is not None:
            pairs.setdefault(line.change, []).append(line)
    return [
        ProrationChange(service_period=pair[0].service_period, net=_sum(pair), lines=pair)
        for pair in pairs.values()
    ]


def _sum(lines: Iterable[InvoiceLine]) -> Money:
    return Money(amount=sum((line.amount.amount for line in lines), start=Decimal("0.00")), currency="USD")


def _line(account_id: UUID, line: Line) -> InvoiceLine:
    return InvoiceLine(
        section=line.section,
        description=line.description,
        quantity=None if line.quantity is None else BigInt(line.quantity),
        unit_price=None if line.unit_price is None else UnitPrice(line.unit_price),
        tiers=[_tier(part.first, part.last, part.units, part.price) for part in line.tiers],
        service_period=period(line.service),
        billing_period=period(line.period),
        amount=money(line.amount),
        explanation=line.explanation,
        is_adjustment=line.is_adjustment,
        change=line.change,
        account_id=account_id,
        positions=line.causes,
    )


def _stored_line(row: tables.InvoiceLine) -> InvoiceLine:
    return InvoiceLine(
        section=Section(row.section),
        description=row.description,
        quantity=None if row.quantity is None else BigInt(row.quantity),
        unit_price=None if row.unit_price is None else UnitPrice(row.unit_price),
        tiers=[_tier(**part) for part in row.tiers],
        service_period=dates(row.service_start, row.service_end),
        billing_period=dates(row.period_start, row.period_end),
        amount=money(row.amount_cents),
        explanation=row.explanation,
        is_adjustment=row.is_adjustment,
        change=row.change_key,
        account_id=row.account_id,
        positions=row.causes,
    )


def _tier(first: int, last: int | None, units: int, price: int) -> TierPart:
    return TierPart(
        first=BigInt(first),
        last=None if last is None else BigInt(last),
        units=BigInt(units),
        unit_price=UnitPrice(price),
    )

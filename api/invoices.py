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
from api.enums import DunningState, InvoiceStatus, Section, Stream
from api.nodes import Node, node_id
from api.payments import Payment, payment
from api.periods import Period, dates, period
from api.scalars import BigInt, Money, UnitPrice, money
from api.seats import Teammate, teammate
from domain.dunning import explain
from domain.invoicing import Line
from services import verification
from services.accounts import read_account
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

    state: DunningState = strawberry.field(description="Where it stands.")
    next_attempt_at: datetime | None = strawberry.field(description="When it is charged next.")
    confirm_url: str | None = strawberry.field(
        description="Where the customer confirms the charge that the bank wants confirmed."
    )
    freeze_on: date = strawberry.field(description="The date the account is frozen if it is still open.")
    explanation: str = strawberry.field(description="What happened and what comes next, in plain words.")


@strawberry.type(description="A part of an invoice that was forgiven; it stays billed.")
class CreditNote:
    """A credit note."""

    amount: Money = strawberry.field(description="What was forgiven.")
    lowered_due: Money = strawberry.field(
        description="What of it lowered the due amount; the rest became credit."
    )
    reason: str = strawberry.field(description="Why.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="An invoice worked out again from what was known when it was made.")
class Verification:
    """Proof of an invoice."""

    is_right: bool = strawberry.field(description="Whether every line is exactly what it should be.")
    differences: list[str] = strawberry.field(description="What differs, a sentence each.")


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
    stream: Stream = strawberry.field(description="Which of a date's invoices it is.")
    closed_reason: str | None = strawberry.field(description="Why it was voided or written off.")
    row: strawberry.Private[tables.Invoice]

    @strawberry.field(
        description="Path of its PDF on this host, to be fetched with the same key; it says where the payment stands today."
    )
    def pdf_url(self) -> str:
        """Give the path."""
        return f"/invoices/{self.id}.pdf"

    @strawberry.field(description="Path of its lines as CSV, to be fetched with the same key.")
    def csv_url(self) -> str:
        """Give the path."""
        return f"/invoices/{self.id}.csv"

    @strawberry.field(description="Its lines by section, in the order of an invoice.")
    async def sections(self, info: Info) -> list[InvoiceSectionGroup]:
        """Load the lines and group them."""
        rows = await info.context.loaders.lines.load((self.row.account_id, self.row.id))
        return grouped([stored_line(row) for row in rows or []], is_yearly=_is_yearly(self.row))

    @strawberry.field(description="Its lines, one after the other.")
    async def lines(self, info: Info) -> list[InvoiceLine]:
        """Load the lines."""
        rows = await info.context.loaders.lines.load((self.row.account_id, self.row.id))
        return [stored_line(row) for row in rows or []]

    @strawberry.field(description="The attempts to charge it, first to last.")
    async def payments(self, info: Info) -> list[Payment]:
        """Load the attempts."""
        rows = await info.context.loaders.attempts.load((self.row.account_id, self.row.id))
        return [payment(row) for row in rows or []]

    @strawberry.field(description="Its credit notes, oldest first.")
    async def credit_notes(self, info: Info) -> list[CreditNote]:
        """Load the credit notes."""
        rows = await info.context.loaders.credit_notes.load((self.row.account_id, self.row.id))
        return [
            CreditNote(
                amount=money(row.amount_cents),
                lowered_due=money(row.to_due_cents),
                reason=row.reason,
                at=row.at,
            )
            for row in rows or []
        ]

    @strawberry.field(
        description="Work it out again from the facts, the usage and the invoices known when it was made, and compare."
    )
    async def verify(self, info: Info) -> Verification:
        """Prove the invoice."""
        async with info.context.sessions() as session:
            account = await read_account(session, account_id=self.row.account_id, wall=info.context.wall)
            verdict = await verification.verify(session, account, invoice_id=self.row.id)
        return Verification(is_right=verdict.is_right, differences=list(verdict.differences))

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
            state=ladder.state,
            confirm_url=self.row.action_url,
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
        stream=Stream(row.stream),
        closed_reason=row.closed_reason,
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
        sections=grouped(
            [_line(preview.account_id, line) for line in preview.lines], is_yearly=preview.is_yearly
        ),
    )


def issued_as_upcoming(row: tables.Invoice, lines: Iterable[tables.InvoiceLine]) -> UpcomingInvoice:
    """Show an invoice that a previewed change would issue."""
    return UpcomingInvoice(
        invoice_on=row.invoice_on,
        period=dates(row.period_start, row.period_end),
        total=money(row.total_cents),
        credit_applied=money(row.credit_applied_cents),
        due=money(row.due_cents),
        sections=grouped([stored_line(line) for line in lines], is_yearly=_is_yearly(row)),
    )


def lines_of(preview: UpcomingInvoice) -> list[InvoiceLine]:
    """Give the lines of all sections."""
    return [line for section in preview.sections for line in section.lines]


def grouped(lines: list[InvoiceLine], *, is_yearly: bool) -> list[InvoiceSectionGroup]:
    """Group lines by section; sums are of the lines' own rounded amounts."""
    groups = []
    for section in Section:
        own = [line for line in lines if line.section is section]
        if own:
            groups.append(
                InvoiceSectionGroup(
                    section=section,
                    label=section.label(is_yearly=is_yearly),
                    total=_sum(own),
                    lines=own,
                    changes=_changes(own),
                )
            )
    return groups


def _is_yearly(row: tables.Invoice) -> bool:
    """Tell whether an invoice is the monthly one of a yearly term; only those have prorations beside usage."""
    return row.stream in {Stream.ADDITIONAL_USAGE, Stream.CHANGE}


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
        tiers=[tier_part(part.first, part.last, part.units, part.price) for part in line.tiers],
        service_period=period(line.service),
        billing_period=period(line.period),
        amount=money(line.amount),
        explanation=line.explanation,
        is_adjustment=line.is_adjustment,
        change=line.change,
        account_id=account_id,
        positions=line.causes,
    )


def stored_line(row: tables.InvoiceLine) -> InvoiceLine:
    """Show a line of an issued invoice."""
    return InvoiceLine(
        section=Section(row.section),
        description=row.description,
        quantity=None if row.quantity is None else BigInt(row.quantity),
        unit_price=None if row.unit_price is None else UnitPrice(row.unit_price),
        tiers=[tier_part(**part) for part in row.tiers],
        service_period=dates(row.service_start, row.service_end),
        billing_period=dates(row.period_start, row.period_end),
        amount=money(row.amount_cents),
        explanation=row.explanation,
        is_adjustment=row.is_adjustment,
        change=row.change_key,
        account_id=row.account_id,
        positions=row.causes,
    )


def tier_part(first: int, last: int | None, units: int, price: int) -> TierPart:
    """Show the units that fall in one tier."""
    return TierPart(
        first=BigInt(first),
        last=None if last is None else BigInt(last),
        units=BigInt(units),
        unit_price=UnitPrice(price),
    )

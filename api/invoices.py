"""Issued invoices (section 5): what they came to, their files, how they are collected, and the proof of them."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from adapters.tables import invoices as tables
from api.context import Info
from api.enums import DunningState, InvoiceStatus, Stream
from api.lines import InvoiceLine, InvoiceSectionGroup, issued_sections, stored_line
from api.nodes import Node, node_id
from api.payments import Payment, payment
from api.periods import Period, dates
from api.scalars import Money, money
from domain.dunning import explain
from services import verification
from services.accounts import read_account
from services.invoices import ladder_of


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
        return issued_sections(self.row, rows or [])

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

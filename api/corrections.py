"""Correcting issued invoices, for staff: operators' keys note, void and write off, each with a reason."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from api.context import Info
from api.invoices import Invoice, invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from domain.invoicing import ChargeOnItsWay, CreditNoteTooLarge, InvoiceNotOpen
from services import corrections
from services.accounts import AccountNow, lock_account
from services.invoices import UnknownInvoice

CENTS = 100


@strawberry.input(description="A credit note to make.")
class CreditNoteCreateInput:
    """Input of creditNoteCreate."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    amount: Decimal = strawberry.field(description="What is forgiven, in dollars and whole cents.")
    reason: SafeString = strawberry.field(description="Why.")


@strawberry.input(description="An open invoice to undo.")
class InvoiceVoidInput:
    """Input of invoiceVoid."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: SafeString = strawberry.field(description="Why.")


@strawberry.input(description="An open invoice to give up.")
class InvoiceWriteOffInput:
    """Input of invoiceWriteOff."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: SafeString = strawberry.field(description="Why.")


@strawberry.type(description="The invoice with its credit note.")
class CreditNoteCreatePayload:
    """Payload of creditNoteCreate."""

    invoice: Invoice = strawberry.field(description="The invoice.")


@strawberry.type(description="The invoice undone.")
class InvoiceVoidPayload:
    """Payload of invoiceVoid."""

    invoice: Invoice = strawberry.field(description="The invoice.")


@strawberry.type(description="The invoice given up.")
class InvoiceWriteOffPayload:
    """Payload of invoiceWriteOff."""

    invoice: Invoice = strawberry.field(description="The invoice.")


@mutation(
    payload=CreditNoteCreatePayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay, CreditNoteTooLarge),
    description=(
        "Forgive a part of an invoice: it lowers what is due; of a paid invoice it becomes credit. Needs an operator's key."
    ),
)
async def credit_note_create(info: Info, input: CreditNoteCreateInput) -> CreditNoteCreatePayload:
    """Make a credit note."""
    account_id, invoice_id = _reach(info, input.invoice_id)
    async with info.context.sessions.begin() as session:
        account = await _lock(info, session, account_id)
        row = await corrections.create_credit_note(
            session, account, invoice_id=invoice_id, amount_cents=_cents(input.amount), reason=input.reason
        )
    return CreditNoteCreatePayload(invoice=invoice(row))


@mutation(
    payload=InvoiceVoidPayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay),
    description="Undo an open invoice: its charges come back on the next one, recomputed. Needs an operator's key.",
)
async def invoice_void(info: Info, input: InvoiceVoidInput) -> InvoiceVoidPayload:
    """Void an invoice."""
    account_id, invoice_id = _reach(info, input.invoice_id)
    async with info.context.sessions.begin() as session:
        account = await _lock(info, session, account_id)
        row = await corrections.void(session, account, invoice_id=invoice_id, reason=input.reason)
    return InvoiceVoidPayload(invoice=invoice(row))


@mutation(
    payload=InvoiceWriteOffPayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay),
    description="Give up collecting an open invoice; it stays billed. Needs an operator's key.",
)
async def invoice_write_off(info: Info, input: InvoiceWriteOffInput) -> InvoiceWriteOffPayload:
    """Write an invoice off."""
    account_id, invoice_id = _reach(info, input.invoice_id)
    async with info.context.sessions.begin() as session:
        account = await _lock(info, session, account_id)
        row = await corrections.write_off(session, account, invoice_id=invoice_id, reason=input.reason)
    return InvoiceWriteOffPayload(invoice=invoice(row))


def _reach(info: Info, invoice_id: str) -> tuple[UUID, UUID]:
    info.context.require_operator()
    return must_reach(info, invoice_id, "Invoice", UnknownInvoice)


async def _lock(info: Info, session: AsyncSession, account_id: UUID) -> AccountNow:
    return await lock_account(session, account_id=account_id, wall=info.context.wall, unknown=UnknownInvoice)


def _cents(dollars: Decimal) -> int:
    """Read dollars as whole cents; anything finer, or nothing, is no amount a note can have."""
    cents = dollars * CENTS
    return int(cents) if cents == cents.to_integral_value() else 0

"""Correcting issued invoices, for staff: operators' keys note, void and write off, each with a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import strawberry

from adapters.tables import invoices as tables
from api.changes import Change, alone, make, token_field
from api.context import Info
from api.idempotency import key_field
from api.invoices import Invoice, invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString, whole_cents
from domain.invoicing import ChargeOnItsWay, CreditNoteTooLarge, InvoiceNotOpen
from services import corrections
from services.changes import PriceChanged
from services.invoices import UnknownInvoice


@strawberry.input(description="A credit note to make.")
class CreditNoteCreateInput:
    """Input of creditNoteCreate."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    amount: Decimal = strawberry.field(description="What is forgiven, in dollars and whole cents.")
    reason: SafeString = strawberry.field(description="Why.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="An open invoice to undo.")
class InvoiceVoidInput:
    """Input of invoiceVoid."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: SafeString = strawberry.field(description="Why.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="An open invoice to give up.")
class InvoiceWriteOffInput:
    """Input of invoiceWriteOff."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: SafeString = strawberry.field(description="Why.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


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


def credit_note_create_change(info: Info, input: CreditNoteCreateInput) -> Change:
    """Plan to make a credit note."""
    cents, reason = whole_cents(input.amount), input.reason
    return _change(info, input.invoice_id, corrections.create_credit_note, amount_cents=cents, reason=reason)


@mutation(
    payload=CreditNoteCreatePayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay, CreditNoteTooLarge, PriceChanged),
    description=(
        "Forgive a part of an invoice: it lowers what is due; of a paid invoice it becomes credit. Needs an operator's key."
    ),
)
async def credit_note_create(info: Info, input: CreditNoteCreateInput) -> CreditNoteCreatePayload:
    """Make a credit note."""
    row, _ = await make(info, credit_note_create_change(info, input), token=input.preview_token)
    return CreditNoteCreatePayload(invoice=invoice(row))


def invoice_void_change(info: Info, input: InvoiceVoidInput) -> Change:
    """Plan to void an invoice."""
    return _change(info, input.invoice_id, corrections.void, reason=input.reason)


@mutation(
    payload=InvoiceVoidPayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay, PriceChanged),
    description="Undo an open invoice: its charges come back on the next one, recomputed. Needs an operator's key.",
)
async def invoice_void(info: Info, input: InvoiceVoidInput) -> InvoiceVoidPayload:
    """Void an invoice."""
    row, _ = await make(info, invoice_void_change(info, input), token=input.preview_token)
    return InvoiceVoidPayload(invoice=invoice(row))


def invoice_write_off_change(info: Info, input: InvoiceWriteOffInput) -> Change:
    """Plan to write an invoice off."""
    return _change(info, input.invoice_id, corrections.write_off, reason=input.reason)


@mutation(
    payload=InvoiceWriteOffPayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay, PriceChanged),
    description="Give up collecting an open invoice; it stays billed. Needs an operator's key.",
)
async def invoice_write_off(info: Info, input: InvoiceWriteOffInput) -> InvoiceWriteOffPayload:
    """Write an invoice off."""
    row, _ = await make(info, invoice_write_off_change(info, input), token=input.preview_token)
    return InvoiceWriteOffPayload(invoice=invoice(row))


def _change(
    info: Info, node: str, correct: Callable[..., Awaitable[tables.Invoice]], **given: object
) -> Change:
    """Plan to correct an invoice."""
    account_id, invoice_id = must_reach(info, node, "Invoice", UnknownInvoice)
    return Change(
        account_id, lambda s, a: alone(correct(s, a, invoice_id=invoice_id, **given)), unknown=UnknownInvoice
    )

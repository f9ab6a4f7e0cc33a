"""Correcting what was issued (sections 5 and 11): credit notes, voids and write-offs, by staff and with a reason."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import invoices as queries
from adapters.spans import traced
from adapters.tables.invoices import CreditNote, Invoice
from domain import ledger
from domain.invoicing import (
    NEXT,
    ChargeOnItsWay,
    InvoiceEvent,
    InvoiceNotOpen,
    InvoiceStatus,
    credit_note_to_due,
)
from domain.ledger import MoveKind
from services import lateness
from services.accounts import AccountNow
from services.invoices import find_invoice
from services.ledger import close_collection, mark_paid, post


@traced
async def create_credit_note(
    session: AsyncSession, account: AccountNow, *, invoice_id: UUID, amount_cents: int, reason: str
) -> Invoice:
    """Forgive a part of an issued invoice: it lowers what is due, and on a paid invoice it becomes credit.

    It stays billed. Raises UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay, CreditNoteTooLarge.
    """
    invoice = await find_invoice(session, account_id=account.id, invoice_id=invoice_id)
    if invoice.status not in {InvoiceStatus.OPEN, InvoiceStatus.PAID}:
        raise InvoiceNotOpen(invoice.number, invoice.status)
    await _refuse_while_charging(session, account, invoice)
    noted = await queries.credited(session, account_id=account.id, invoice_id=invoice_id)
    to_due = credit_note_to_due(
        number=invoice.number,
        total=invoice.total_cents,
        noted=noted,
        due=invoice.due_cents,
        amount=amount_cents,
    )

    invoice.due_cents -= to_due
    session.add(
        CreditNote(
            account_id=account.id,
            id=new_id(),
            invoice_id=invoice_id,
            amount_cents=amount_cents,
            to_due_cents=to_due,
            reason=reason,
            at=account.now,
            recorded_at=account.now,
        )
    )
    await session.flush()
    entries = ledger.noted(amount_cents, to_due=to_due)
    await post(session, account, entries, kind=MoveKind.CREDIT_NOTE, invoice_id=invoice_id)
    if invoice.status == InvoiceStatus.OPEN and invoice.due_cents == 0:
        await mark_paid(session, account, invoice)
    return invoice


@traced
async def void(session: AsyncSession, account: AccountNow, *, invoice_id: UUID, reason: str) -> Invoice:
    """Undo an open invoice: credit it used returns, and its charges come back on the next one, recomputed (section 5).

    Raises UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay.
    """
    invoice = await _open(session, account, invoice_id=invoice_id)
    noted = await queries.credited(session, account_id=account.id, invoice_id=invoice_id)
    lines = (await queries.lines(session, [(account.id, invoice_id)]))[account.id, invoice_id]

    entries = ledger.undone(invoice.total_cents, applied=invoice.credit_applied_cents, noted=noted)
    await post(session, account, entries, kind=MoveKind.INVOICE_VOIDED, invoice_id=invoice_id)
    await _close(session, account, invoice, InvoiceEvent.UNDO, reason=reason)
    invoice.voided_at = await queries.database_time(session)
    await session.flush()
    await lateness.note(session, account, day=min(line.period_start for line in lines), is_reopened=True)
    return invoice


@traced
async def write_off(session: AsyncSession, account: AccountNow, *, invoice_id: UUID, reason: str) -> Invoice:
    """Give up collecting an open invoice; it stays billed (section 5).

    Raises UnknownInvoice, InvoiceNotOpen, ChargeOnItsWay.
    """
    invoice = await _open(session, account, invoice_id=invoice_id)
    entries = ledger.written_off(invoice.due_cents)
    await post(session, account, entries, kind=MoveKind.WRITE_OFF, invoice_id=invoice_id)
    await _close(session, account, invoice, InvoiceEvent.WRITE_OFF, reason=reason)
    return invoice


async def _open(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> Invoice:
    invoice = await find_invoice(session, account_id=account.id, invoice_id=invoice_id)
    if invoice.status != InvoiceStatus.OPEN:
        raise InvoiceNotOpen(invoice.number, invoice.status)
    await _refuse_while_charging(session, account, invoice)
    return invoice


async def _refuse_while_charging(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    if invoice.id in await queries.invoices_being_charged(session, account_id=account.id):
        raise ChargeOnItsWay(invoice.number)


async def _close(
    session: AsyncSession, account: AccountNow, invoice: Invoice, event: InvoiceEvent, *, reason: str
) -> None:
    invoice.status = NEXT[InvoiceStatus(invoice.status), event].value
    invoice.due_cents, invoice.closed_reason = 0, reason
    if event is InvoiceEvent.UNDO:
        invoice.credit_applied_cents = 0
    await close_collection(session, account, invoice)

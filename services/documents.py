"""Documents: everything an issued invoice's PDF and CSV say, read at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.database import see_one_moment
from adapters.queries import invoices as queries
from adapters.queries import refunds as refund_queries
from adapters.spans import traced
from adapters.tables.invoices import CreditNote, Invoice, InvoiceLine
from adapters.tables.payments import PaymentAttempt
from adapters.tables.refunds import Refund
from services.accounts import AccountNow, read_account
from services.invoices import UnknownInvoice, find_invoice


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An issued invoice with all that belongs to it; lines in their order, the rest from the oldest on."""

    account: AccountNow
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    attempts: Sequence[PaymentAttempt]
    credit_notes: Sequence[CreditNote]
    refunds: Sequence[Refund]


@traced
async def load_invoice(
    session: AsyncSession, *, account_id: UUID, invoice_id: UUID, wall: datetime
) -> InvoiceDocument:
    """Read an invoice in a fixed number of statements that all see the same moment; raises UnknownInvoice.

    The session must not have read anything yet.
    """
    await see_one_moment(session)
    account = await read_account(session, account_id=account_id, wall=wall, unknown=UnknownInvoice)
    invoice = await find_invoice(session, account_id=account_id, invoice_id=invoice_id)
    key = (account_id, invoice_id)
    return InvoiceDocument(
        account,
        invoice,
        lines=(await queries.lines(session, [key]))[key],
        attempts=(await queries.attempts(session, [key]))[key],
        credit_notes=(await queries.credit_notes(session, [key]))[key],
        refunds=await refund_queries.of_invoice(session, account_id=account_id, invoice_id=invoice_id),
    )

"""The ledger: money moves of an account posted in balance, its credit read back, and invoices paid from that credit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import accounts as account_queries
from adapters.queries import duework
from adapters.queries import invoices as queries
from adapters.tables.invoices import Invoice
from domain import ledger
from domain.invoicing import NEXT, InvoiceEvent, InvoiceStatus, draw
from domain.ledger import Entry, MoveKind
from services import announcements, audit
from services.accounts import AccountNow
from services.notifications import tell


async def credit_balances(session: AsyncSession, account_ids: list[UUID]) -> dict[UUID, int]:
    """Give accounts' credit in cents; below zero it is owed."""
    sums = await account_queries.credit_sums(session, account_ids)
    return {account_id: ledger.balance(sums.get(account_id, 0)) for account_id in account_ids}


async def credit_ahead(session: AsyncSession, account_ids: list[UUID]) -> dict[UUID, int]:
    """Give the balance there will be for accounts' next invoices, in cents: credit lowers open ones first (section 5)."""
    balances = await credit_balances(session, account_ids)
    having = [account_id for account_id, balance in balances.items() if balance > 0]
    open_dues = await queries.dues(session, having) if having else {}
    for account_id, found in open_dues.items():
        for due in found:
            balances[account_id] = draw(due, balances[account_id]).balance
    return balances


def entry_rows(
    account: AccountNow, entries: Iterable[Entry], *, kind: MoveKind, invoice_id: UUID | None
) -> list[dict[str, Any]]:
    """Give the ledger rows of one money move, under one transaction id."""
    transaction_id = new_id()
    return [
        {
            "account_id": account.id,
            "id": new_id(),
            "transaction_id": transaction_id,
            "ledger_account": entry.account.value,
            "amount_cents": entry.amount,
            "kind": kind.value,
            "invoice_id": invoice_id,
            "at": account.now,
            "recorded_at": account.now,
        }
        for entry in entries
    ]


async def post(
    session: AsyncSession, account: AccountNow, entries: Iterable[Entry], *, kind: MoveKind, invoice_id: UUID
) -> None:
    """Post one money move of an invoice."""
    rows = entry_rows(account, entries, kind=kind, invoice_id=invoice_id)
    await queries.write(session, invoices=[], lines=[], entries=rows)
    touch(session, Touched.INVOICE, account.id, invoice_id)


async def apply_credit(session: AsyncSession, account: AccountNow) -> int:
    """Let the balance lower what open invoices owe, oldest first, and give what is left of it (section 5).

    An invoice with a charge on its way keeps the amount being charged.
    """
    balance = (await credit_balances(session, [account.id]))[account.id]
    if balance == 0:
        return 0
    charging = await queries.invoices_being_charged(session, account_id=account.id)
    for invoice in await queries.open_invoices(session, account_id=account.id):
        if invoice.id in charging:
            continue
        settlement = draw(invoice.due_cents, balance)
        balance = settlement.balance
        invoice.credit_applied_cents += settlement.applied
        invoice.due_cents = settlement.due
        entries = ledger.credit_applied(settlement.applied)
        await post(session, account, entries, kind=MoveKind.CREDIT_APPLIED, invoice_id=invoice.id)
        if settlement.is_paid:
            await mark_paid(session, account, invoice)
    return balance


async def mark_paid(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    """Close an invoice as paid (section 11)."""
    invoice.status = NEXT[InvoiceStatus(invoice.status), InvoiceEvent.PAY].value
    invoice.paid_at, invoice.failure = account.now, None
    await close_collection(session, account, invoice)


async def close_collection(session: AsyncSession, account: AccountNow, invoice: Invoice) -> None:
    """Stop collecting an invoice; when it was the last open one, a frozen account is restored at once (section 11)."""
    invoice.next_attempt_at = None
    await session.flush()
    await duework.unschedule(
        session, account_id=account.id, subject_id=invoice.id, kinds=["COLLECT", "FREEZE"]
    )
    if account.row.frozen_at and not await queries.open_invoices(session, account_id=account.id):
        audit.keep_automatic(
            session,
            account_id=account.id,
            action="accountRestore",
            reason=f"Invoice {invoice.number} was the last open one.",
            field_name="frozen_at",
            before=account.row.frozen_at,
            after=None,
        )
        account.row.frozen_at = None
        await tell(session, [announcements.restored(account)])

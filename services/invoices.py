"""Issuing invoices: what should have been billed, less what has been, for one account or hundreds at a stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import invoices as queries
from adapters.queries import locks
from adapters.queries import subscriptions as subscription_queries
from adapters.queries.subscriptions import Due
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain import ledger
from domain.calendar import local_day, month_of, opening
from domain.dunning import Ladder
from domain.invoicing import InvoiceStatus, Line, Settlement, next_lines, settle, total
from domain.refusal import Refusal
from services import histories
from services.accounts import AccountNow
from services.histories import Running
from services.ledger import apply_credit, credit_balances, entry_rows

STREAM = "SUBSCRIPTION"


@dataclass(eq=False)
class UnknownInvoice(Refusal):
    """No invoice of the caller's has the id."""

    template = "No invoice has this id; invoices of other accounts look the same as none."


async def close(session: AsyncSession, accounts: Sequence[AccountNow]) -> int:
    """Close the period of each locked account whose end has come on its clock, and open the next; give their number.

    One period an account and call; done again, it finds nothing to do. Accounts are a set: one is a set of one.
    """
    # Before anything is read: a recording that commits meanwhile may move the mark of how far back to look.
    await locks.stop_usage(session, [account.id for account in accounts])
    live = await subscription_queries.live(session, [account.id for account in accounts])
    ready = [account for account in accounts if _is_over(account, live.get(account.id))]
    if not ready:
        return 0
    rows = [live[account.id] for account in ready]

    await _issue(session, ready, on={row.account_id: row.period_end for row in rows}, rows=rows)

    work = []
    for account, row in zip(ready, rows, strict=True):
        row.period_start, row.period_end = row.period_end, month_of(row.anchor_on, row.period_end).end
        row.dirty_from = None
        work.append(Due(account.id, "CLOSE", row.id, opening(row.period_end, account.zone)))
    await session.flush()
    await subscription_queries.schedule(session, work)
    return len(ready)


async def issue(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    *,
    on: Mapping[UUID, date],
    rows: Sequence[Subscription],
) -> list[Invoice]:
    """Issue the invoice of a date for each locked account; one without lines is not issued (section 5)."""
    return [Invoice(**draft.invoice) for draft in await _issue(session, accounts, on=on, rows=rows)]


async def find_invoice(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> Invoice:
    """Give an invoice of an account; raises UnknownInvoice."""
    invoice = await queries.find(session, account_id=account_id, invoice_id=invoice_id)
    if invoice is None:
        raise UnknownInvoice
    return invoice


def ladder_of(invoice: Invoice) -> Ladder:
    """Give where the collection of an invoice stands."""
    return Ladder(invoice.ladder_on, invoice.ladder_step, invoice.is_hard_declined)


def collection_work(account: AccountNow, *, invoice_id: UUID, ladder: Ladder) -> list[Due]:
    """Give what falls due for an open invoice: its next charge, if there is one, and the day of the freeze."""
    work = [Due(account.id, "FREEZE", invoice_id, opening(ladder.freeze_on, account.zone))]
    if ladder.attempt_on is not None:
        due_at = max(opening(ladder.attempt_on, account.zone), account.now)
        work.append(Due(account.id, "COLLECT", invoice_id, due_at))
    return work


@dataclass(frozen=True, slots=True)
class _Draft:
    invoice: dict[str, Any]
    lines: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    work: list[Due]


async def _issue(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    *,
    on: Mapping[UUID, date],
    rows: Sequence[Subscription],
) -> list[_Draft]:
    loaded = await histories.load(session, accounts, rows, through=on)
    balances = await credit_balances(session, [account.id for account in accounts])
    for account in accounts:
        if balances[account.id] > 0:
            balances[account.id] = await apply_credit(session, account)

    drafts = [
        _draft(account, loaded[account.id], on=on[account.id], balance=balances[account.id])
        for account in accounts
    ]
    made = [draft for draft in drafts if draft is not None]

    await queries.write(
        session,
        invoices=[draft.invoice for draft in made],
        lines=[line for draft in made for line in draft.lines],
        entries=[entry for draft in made for entry in draft.entries],
    )
    await subscription_queries.schedule(session, [work for draft in made for work in draft.work])
    return made


def _is_over(account: AccountNow, row: Subscription | None) -> bool:
    if row is None or row.status != "ACTIVE":
        return False
    return account.now >= opening(row.period_end, account.zone)


def _draft(account: AccountNow, running: Running, *, on: date, balance: int) -> _Draft | None:
    lines = next_lines(running.history, running.loaded.billed, on=on, since=running.loaded.since)
    if not lines:
        return None
    settlement = settle(total(lines), balance)
    invoice = _invoice(account, running.row, on=on, amount=total(lines), settlement=settlement)
    invoice_id = invoice["id"]
    entries = ledger.issued(total(lines), settlement)
    work: list[Due] = []
    if not settlement.is_paid:
        work = collection_work(account, invoice_id=invoice_id, ladder=Ladder(invoice["ladder_on"]))
    return _Draft(
        invoice,
        [_line(running.row, invoice_id, position, line) for position, line in enumerate(lines, start=1)],
        entry_rows(account, entries, kind="INVOICE_ISSUED", invoice_id=invoice_id),
        work,
    )


def _invoice(
    account: AccountNow, row: Subscription, *, on: date, amount: int, settlement: Settlement
) -> dict[str, Any]:
    number = account.row.next_invoice_number
    account.row.next_invoice_number = number + 1
    status = InvoiceStatus.PAID if settlement.is_paid else InvoiceStatus.OPEN
    return {
        "account_id": account.id,
        "id": new_id(),
        "number": number,
        "subscription_id": row.id,
        "stream": STREAM,
        "invoice_on": on,
        "made_at": account.now,
        "issued_at": account.now,
        "period_start": row.period_start,
        "period_end": row.period_end,
        "status": status.value,
        "currency": "USD",
        "total_cents": amount,
        "credit_applied_cents": settlement.applied,
        "due_cents": settlement.due,
        "paid_at": account.now if settlement.is_paid else None,
        "ladder_on": local_day(account.now, account.zone),
        "ladder_step": 0,
        "next_attempt_at": None if settlement.is_paid else account.now,
        "is_hard_declined": False,
        "failure": None,
    }


def _line(row: Subscription, invoice_id: UUID, position: int, line: Line) -> dict[str, Any]:
    return {
        "account_id": row.account_id,
        "invoice_id": invoice_id,
        "position": position,
        "subscription_id": row.id,
        "key": line.key,
        "section": line.section.value,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "tiers": list(line.tiers),
        "period_start": line.period.start,
        "period_end": line.period.end,
        "service_start": line.service.start,
        "service_end": line.service.end,
        "amount_cents": line.amount,
        "explanation": line.explanation,
        "is_adjustment": line.is_adjustment,
        "change_key": line.change,
        "causes": list(line.causes),
    }

"""Drafts of invoices: their rows, lines and ledger entries, the work they begin and the notices of them, all written at a stroke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import duework
from adapters.queries import invoices as queries
from adapters.queries.duework import Due
from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain import ledger
from domain.calendar import Period, local_day, opening
from domain.dunning import DunningState, Ladder
from domain.invoicing import InvoiceStatus, Line, Settlement, section_totals, settle, total
from domain.ledger import MoveKind
from domain.sections import Stream
from services import announcements
from services.accounts import AccountNow
from services.ledger import entry_rows
from services.notifications import Notice, tell


@dataclass(frozen=True, slots=True)
class Issue:
    """What invoices of a subscription are issued for: a date, the occasion and the period they are shown with."""

    on: date
    occasion: str
    period: Period


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice about to be written, with all that belongs to it."""

    invoice: dict[str, Any]
    lines: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    work: list[Due]
    notice: Notice

    @property
    def row(self) -> Invoice:
        """The invoice as it will be read."""
        return Invoice(**self.invoice)


def draft(
    account: AccountNow,
    row: Subscription,
    invoices: Sequence[tuple[Stream, Sequence[Line]]],
    issue: Issue,
    *,
    balance: int,
) -> list[Draft]:
    """Draft invoices one after the other; each is settled with the balance the one before left."""
    drafts = []
    for stream, lines in invoices:
        settlement = settle(total(lines), balance)
        balance = settlement.balance
        drafts.append(_draft(account, row, lines, issue, stream=stream, settlement=settlement))
    return drafts


@traced
async def write(session: AsyncSession, drafts: Sequence[Draft]) -> None:
    """Write drafts, one statement a table."""
    for each in drafts:
        touch(session, Touched.INVOICE, each.invoice["account_id"], each.invoice["id"])
    await queries.write(
        session,
        invoices=[each.invoice for each in drafts],
        lines=[line for each in drafts for line in each.lines],
        entries=[entry for each in drafts for entry in each.entries],
    )
    await duework.schedule(session, [work for each in drafts for work in each.work])
    await tell(session, [each.notice for each in drafts])


def collection_work(account: AccountNow, *, invoice_id: UUID, ladder: Ladder) -> list[Due]:
    """Give what falls due for an open invoice: its next charge, if there is one, and the day of the freeze."""
    work = [Due(account.id, "FREEZE", invoice_id, opening(ladder.freeze_on, account.zone))]
    if ladder.attempt_on is not None:
        due_at = max(opening(ladder.attempt_on, account.zone), account.now)
        work.append(Due(account.id, "COLLECT", invoice_id, due_at))
    return work


def line_columns(line: Line) -> dict[str, Any]:
    """Give the columns of a line that say what is billed: all but its place."""
    return {
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


def _draft(
    account: AccountNow,
    row: Subscription,
    lines: Sequence[Line],
    issue: Issue,
    *,
    stream: Stream,
    settlement: Settlement,
) -> Draft:
    invoice = _invoice(account, row, issue, stream=stream, amount=total(lines), settlement=settlement)
    place = {
        "account_id": row.account_id,
        "invoice_id": invoice["id"],
        "subscription_id": row.id,
    }
    entries = ledger.issued(total(lines), settlement)
    work: list[Due] = []
    if not settlement.is_paid:
        work = collection_work(account, invoice_id=invoice["id"], ladder=Ladder(invoice["ladder_on"]))
    return Draft(
        invoice,
        [
            {**place, "position": position, **line_columns(line)}
            for position, line in enumerate(lines, start=1)
        ],
        entry_rows(account, entries, kind=MoveKind.INVOICE_ISSUED, invoice_id=invoice["id"]),
        work,
        announcements.invoice_issued(
            account,
            number=invoice["number"],
            on=issue.on,
            total=total(lines),
            sections=section_totals(lines),
            settlement=settlement,
        ),
    )


def _invoice(
    account: AccountNow,
    row: Subscription,
    issue: Issue,
    *,
    stream: Stream,
    amount: int,
    settlement: Settlement,
) -> dict[str, Any]:
    number = account.row.next_invoice_number
    account.row.next_invoice_number = number + 1
    status = InvoiceStatus.PAID if settlement.is_paid else InvoiceStatus.OPEN
    return {
        "account_id": account.id,
        "id": new_id(),
        "number": number,
        "subscription_id": row.id,
        "stream": stream.value,
        "invoice_on": issue.on,
        "made_at": account.now,
        "issued_at": account.now,
        "period_start": issue.period.start,
        "period_end": issue.period.end,
        "status": status.value,
        "currency": "USD",
        "total_cents": amount,
        "credit_applied_cents": settlement.applied,
        "due_cents": settlement.due,
        "paid_at": account.now if settlement.is_paid else None,
        "ladder_on": local_day(account.now, account.zone),
        "ladder_step": 0,
        "next_attempt_at": None if settlement.is_paid else account.now,
        "dunning_state": DunningState.RETRYING.value,
        "failure": None,
        "occasion": issue.occasion,
        "known_position": account.row.next_position,
    }

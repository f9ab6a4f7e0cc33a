"""Issuing invoices: what should have been billed, less what has been, for one account or hundreds at a stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import duework, locks
from adapters.queries import invoices as queries
from adapters.queries import subscriptions as subscription_queries
from adapters.queries.duework import Due
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain import ledger
from domain.billing import running_period
from domain.calendar import Period, local_day, month_of, opening
from domain.charges import Stream
from domain.dunning import DunningState, Ladder
from domain.invoicing import (
    InvoiceStatus,
    Line,
    Settlement,
    change_lines,
    next_invoices,
    section_totals,
    settle,
    total,
)
from domain.ledger import MoveKind
from domain.phases import phase_at
from domain.refusal import Refusal
from services import announcements, histories, watching
from services.accounts import AccountNow
from services.histories import Running
from services.ledger import apply_credit, credit_balances, entry_rows
from services.notifications import Notice, tell


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
    rows = [live[account.id] for account in ready]
    if ready:
        ends = {row.account_id: row.period_end for row in rows}
        _, loaded = await _issue(session, ready, on=ends, rows=rows)
        await _open_next(session, ready, loaded)
    return len(ready) + await _close_ended(session, accounts)


async def turn(
    session: AsyncSession, account: AccountNow, row: Subscription, *, on: date, anchor: date
) -> list[Invoice]:
    """Invoice a date at which a subscription begins, is cut or is billed otherwise, and let its periods run from there.

    The facts that say so are recorded already.
    """
    opens = Period(on, month_of(anchor, on).end)
    drafts, loaded = await _issue(
        session, [account], on={account.id: on}, rows=[row], occasion="TURN", period=opens
    )
    row.anchor_on, row.dirty_from = anchor, None
    _let_run(account, loaded[account.id], on)
    await schedule_close(session, account, row)
    await watching.periods_opened(session, [account])
    return [Invoice(**draft.invoice) for draft in drafts]


async def schedule_close(session: AsyncSession, account: AccountNow, row: Subscription) -> None:
    """Make the subscription fall due for closing as the day after its period opens."""
    due_at = opening(row.period_end, account.zone)
    await session.flush()
    await duework.schedule(session, [Due(account.id, "CLOSE", row.id, due_at)])


async def issue_change(session: AsyncSession, account: AccountNow, row: Subscription) -> list[Invoice]:
    """Issue an invoice of today's changes only, which the customer asked for at once (section 7)."""
    today = local_day(account.now, account.zone)
    running = (await histories.load(session, [account], [row]))[account.id]
    lines = change_lines(running.history, running.loaded.billed, on=today, since=running.loaded.since)
    balance = await apply_credit(session, account)
    invoices = ((Stream.CHANGE, lines),) if lines else ()
    drafts, _ = _drafts(account, running, invoices, on=today, balance=balance, occasion="CHANGE")
    await _write(session, drafts)
    return [Invoice(**draft.invoice) for draft in drafts]


async def find_invoice(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> Invoice:
    """Give an invoice of an account; raises UnknownInvoice."""
    invoice = await queries.find(session, account_id=account_id, invoice_id=invoice_id)
    if invoice is None:
        raise UnknownInvoice
    return invoice


def ladder_of(invoice: Invoice) -> Ladder:
    """Give where the collection of an invoice stands."""
    return Ladder(invoice.ladder_on, invoice.ladder_step, DunningState(invoice.dunning_state))


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
    notice: Notice


async def _issue(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    *,
    on: Mapping[UUID, date],
    rows: Sequence[Subscription],
    occasion: str = "CLOSE",
    period: Period | None = None,
) -> tuple[list[_Draft], dict[UUID, Running]]:
    loaded = await histories.load(session, accounts, rows, through=on)
    balances = await credit_balances(session, [account.id for account in accounts])
    for account in accounts:
        if balances[account.id] > 0:
            balances[account.id] = await apply_credit(session, account)

    made: list[_Draft] = []
    for account in accounts:
        running, day = loaded[account.id], on[account.id]
        invoices = next_invoices(running.history, running.loaded.billed, on=day, since=running.loaded.since)
        drafts, balances[account.id] = _drafts(
            account, running, invoices, on=day, balance=balances[account.id], occasion=occasion
        )
        if period is not None:
            for draft in drafts:
                draft.invoice["period_start"], draft.invoice["period_end"] = period.start, period.end
        made += drafts

    await _write(session, made)
    return made, loaded


async def _write(session: AsyncSession, made: Sequence[_Draft]) -> None:
    for draft in made:
        touch(session, Touched.INVOICE, draft.invoice["account_id"], draft.invoice["id"])
    await queries.write(
        session,
        invoices=[draft.invoice for draft in made],
        lines=[line for draft in made for line in draft.lines],
        entries=[entry for draft in made for entry in draft.entries],
    )
    await duework.schedule(session, [work for draft in made for work in draft.work])
    await tell(session, [draft.notice for draft in made])


async def _open_next(
    session: AsyncSession, accounts: Sequence[AccountNow], loaded: Mapping[UUID, Running]
) -> None:
    """Let the next period run, or end a subscription that was cancelled."""
    work = []
    rows = [loaded[account.id].row for account in accounts]
    for account, row in zip(accounts, rows, strict=True):
        row.dirty_from = None
        if row.ends_on is not None and row.period_end >= row.ends_on:
            row.status, row.ended_at = "ENDED", opening(row.ends_on, account.zone)
            continue
        _let_run(account, loaded[account.id], row.period_end)
        work.append(Due(account.id, "CLOSE", row.id, opening(row.period_end, account.zone)))
    await session.flush()
    for account, row in zip(accounts, rows, strict=True):
        if row.status == "ENDED":
            await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["CLOSE"])
    await duework.schedule(session, work)
    await watching.periods_opened(session, accounts)


def _let_run(account: AccountNow, running: Running, day: date) -> None:
    """Let the period run that a day opens, billed as was agreed or set for it; a scheduled cut ends it early."""
    row, found = running.row, running.history.phases()
    phase = next(phase for phase in reversed(found) if phase.start <= day)
    row.period_start, row.period_end = day, running_period(phase, day).end
    row.billing, row.billing_months = phase.kind.value, phase.billing_months
    if now := phase_at(found, account.now, account.zone):
        row.plan = now.plan.value


async def _close_ended(session: AsyncSession, accounts: Sequence[AccountNow]) -> int:
    """Invoice what arrived for a subscription after its end, on its next anchor day (section 10)."""
    by_id = {account.id: account for account in accounts}
    late = await subscription_queries.ended_with_late_facts(session, by_id)
    due = [
        row
        for row in late
        if by_id[row.account_id].now >= opening(row.period_end, by_id[row.account_id].zone)
    ]
    for row in due:
        account = by_id[row.account_id]
        await _issue(session, [account], on={account.id: row.period_end}, rows=[row])
        row.dirty_from = None
        await session.flush()
        await duework.unschedule(session, account_id=account.id, subject_id=row.id, kinds=["CLOSE"])
    return len(due)


def _is_over(account: AccountNow, row: Subscription | None) -> bool:
    if row is None or row.status != "ACTIVE":
        return False
    return account.now >= opening(row.period_end, account.zone)


def _drafts(
    account: AccountNow,
    running: Running,
    invoices: Sequence[tuple[Stream, Sequence[Line]]],
    *,
    on: date,
    balance: int,
    occasion: str,
) -> tuple[list[_Draft], int]:
    """Draft the invoices of a date one after the other; each is settled with the balance the one before left."""
    drafts = []
    for stream, lines in invoices:
        settlement = settle(total(lines), balance)
        balance = settlement.balance
        draft = _draft(account, running.row, lines, stream=stream, on=on, settlement=settlement)
        draft.invoice["occasion"] = occasion
        drafts.append(draft)
    return drafts, balance


def _draft(
    account: AccountNow,
    row: Subscription,
    lines: Sequence[Line],
    *,
    stream: Stream,
    on: date,
    settlement: Settlement,
) -> _Draft:
    invoice = _invoice(account, row, stream=stream, on=on, amount=total(lines), settlement=settlement)
    invoice_id = invoice["id"]
    entries = ledger.issued(total(lines), settlement)
    work: list[Due] = []
    if not settlement.is_paid:
        work = collection_work(account, invoice_id=invoice_id, ladder=Ladder(invoice["ladder_on"]))
    return _Draft(
        invoice,
        [
            line_row(row.account_id, row.id, invoice_id, position, line)
            for position, line in enumerate(lines, start=1)
        ],
        entry_rows(account, entries, kind=MoveKind.INVOICE_ISSUED, invoice_id=invoice_id),
        work,
        announcements.invoice_issued(
            account,
            number=invoice["number"],
            on=on,
            total=total(lines),
            sections=section_totals(lines),
            settlement=settlement,
        ),
    )


def _invoice(
    account: AccountNow,
    row: Subscription,
    *,
    stream: Stream,
    on: date,
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
        "dunning_state": DunningState.RETRYING.value,
        "failure": None,
        "known_position": account.row.next_position,
    }


def line_row(
    account_id: UUID, subscription_id: UUID, invoice_id: UUID, position: int, line: Line
) -> dict[str, Any]:
    """Give the row of a line."""
    return {
        "account_id": account_id,
        "invoice_id": invoice_id,
        "position": position,
        "subscription_id": subscription_id,
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

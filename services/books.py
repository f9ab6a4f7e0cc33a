"""Proof of an account's books: every invoice worked out again, and ledger, dues, credit and usage against each other."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.database import AWAY, read_one_moment
from adapters.queries import books as queries
from adapters.spans import traced
from domain.calendar import opening
from domain.money import show_cents
from services.accounts import AccountNow, read_account
from services.verification import verify

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at of one account's books, and each difference in a sentence."""

    account_id: UUID
    invoices: int
    moves: int
    days: int
    differences: tuple[str, ...]


async def accounts_to_audit(
    sessions: async_sessionmaker[AsyncSession], *, account_id: UUID | None, wall: datetime
) -> list[UUID]:
    """Name one account or, without one, all of them; raises UnknownAccount."""
    async with sessions() as session:
        if account_id is None:
            return await queries.account_ids(session)
        return [(await read_account(session, account_id=account_id, wall=wall)).id]


@traced
async def audit(
    sessions: async_sessionmaker[AsyncSession], *, account_id: UUID, since: date | None, wall: datetime
) -> Audit:
    """Check an account's books, as they are at one moment, in a transaction that cannot write.

    `since` leaves out invoices, money moves and usage of the days before; what is due and the credit are sums over
    the account's whole life, and always checked. Raises UnknownAccount.
    """
    async with sessions() as session:
        await read_one_moment(session)
        await queries.be_patient(session)
        account = await read_account(session, account_id=account_id, wall=wall)
        opens = None if since is None else opening(since, account.zone)
        issued = await queries.issued(session, account_id=account_id, since=since)
        differences = [
            *await _ledger(session, account, since=opens),
            *await _sums(session, account),
            *await _usage(session, account, since=since),
        ]
        for invoice_id, number in issued:
            differences += await _proof(session, account, invoice_id=invoice_id, number=number)
        return Audit(
            account_id,
            invoices=len(issued),
            moves=await queries.count_moves(session, account_id=account_id, since=opens),
            days=await queries.count_days(session, account_id=account_id, since=since),
            differences=tuple(differences),
        )


async def _proof(session: AsyncSession, account: AccountNow, *, invoice_id: UUID, number: int) -> list[str]:
    """Work an invoice out again; facts that cannot be read are a difference, and hold up no other invoice."""
    try:
        verdict = await verify(session, account, invoice_id=invoice_id)
    except AWAY:
        raise
    except Exception as failure:
        log.debug("invoice %s of account %s", number, account.id, exc_info=True)
        return [f"Invoice {number} cannot be worked out again: {failure!r}."]
    return [f"Invoice {number}: {difference}." for difference in verdict.differences]


async def _ledger(session: AsyncSession, account: AccountNow, *, since: datetime | None) -> list[str]:
    return [
        f"The ledger's transaction {row.transaction_id} ({row.kind}) is off by {show_cents(row.cents)}."
        for row in await queries.unbalanced(session, account_id=account.id, since=since)
    ]


async def _sums(session: AsyncSession, account: AccountNow) -> list[str]:
    """Compare what invoices bill with their lines, what they leave due with the ledger, and the credit with its reasons."""
    found = []
    for row in await queries.misstated_invoices(session, account_id=account.id):
        if row.total_cents != row.lines_cents:
            found.append(
                f"Invoice {row.number} totals {show_cents(row.total_cents)}, its lines {show_cents(row.lines_cents)}."
            )
        if row.due_cents != row.owed_cents:
            found.append(
                f"Invoice {row.number} leaves {show_cents(row.due_cents)} due, by the ledger {show_cents(row.owed_cents)}."
            )
    credit = await queries.credit(session, account_id=account.id)
    if credit.held != credit.given:
        found.append(
            f"The credit is {show_cents(credit.held)} by the ledger, and {show_cents(credit.given)} by the invoices, "
            "credit notes and refunds that made it."
        )
    return found


async def _usage(session: AsyncSession, account: AccountNow, *, since: date | None) -> list[str]:
    return [
        f"Workspace {row.workspace_id}, {' '.join(filter(None, (row.metric, row.channel)))} of {row.day}: the total is "
        f"{row.counted_units} units of {row.counted_events} events, standing are {row.standing_units} of "
        f"{row.standing_events}."
        for row in await queries.miscounted_days(session, account_id=account.id, since=since)
    ]

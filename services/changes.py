"""A change measured: what it invoices at once and what it does to the next invoice, by making it and looking.

A preview makes the change in a transaction that is rolled back, so it cannot differ from the change itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import invoices as queries
from adapters.tables.invoices import Invoice, InvoiceLine
from domain.refusal import Refusal
from services.accounts import AccountNow
from services.ledger import credit_balances
from services.previews import NextInvoice, overviews

Issued = Sequence[Invoice]
Run = Callable[..., Awaitable[tuple[Any, Issued]]]
"""A change: takes the session and the accounts it touches, gives its result and the invoices it issued."""


@dataclass(eq=False)
class PriceChanged(Refusal):
    """What was previewed is no longer what the change would cost."""

    template = "The change would no longer bill what was previewed; preview it again. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands, in cents: what its open invoices leave to pay, and its credit."""

    due: int
    credit: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What an account is about to pay: its next invoice, and how it stands."""

    next_invoice: NextInvoice | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change does to one account: the invoices it issued with their lines, and the bill without it and with it."""

    issued: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...]
    without: Bill
    after: Bill


@dataclass(frozen=True, slots=True)
class Effect:
    """A change's result, the invoices it issued, and its difference to each account it touches, its own first."""

    result: Any
    issued: Issued
    differences: tuple[Difference, ...]

    @property
    def token(self) -> str:
        """Stands for what the change bills: equal while nothing of it has changed."""
        facts = [_billed(difference) for difference in self.differences]
        return blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()


async def measure(session: AsyncSession, accounts: Sequence[AccountNow], change: Run) -> Effect:
    """Make a change of locked accounts and measure it; the caller commits, or rolls back a preview."""
    without = await _bills(session, accounts)
    result, issued = await change(session, *accounts)
    await session.flush()
    lines = await queries.lines(session, [(invoice.account_id, invoice.id) for invoice in issued])
    after = await _bills(session, accounts)
    return Effect(
        result,
        issued,
        tuple(
            Difference(
                tuple(
                    (invoice, tuple(lines[account.id, invoice.id]))
                    for invoice in issued
                    if invoice.account_id == account.id
                ),
                without[account.id],
                after[account.id],
            )
            for account in accounts
        ),
    )


async def make(
    session: AsyncSession, accounts: Sequence[AccountNow], change: Run, *, token: str | None
) -> tuple[Any, Issued]:
    """Make a change; with a preview's token, only if it still bills what was previewed. Raises PriceChanged."""
    if token is None:
        return await change(session, *accounts)
    effect = await measure(session, accounts, change)
    if effect.token != token:
        raise PriceChanged
    return effect.result, effect.issued


async def _bills(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, Bill]:
    ids = [account.id for account in accounts]
    found = await overviews(session, accounts)
    due = await queries.due_sums(session, ids)
    credit = await credit_balances(session, ids)
    return {
        each: Bill(
            found[each].next_invoice if each in found else None, Standing(due.get(each, 0), credit[each])
        )
        for each in ids
    }


def _billed(difference: Difference) -> object:
    """Give what a change bills; standings count by how it moves them, for payments come and go beside it."""
    before, after = difference.without.standing, difference.after.standing
    following = difference.after.next_invoice
    return (
        [[(line.key, line.amount_cents) for line in lines] for _, lines in difference.issued],
        [(line.key, line.amount) for line in following.lines] if following else [],
        following.invoice_on if following else None,
        after.due - before.due,
        after.credit - before.credit,
    )

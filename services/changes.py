"""A change measured: what it invoices at once and what it does to the next invoice, by making it and looking.

A preview makes the change in a transaction that is rolled back, so it cannot differ from the change itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import invoices as queries
from adapters.tables.invoices import Invoice, InvoiceLine
from domain.refusal import Refusal
from services.accounts import AccountNow
from services.previews import NextInvoice, overviews

R = TypeVar("R")
Issued = Sequence[Invoice]


@dataclass(eq=False)
class PriceChanged(Refusal):
    """What was previewed is no longer what the change would cost."""

    template = "The change would no longer bill what was previewed; preview it again. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Effect(Generic[R]):
    """A change's result, the invoices it issued with their lines, and the next invoice without it and with it."""

    result: R
    issued: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...]
    without: NextInvoice | None
    after: NextInvoice | None

    @property
    def token(self) -> str:
        """Stands for what the change bills: equal while nothing of it has changed."""
        lines = [[(line.key, line.amount_cents) for line in lines] for _, lines in self.issued]
        following = [(line.key, line.amount) for line in self.after.lines] if self.after else []
        on = self.after.invoice_on if self.after else None
        return blake2b(msgspec.json.encode([lines, following, on]), digest_size=16).hexdigest()


async def measure(
    session: AsyncSession,
    account: AccountNow,
    change: Callable[[AsyncSession, AccountNow], Awaitable[tuple[R, Issued]]],
) -> Effect[R]:
    """Make a change and measure it; the caller commits, or rolls back a preview."""
    without = await _next_invoice(session, account)
    result, issued = await change(session, account)
    await session.flush()
    lines = await queries.lines(session, [(account.id, invoice.id) for invoice in issued])
    after = await _next_invoice(session, account)
    return Effect(
        result,
        tuple((invoice, tuple(lines[account.id, invoice.id])) for invoice in issued),
        without,
        after,
    )


async def make(
    session: AsyncSession,
    account: AccountNow,
    change: Callable[[AsyncSession, AccountNow], Awaitable[tuple[R, Issued]]],
    *,
    token: str | None,
) -> tuple[R, Issued]:
    """Make a change; with a preview's token, only if it still bills what was previewed. Raises PriceChanged."""
    if token is None:
        return await change(session, account)
    effect = await measure(session, account, change)
    if effect.token != token:
        raise PriceChanged
    return effect.result, [invoice for invoice, _ in effect.issued]


async def _next_invoice(session: AsyncSession, account: AccountNow) -> NextInvoice | None:
    overview = (await overviews(session, [account])).get(account.id)
    return overview.next_invoice if overview else None

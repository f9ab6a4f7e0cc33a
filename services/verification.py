"""Proof of an issued invoice: worked out again from what was known when it was made, and compared field by field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.queries import invoices as queries
from adapters.queries import known
from adapters.tables.invoices import Invoice
from domain.invoicing import change_lines, next_invoices
from domain.sections import Stream
from services.accounts import AccountNow
from services.drafts import line_columns
from services.invoices import find_invoice


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an invoice is what the facts of its time make it; each difference in a sentence."""

    invoice: Invoice
    differences: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """No line is missing, left over or different."""
        return not self.differences


async def verify(session: AsyncSession, account: AccountNow, *, invoice_id: UUID) -> Verdict:
    """Work an invoice out again from the facts, usage and invoices known when it was made; raises UnknownInvoice."""
    invoice = await find_invoice(session, account_id=account.id, invoice_id=invoice_id)
    stored = (await queries.lines(session, [(account.id, invoice.id)]))[account.id, invoice.id]
    books = await pricebooks.books(session)
    history, billed = await known.history(session, invoice, zone=account.zone, books=books)

    if invoice.stream == Stream.CHANGE:
        again = change_lines(history, billed, on=invoice.invoice_on, since=date.min)
    else:
        found = dict(next_invoices(history, billed, on=invoice.invoice_on, since=date.min))
        again = found.get(Stream(invoice.stream), ())

    expected = {line.key: line_columns(line) for line in again}
    present = {row.key for row in stored}
    differences = [f"{row.key} is not due" for row in stored if row.key not in expected]
    differences += [f"{key} is missing" for key in expected if key not in present]
    for row in stored:
        for field, due in expected.get(row.key, {}).items():
            if _plain(getattr(row, field)) != _plain(due):
                differences.append(f"{row.key}: {field} is {getattr(row, field)}, due is {due}")
    return Verdict(invoice, tuple(differences))


def _plain(value: object) -> object:
    """Give a value as it reads back from the store: tiers and causes are kept as JSON."""
    return msgspec.to_builtins(value) if isinstance(value, list | tuple) else value

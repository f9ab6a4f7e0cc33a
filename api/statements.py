"""The statement of an account (section 11): every money move of the ledger, and the balance after it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from adapters.queries import statements
from adapters.queries.statements import Move
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import LedgerAccount, MoveKind
from api.invoices import Invoice, invoice
from api.scalars import Money, money


@strawberry.type(description="One side of a money move.")
class LedgerPosting:
    """An entry of the ledger."""

    account: LedgerAccount = strawberry.field(description="Where the money stands.")
    amount: Money = strawberry.field(description="A debit is positive, a credit negative.")


@strawberry.type(description="A money move, posted in balance: its entries add up to zero.")
class StatementLine:
    """A line of the statement."""

    at: datetime = strawberry.field(description="When, on the account's clock.")
    kind: MoveKind = strawberry.field(description="What moved money.")
    amount: Money = strawberry.field(
        description="What it added to what the account owes; below zero it took away."
    )
    balance: Money = strawberry.field(
        description="What the account owed after it: open invoices less credit; below zero it is credit."
    )
    entries: list[LedgerPosting] = strawberry.field(description="The entries.")
    invoice_key: strawberry.Private[tuple[UUID, UUID] | None]

    @strawberry.field(description="The invoice it was about.")
    async def invoice(self, info: Info) -> Invoice | None:
        """Load the invoice."""
        row = await info.context.loaders.invoices.load(self.invoice_key) if self.invoice_key else None
        return invoice(row) if row else None


async def statement_of(
    info: Info, account_id: UUID, *, first: int | None, after: str | None
) -> Connection[StatementLine]:
    """Show a page of an account's statement."""
    size = page_size(first)
    before = decode_cursor(after, datetime, UUID) if after is not None else None
    async with info.context.reads() as session:
        rows = await statements.page(session, account_id=account_id, before=before, limit=size + 1)

    def shown(move: Move) -> StatementLine:
        return StatementLine(
            at=move.at,
            kind=MoveKind(move.kind),
            amount=money(move.amount_cents),
            balance=money(move.balance_cents),
            entries=[
                LedgerPosting(account=LedgerAccount(name), amount=money(amount))
                for name, amount in move.entries
            ],
            invoice_key=(account_id, move.invoice_id) if move.invoice_id else None,
        )

    return connection_from_rows(rows, size=size, after=after, key=lambda move: (move.at, move.id), node=shown)

"""The ledger: double entry, so that money neither appears nor vanishes.

A trigger makes the entries of a transaction sum to zero at commit; another makes them
impossible to change.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index

from adapters.tables.accounts import Account
from adapters.tables.columns import (
    Bigint,
    Key,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
)
from adapters.tables.invoices import Invoice

LEDGER_ACCOUNTS: Final = ("RECEIVABLE", "REVENUE", "CREDIT", "CASH", "WRITE_OFF", "REFUND")


class LedgerEntry(Record, table=True):
    """One side of a transaction, in cents; a debit is positive, a credit negative."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        reference("accounts"),
        reference("invoices", invoice_id="id"),
        one_of("ledger_account", LEDGER_ACCOUNTS),
        check("amount_cents", "amount_cents <> 0"),
        Index("ix_ledger_entries_transaction", "account_id", "transaction_id"),
    )

    account_id: Key
    id: Key
    transaction_id: UUID
    ledger_account: String
    amount_cents: Bigint
    kind: String
    invoice_id: UUID | None = None
    at: datetime
    recorded_at: datetime

    account: Account = parent(Account)
    invoice: Invoice | None = parent(Invoice, overlaps="account")

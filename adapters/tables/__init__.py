"""The tables, one module a noun. Importing this package makes `metadata` complete."""

from adapters.tables import (
    accounts,
    apikeys,
    duework,
    invoices,
    ledger,
    payments,
    pricebooks,
    providerevents,
    subscriptions,
    teammates,
    testclocks,
    usage,
    workspaces,
)
from adapters.tables.columns import Record, metadata

__all__ = [
    "Record",
    "accounts",
    "apikeys",
    "duework",
    "invoices",
    "ledger",
    "metadata",
    "payments",
    "pricebooks",
    "providerevents",
    "subscriptions",
    "teammates",
    "testclocks",
    "usage",
    "workspaces",
]

"""The tables, one module a noun. Importing this package makes `metadata` complete."""

from adapters.tables import (
    accounts,
    alerts,
    apikeys,
    duework,
    invoices,
    ledger,
    limits,
    notifications,
    payments,
    pricebooks,
    providerevents,
    subscriptions,
    teammates,
    testclocks,
    usage,
    webhooks,
    workspaces,
)
from adapters.tables.columns import Record, metadata

__all__ = [
    "Record",
    "accounts",
    "alerts",
    "apikeys",
    "duework",
    "invoices",
    "ledger",
    "limits",
    "metadata",
    "notifications",
    "payments",
    "pricebooks",
    "providerevents",
    "subscriptions",
    "teammates",
    "testclocks",
    "usage",
    "webhooks",
    "workspaces",
]

"""What the tables hold, read beside everything that the audit log is made with, and what changed from one look to another."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.tables import Record, metadata

FOLLOW_FROM_OTHERS = {
    "audit_entries",
    "audit_heads",
    "due_work",
    "idempotency_keys",
    "outbox",
    "events",
    "invoice_lines",
    "ledger_entries",
    "provider_events",
    "usage_events",
    "usage_days",
    "standing_resolutions",
}
MACHINERY = {"lease_until", "dirty_from", "next_position", "next_invoice_number", "body"}
HIDDEN = {
    ("accounts", "payment_method"),
    ("api_keys", "secret_hash"),
    ("invoices", "action_url"),
    ("payment_attempts", "payment_method"),
    ("webhook_endpoints", "secret"),
    ("webhook_endpoints", "previous_secret"),
}
NAMES = {"accounts": "BillingAccount", "payment_attempts": "Payment"}
CLASSES = {
    str(each.__tablename__): each.__name__
    for each in Record.__subclasses__()
    if getattr(each, "__tablename__", None) in metadata.tables
}

Told = dict[tuple[UUID | None, str], dict[str, tuple[str | None, str | None]]]
"""By account and row: each field that differs, before and after."""
Snapshot = dict[tuple[str, tuple[Any, ...]], dict[str, Any]]


async def snapshot(engine: AsyncEngine) -> Snapshot:
    """Read every row of every table of which the log tells."""
    held: Snapshot = {}
    async with engine.connect() as connection:
        for name, table in metadata.tables.items():
            if name in FOLLOW_FROM_OTHERS:
                continue
            for row in await connection.execute(select(table)):
                values = dict(row._mapping)
                held[name, tuple(values[column.name] for column in table.primary_key)] = values
    return held


def difference(before: Snapshot, after: Snapshot) -> Told:
    """Tell what changed, in the words of the log."""
    told: Told = {}
    for place in before.keys() | after.keys():
        was, now = before.get(place, {}), after.get(place, {})
        fields = {
            column: (_text(place[0], column, was.get(column)), _text(place[0], column, now.get(column)))
            for column in was.keys() | now.keys()
            if column not in MACHINERY and was.get(column) != now.get(column)
        }
        if fields:
            told[(was or now).get("account_id"), _subject(metadata.tables[place[0]], place[1])] = fields
    return told


def set_by_the_server(subject: str) -> set[str]:
    """Name the columns of a kind of row that the server fills in."""
    kind = subject.partition(":")[0]
    name = next(name for name, model in CLASSES.items() if NAMES.get(name, model) == kind)
    return {column.name for column in metadata.tables[name].columns if column.server_default is not None}


def _subject(table: Table, key: tuple[Any, ...]) -> str:
    own = key[1:] if len(key) > 1 else key
    return f"{NAMES.get(table.name, CLASSES[table.name])}:{'/'.join(map(str, own))}"


def _text(table: str, column: str, value: Any) -> str | None:
    if value is None:
        return None
    return "[hidden]" if (table, column) in HIDDEN and value else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
    return str(value)

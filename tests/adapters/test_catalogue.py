"""Promises about all tables at once, read from the server's own catalogue."""

from collections.abc import Mapping
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

REFERENCE: Final = frozenset({"test_clocks", "price_books", "api_keys", "provider_events", "alembic_version"})
# By sweeps, and to find where a person has a place.
READ_OVER_ALL_ACCOUNTS: Final = frozenset(
    {
        "ix_due_work_due_at",
        "ix_outbox_unsent",
        "ix_webhook_deliveries_due",
        "ix_teammates_email",
        "ix_idempotency_keys_created_at",
    }
)

TABLES: Final = """
    SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""
INDEXES: Final = """
    SELECT owner.relname AS table_name, index.relname AS name, pg_get_indexdef(index.oid, 1, true) AS first_column
    FROM pg_index JOIN pg_class owner ON owner.oid = indrelid JOIN pg_class index ON index.oid = indexrelid
    WHERE owner.relnamespace = 'public'::regnamespace
"""
REFERENCES: Final = """
    SELECT child.relname AS table_name, parent.relname AS parent_name, conname AS name, child_column.attname AS child_column,
        parent_column.attname AS parent_column
    FROM pg_constraint
    JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    JOIN pg_attribute child_column ON child_column.attrelid = conrelid AND child_column.attnum = conkey[1]
    JOIN pg_attribute parent_column ON parent_column.attrelid = confrelid AND parent_column.attnum = confkey[1]
    WHERE contype = 'f'
"""
PRIMARY_KEYS: Final = """
    SELECT relname, attname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'p' AND relnamespace = 'public'::regnamespace
"""
TRIGGERS: Final = """
    SELECT relname, tgname, tginitdeferred FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgenabled = 'O'
"""
MOMENTS_WITHOUT_ZONE: Final = """
    SELECT attrelid::regclass::text || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND atttypid = 'timestamp'::regtype
"""


async def _read(engine: AsyncEngine, query: str) -> list[Mapping[str, object]]:
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def test_every_table_of_an_account_is_keyed_by_the_account_first(engine: AsyncEngine) -> None:
    tables = {row["relname"] for row in await _read(engine, TABLES)} - REFERENCE

    first = {row["relname"]: row["attname"] for row in await _read(engine, PRIMARY_KEYS)}

    assert {table: first.get(table) for table in tables} == dict.fromkeys(tables, "account_id")
    assert len(tables) == 31


async def test_every_index_of_an_account_s_table_starts_with_the_account(engine: AsyncEngine) -> None:
    indexes = await _read(engine, INDEXES)

    strays = {
        row["name"]
        for row in indexes
        if row["table_name"] not in REFERENCE and row["first_column"] != "account_id"
    }

    assert strays == READ_OVER_ALL_ACCOUNTS


async def test_every_reference_stays_within_the_account_or_leads_to_a_reference_table(
    engine: AsyncEngine,
) -> None:
    references = await _read(engine, REFERENCES)

    strays = [
        row["name"]
        for row in references
        if row["parent_name"] not in REFERENCE
        and (row["child_column"], row["parent_column"]) != ("account_id", "account_id")
    ]

    assert strays == []
    assert len(references) >= 16


async def test_moments_are_stored_with_their_zone(engine: AsyncEngine) -> None:
    assert await _read(engine, MOMENTS_WITHOUT_ZONE) == []


@pytest.mark.parametrize(
    ("trigger", "is_deferred", "tables"),
    [
        (
            "append_only",
            False,
            {
                "seat_changes",
                "subscription_facts",
                "usage_events",
                "usage_takebacks",
                "invoice_lines",
                "ledger_entries",
                "alert_levels",
                "credit_notes",
                "limit_switches",
                "notifications",
                "notification_reads",
                "events",
                "audit_entries",
            },
        ),
        ("never_emptied", False, {"audit_entries", "audit_heads"}),
        ("never_removed", False, {"audit_heads"}),
        ("moves_on_by_one", False, {"audit_heads"}),
        ("invoice_is_issued", False, {"invoices"}),
        ("lines_come_with_invoice", False, {"invoice_lines"}),
        ("total_is_sum_of_lines", True, {"invoices"}),
        ("transaction_is_balanced", True, {"ledger_entries"}),
        ("write_deliveries", False, {"events"}),
        ("tell_of_invoices_issued", False, {"invoices"}),
        ("tell_of_invoices_changed", False, {"invoices"}),
        ("tell_of_payments_failed", False, {"payment_attempts"}),
        ("tell_of_subscriptions_changed", False, {"subscription_facts"}),
        ("tell_of_seats_changed", False, {"seat_changes"}),
        ("tell_of_notices_written", False, {"notifications"}),
        ("tell_of_freezing", False, {"accounts"}),
    ],
)
async def test_guards_stand_where_they_should(
    engine: AsyncEngine, *, trigger: str, is_deferred: bool, tables: set[str]
) -> None:
    triggers = await _read(engine, TRIGGERS)

    assert {(row["relname"], row["tginitdeferred"]) for row in triggers if row["tgname"] == trigger} == {
        (table, is_deferred) for table in tables
    }

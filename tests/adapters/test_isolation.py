"""PostgreSQL keeps accounts apart by itself: without a scope there are no rows, and within one only its own."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from adapters.database import create_engine, session_maker
from adapters.ids import new_id
from adapters.scopes import Scope, scoped
from adapters.tables import metadata
from adapters.tables.accounts import Account
from adapters.tables.apikeys import ApiKey
from tests.adapters import rows

OF_ACCOUNTS: Final = sorted(name for name, table in metadata.tables.items() if "account_id" in table.columns)
POLICIES: Final = text("""
    SELECT relname AS name, relrowsecurity AS is_enabled, relforcerowsecurity AS is_forced,
        ARRAY(SELECT polcmd::text || polpermissive || (polroles = '{0}') || pg_get_expr(polqual, polrelid)
            || coalesce(pg_get_expr(polwithcheck, polrelid), '') FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'account_id' AND NOT attisdropped)
""")
GIVE: Final = text("SELECT set_config('app.accounts', :accounts, true)")
ACCOUNTS: Final = text("SELECT account_id FROM accounts")
RENAME: Final = text("UPDATE accounts SET name = 'Taken' WHERE account_id = :it")
HIRE: Final = text(
    "INSERT INTO workspaces (account_id, id, name, created_at) VALUES (:it, gen_random_uuid(), 'x', now())"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ours(sessions: async_sessionmaker[AsyncSession], price_book: int) -> UUID:
    """An account with a row in nearly every table."""
    return await furnished(sessions)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def theirs(sessions: async_sessionmaker[AsyncSession], price_book: int) -> UUID:
    """Another one."""
    return await furnished(sessions)


@pytest_asyncio.fixture(loop_scope="session")
async def bare(database_url: str) -> AsyncEngine:
    """An engine of the application that was given no scope, with one connection."""
    return create_engine(database_url, pool_size=1)


async def furnished(sessions: async_sessionmaker[AsyncSession]) -> UUID:
    records = rows.whole_account()
    (owner,) = [record for record in records if isinstance(record, Account)]
    async with sessions.begin() as session:
        session.add_all(records)
        session.add(
            ApiKey(
                id=new_id().hex, account_id=owner.account_id, name="key", secret_hash=b"", created_at=rows.NOW
            )
        )
    return owner.account_id


async def seen(connection: AsyncConnection) -> dict[str, set[UUID]]:
    """The accounts whose rows are seen, by table, where there are any."""
    query = text(
        " UNION ALL ".join(f"SELECT '{name}', array_agg(account_id) FROM {name}" for name in OF_ACCOUNTS)
    )
    return {name: set(accounts) for name, accounts in await connection.execute(query) if accounts}


async def test_every_table_of_an_account_has_row_security_in_force(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        found = (await connection.execute(POLICIES)).mappings().all()

    policies = {row["name"]: tuple(row["policies"]) for row in found}
    assert sorted(policies) == OF_ACCOUNTS
    assert {(row["is_enabled"], row["is_forced"]) for row in found} == {(True, True)}
    # One policy each, the same everywhere, for every command, binding in every role.
    ((policy,),) = set(policies.values())
    assert policy.startswith("*truetrue")
    assert "( SELECT seen_accounts() AS seen_accounts)" in policy


async def test_a_table_without_row_security_would_be_noticed(owner: AsyncEngine) -> None:
    async with owner.connect() as connection:
        await connection.execute(text("CREATE TABLE planted (account_id uuid)"))
        found = {row["name"]: row["is_forced"] for row in (await connection.execute(POLICIES)).mappings()}
        await connection.rollback()

    assert found["planted"] is False


async def test_the_application_s_role_is_neither_owner_nor_above_the_rules(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        role = (
            await connection.execute(
                text("""
                    SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
                        (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS owned,
                        (SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid) AS memberships
                    FROM pg_roles WHERE rolname = current_user""")
            )
        ).one()

    assert tuple(role) == (False, False, False, False, False, 0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE accounts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE usage_events DISABLE TRIGGER append_only",
        "DROP POLICY own_account ON accounts",
        "TRUNCATE usage_days",
        "CREATE TABLE planted ()",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '1'",
    ],
)
async def test_the_application_cannot_take_the_rules_down(engine: AsyncEngine, statement: str) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text(statement))

    assert getattr(refused.value.orig, "sqlstate", None) == "42501"


@pytest.mark.parametrize("setting", [None, "", "00000000-0000-7000-8000-000000000000"])
async def test_without_a_scope_or_with_a_strange_one_there_are_no_rows(
    bare: AsyncEngine, ours: UUID, theirs: UUID, setting: str | None
) -> None:
    async with bare.connect() as connection:
        if setting is not None:
            await connection.execute(GIVE, {"accounts": setting})
        found = await seen(connection)
        renamed = await connection.execute(RENAME, {"it": ours})
    await bare.dispose()

    assert found == {}
    assert renamed.rowcount == 0


async def test_within_a_scope_there_are_its_own_rows_of_every_table(
    bare: AsyncEngine, ours: UUID, theirs: UUID
) -> None:
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": str(ours)})
        found = await seen(connection)
        await connection.execute(GIVE, {"accounts": f"{ours},{theirs}"})
        both = await seen(connection)
        await connection.execute(GIVE, {"accounts": "*"})
        everything = await seen(connection)
    await bare.dispose()

    assert set(OF_ACCOUNTS) - found.keys() == {
        "audit_entries",
        "audit_heads",
        "credit_notes",
        "idempotency_keys",
        "refunds",
    }
    assert set(map(frozenset, found.values())) == {frozenset({ours})}
    assert set(map(frozenset, both.values())) == {frozenset({ours, theirs})}
    assert both.keys() == found.keys()
    assert all(accounts >= {ours, theirs} for accounts in everything.values())


async def test_a_setting_that_is_no_list_of_ids_is_an_error(bare: AsyncEngine) -> None:
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": "' OR true --"})
        with pytest.raises(DBAPIError, match="invalid input syntax for type uuid"):
            await connection.execute(ACCOUNTS)
    await bare.dispose()


async def test_what_is_anothers_is_neither_read_nor_written(
    bare: AsyncEngine, ours: UUID, theirs: UUID
) -> None:
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": str(ours)})
        read = await connection.execute(text("SELECT FROM workspaces WHERE account_id = :it"), {"it": theirs})
        renamed = await connection.execute(RENAME, {"it": theirs})
        removed = await connection.execute(
            text("DELETE FROM due_work WHERE account_id = :it"), {"it": theirs}
        )
        own = await connection.execute(RENAME, {"it": ours})
        with pytest.raises(DBAPIError, match='violates row-level security policy for table "workspaces"'):
            await connection.execute(HIRE, {"it": theirs})
        await connection.rollback()
        await connection.execute(GIVE, {"accounts": str(ours)})
        with pytest.raises(DBAPIError, match='violates row-level security policy for table "due_work"'):
            await connection.execute(text("UPDATE due_work SET account_id = :it"), {"it": theirs})
    await bare.dispose()

    assert (read.rowcount, renamed.rowcount, removed.rowcount, own.rowcount) == (0, 0, 0, 1)


async def test_a_key_taken_for_a_known_one_tells_nothing_of_another_account(
    bare: AsyncEngine, ours: UUID, theirs: UUID
) -> None:
    """A conflict is looked for beside the policies: it may refuse a row, and must not show one."""
    upsert = text("""
        INSERT INTO accounts (account_id, name, time_zone, created_at) VALUES (:it, 'x', 'UTC', now())
        ON CONFLICT (account_id) DO UPDATE SET name = accounts.name RETURNING name""")
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": str(ours)})
        with pytest.raises(DBAPIError, match="violates row-level security policy"):
            await connection.execute(upsert, {"it": theirs})
    await bare.dispose()


@pytest.mark.parametrize("end", ["commit", "rollback", "error"])
async def test_a_transaction_s_scope_ends_with_it(bare: AsyncEngine, ours: UUID, end: str) -> None:
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": str(ours)})
        within = list((await connection.execute(ACCOUNTS)).scalars())
        if end == "commit":
            await connection.commit()
        else:
            if end == "error":
                with pytest.raises(DBAPIError, match="division by zero"):
                    await connection.execute(text("SELECT 1 / 0"))
            await connection.rollback()
        after = list((await connection.execute(ACCOUNTS)).scalars())
    await bare.dispose()

    assert (within, after) == ([ours], [])


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT units FROM usage_days WHERE account_id = :it AND workspace_id = :it AND metric = 'X' AND day > '2026-09-01'",
            "pk_usage_days",
        ),
        (
            "SELECT * FROM invoices WHERE account_id = :it AND number < 9 ORDER BY number DESC LIMIT 6",
            "uq_invoices_number",
        ),
        (
            "SELECT FROM usage_events WHERE account_id = :it AND workspace_id = :it AND event_id = 'e'",
            "pk_usage_events",
        ),
    ],
)
async def test_indexes_serve_and_the_scope_is_read_once_a_statement(
    bare: AsyncEngine, ours: UUID, query: str, index: str
) -> None:
    async with bare.connect() as connection:
        await connection.execute(GIVE, {"accounts": str(ours)})
        # The tables are nearly empty: what is asked is whether the index may be used at all.
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        explained = await connection.execute(text(f"EXPLAIN (COSTS OFF) {query}"), {"it": ours})
        plan = list(explained.scalars())
    await bare.dispose()

    scan = next(number for number, line in enumerate(plan) if f"using {index}" in line)
    assert "account_id = '" in plan[scan + 1], plan
    assert plan[scan + 1].strip().startswith("Index Cond")
    assert sum(line.strip().startswith("InitPlan") for line in plan) == 2
    assert not any("SubPlan" in line for line in plan)


async def test_triggers_and_foreign_keys_work_within_a_scope(
    bare: AsyncEngine, sessions: async_sessionmaker[AsyncSession], price_book: int
) -> None:
    owner = rows.account()
    desk, contract = rows.workspace(owner.account_id), rows.subscription(owner.account_id)
    mate, bill = rows.teammate(desk), rows.invoice(contract)
    of_owner = scoped(session_maker(bare), Scope(frozenset({owner.account_id})))
    counts = text("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM webhook_deliveries)")

    async with of_owner.begin() as session:
        session.add_all([owner, rows.webhook_endpoint(owner.account_id, is_enabled=True)])
    async with of_owner.begin() as session:
        session.add_all([desk, contract, mate, rows.seat_change(mate), bill, rows.invoice_line(bill)])
    async with of_owner() as session:
        told = (await session.execute(counts)).one()
    with pytest.raises(DBAPIError, match="totals 3900 cents, its lines 0"):
        async with of_owner.begin() as session:
            session.add(rows.invoice(contract, number=2, invoice_on=rows.START))
    with pytest.raises(IntegrityError, match="fk_workspaces_accounts"):
        async with sessions.begin() as session:
            session.add(rows.workspace(new_id()))
    await bare.dispose()

    # A seat, and an invoice that was issued.
    assert tuple(told) == (2, 2)

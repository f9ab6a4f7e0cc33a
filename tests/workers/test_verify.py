"""`prorata verify` on healthy books and on spoilt ones: each example changes one row behind the triggers' back."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.services.world import Company, World, moment
from workers.__main__ import main

NOBODY = "00000000-0000-0000-0000-000000000000"


async def invoke(*arguments: str, database_url: str) -> Result:
    """Run a command as an operator does."""
    runner = CliRunner(env={"DATABASE_URL": database_url})
    return await asyncio.to_thread(runner.invoke, main, arguments)


async def eventful(world: World) -> Company:
    """Open a company with seats, usage, an event taken back, two closed periods and all of it paid."""
    company = await world.customer()
    await world.hire(company, 2)
    later = world.at(moment("2026-09-10"))
    await later.use(company, 600, at=moment("2026-09-09"))
    await later.take_back(company, await later.use(company, 100, at=moment("2026-09-08")))
    for day in ("2026-10-01", "2026-11-01"):
        await world.at(moment(day)).work()
    return company


async def spoil(owner: AsyncEngine, company: Company, sql: str) -> None:
    """Change rows of a company with the triggers switched off."""
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        changed = await connection.execute(text(f"{sql} RETURNING 1"), {"a": company.account_id})
        assert changed.all()


async def test_healthy_books_are_told_in_one_line(world: World, database_url: str) -> None:
    company = await eventful(world)

    told = await invoke("verify", "--account", str(company.account_id), database_url=database_url)

    assert told.exit_code == 0, told.output
    assert (
        told.stdout
        == (
            "Verified accounts: 1, invoices: 3, money moves: 6, totals of usage: 2. All right.\n"  # each issued and paid
        )
    )
    assert told.stderr == "Accounts verified: 1 of 1\n"


async def test_since_leaves_out_what_is_older(world: World, owner: AsyncEngine, database_url: str) -> None:
    company = await eventful(world)
    account = str(company.account_id)
    await spoil(owner, company, "UPDATE usage_days SET units = units + 1 WHERE account_id = :a")

    all_of_it = await invoke("verify", "--account", account, database_url=database_url)
    told = await invoke("verify", "--account", account, "--since", "2026-10-15", database_url=database_url)

    assert (all_of_it.exit_code, told.exit_code) == (1, 0)
    assert "invoices: 1, money moves: 2, totals of usage: 0. All right." in told.stdout


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        (
            "UPDATE usage_days SET units = units + 1 WHERE account_id = :a AND day = '2026-09-09'",
            "SMS_SEGMENT of 2026-09-09: the total is 601 units of 1 events, standing are 600 of 1.",
        ),
        (
            "DELETE FROM usage_days WHERE account_id = :a AND day = '2026-09-09'",
            "the total is 0 units of 0 events, standing are 600 of 1.",
        ),
        (
            "UPDATE ledger_entries SET amount_cents = 3901 WHERE account_id = :a AND (kind, amount_cents) = ('PAYMENT', 3900)",
            "(PAYMENT) is off by $0.01.",
        ),
        (
            "UPDATE invoices SET due_cents = 5, status = 'OPEN' WHERE account_id = :a AND number = 1",
            "Invoice 1 leaves $0.05 due, by the ledger $0.00.",
        ),
        (
            "UPDATE invoices SET total_cents = total_cents + 100 WHERE account_id = :a AND number = 1",
            "Invoice 1 totals $40.00, its lines $39.00.",
        ),
        (
            "UPDATE invoices SET credit_applied_cents = 100 WHERE account_id = :a AND number = 1",
            "The credit is $0.00 by the ledger, and -$1.00 by the invoices, credit notes and refunds that made it.",
        ),
        (
            "UPDATE invoice_lines SET amount_cents = 4900 WHERE account_id = :a AND amount_cents = 3900",
            "amount_cents is 4900, due is 3900.",
        ),
        (
            "UPDATE subscription_facts SET payload = jsonb_set(payload, '{plan}', '\"NONE\"') WHERE account_id = :a",
            "Invoice 3 cannot be worked out again: ValidationError",
        ),
    ],
)
async def test_a_spoilt_row_is_told_in_a_sentence(
    world: World, owner: AsyncEngine, database_url: str, sql: str, seen: str
) -> None:
    healthy, spoilt = await eventful(world), await eventful(world)
    await spoil(owner, spoilt, sql)

    told = await invoke("verify", "--account", str(spoilt.account_id), database_url=database_url)
    beside = await invoke("verify", "--account", str(healthy.account_id), database_url=database_url)

    assert told.exit_code == 1, told.output
    assert f"Account {spoilt.account_id}: " in told.stdout
    assert seen in told.stdout
    assert "Differences: " in told.stdout
    assert beside.exit_code == 0, beside.output


async def test_all_accounts_are_verified_unless_one_is_named(
    world: World, owner: AsyncEngine, database_url: str
) -> None:
    company = await eventful(world)
    await spoil(owner, company, "UPDATE usage_days SET units = units + 1 WHERE account_id = :a")
    accounts = await world.value("SELECT count(*) FROM accounts")

    told = await invoke("verify", database_url=database_url)

    assert told.exit_code == 1
    assert f"Verified accounts: {accounts}, " in told.stdout
    assert f"Account {company.account_id}: Workspace {company.workspace_id}, SMS_SEGMENT" in told.stdout


async def test_an_unknown_account_ends_the_command_with_a_sentence(world: World, database_url: str) -> None:
    told = await invoke("verify", "--account", NOBODY, database_url=database_url)

    assert told.exit_code == 1
    assert told.stderr == "Error: No billing account has this id; accounts of others look the same as none.\n"

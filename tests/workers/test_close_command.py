"""`prorata close-periods` and `prorata keys`, and how long work is told on a terminal and elsewhere."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider
from tests.services.books import check_settled
from tests.services.world import Company, World
from workers.__main__ import main
from workers.progress import progress


@pytest.fixture
def environment(database_url: str, redis_url: str, payment_provider: RunningProvider) -> dict[str, str]:
    """The settings of an installation on the module's database."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PRORATA_SANDBOX_URL": payment_provider.url,
        "PRORATA_SANDBOX_KEY": API_KEY,
        "PRORATA_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PRORATA_KEY_PEPPER": "a pepper for the tests",
    }


async def invoke(*arguments: str, environment: dict[str, str]) -> Result:
    """Run a command as an operator does."""
    return await asyncio.to_thread(CliRunner(env=environment).invoke, main, arguments)


async def customers(world: World, number: int) -> list[Company]:
    """Open companies that have one period to close now, and one invoice, paid."""
    past = replace(world, wall=datetime.now(UTC) - timedelta(days=45))
    found = [await past.customer() for _ in range(number)]
    await past.work()
    return found


async def test_what_is_due_is_counted_then_closed_and_then_there_is_nothing(
    world: World, environment: dict[str, str], payment_provider: RunningProvider
) -> None:
    companies = await customers(world, 3)

    counted = await invoke("close-periods", "--dry-run", environment=environment)
    before = [len(await world.invoices(company)) for company in companies]
    closed = await invoke("close-periods", environment=environment)
    again = await invoke("close-periods", environment=environment)

    assert (counted.exit_code, counted.stdout) == (0, "Periods that are due to be closed: 3.\n")
    assert before == [1, 1, 1]
    assert (closed.exit_code, closed.stdout) == (0, "Periods closed: 3.\n")
    assert closed.stderr == "Periods closed: 3 of 3\n"
    assert (again.exit_code, again.stdout) == (0, "Periods closed: 0.\n")
    await replace(world, wall=datetime.now(UTC)).work()
    for company in companies:
        assert len(await world.invoices(company)) == 2
        await check_settled(world, company, provider=payment_provider)


async def test_a_close_that_fails_is_told_and_the_others_are_done(
    world: World, environment: dict[str, str]
) -> None:
    healthy, poisoned = await customers(world, 2)
    await world.run(
        "INSERT INTO subscription_facts (account_id, subscription_id, position, kind, at, recorded_at, payload) "
        "SELECT account_id, id, 1000, 'PLAN_CHANGED', now(), now(), CAST('{\"plan\": \"NO SUCH PLAN\"}' AS jsonb) "
        "FROM subscriptions WHERE account_id = :a",
        a=poisoned.account_id,
    )

    closed = await invoke("close-periods", environment=environment)

    assert closed.exit_code == 1
    assert closed.stdout == (
        "Periods closed: 1.\nStill due, because they failed or somebody else held the account: 1.\n"
    )
    assert [len(await world.invoices(company)) for company in (healthy, poisoned)] == [2, 1]


async def test_keys_are_listed_without_their_secrets(world: World, environment: dict[str, str]) -> None:
    company = await world.company()
    await invoke("keys", "create", "--name", "Ops \x1b[31m", environment=environment)
    secret = await invoke(
        "keys", "create", "--name", "Lumen", "--account", str(company.account_id), environment=environment
    )
    public_id = secret.stdout.split("_")[1]
    await invoke("keys", "revoke", public_id, environment=environment)

    listed = await invoke("keys", "list", environment=environment)
    unknown = await invoke("keys", "revoke", "0" * 12, environment=environment)

    heading, ops, lumen = listed.stdout.splitlines()
    assert heading.split() == [
        "PUBLIC",
        "ID",
        "ACCOUNT",
        "CREATED",
        "EXPIRES",
        "LAST",
        "USED",
        "REVOKED",
        "SCOPES",
        "NAME",
    ]
    assert ops.split()[1] == "all"
    assert ops.split()[3:] == ["-", "-", "-", "all", "Ops", "?[31m"]
    assert [lumen.split()[place] for place in (0, 1, 7)] == [public_id, str(company.account_id), "Lumen"]
    assert lumen.split()[5].endswith("Z")
    assert secret.stdout.strip() not in listed.stdout
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: No API key has the public id '000000000000'.\n")


async def test_a_key_with_an_end_is_rotated_once(world: World, environment: dict[str, str]) -> None:
    company = await world.company()
    made = await invoke(
        *("keys", "create", "--name", "Lumen", "--account", str(company.account_id), "--days", "90"),
        *("--scope", "usage.view", "--scope", "billing.view"),
        environment=environment,
    )
    public_id = made.stdout.split("_")[1]

    rotated = await invoke("keys", "rotate", public_id, "--overlap-hours", "2", environment=environment)
    again = await invoke("keys", "rotate", public_id, environment=environment)

    successor = rotated.stdout.split("_")[1]
    rows = (await invoke("keys", "list", environment=environment)).stdout.splitlines()
    old, new = (next(row.split() for row in rows if row.startswith(each)) for each in (public_id, successor))
    lives = [datetime.fromisoformat(row[3]) - datetime.fromisoformat(row[2]) for row in (old, new)]
    assert timedelta(hours=2) <= lives[0] < timedelta(hours=2, minutes=5)
    assert lives[1] == timedelta(days=90)
    assert old[6:] == new[6:] == ["billing.view,usage.view", "Lumen"]
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: The key {public_id} was rotated already; its successor is {successor}.\n",
    )


def test_long_work_is_told_in_ten_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress(1000, label="Done") as advance:
        for done in range(1, 1001):
            advance(done)

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [f"Done: {done:,} of 1,000" for done in range(100, 1001, 100)]


def test_a_terminal_shows_a_bar_that_grows_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        with progress(2, label="Done") as advance:
            for done in (1, 2, 3):
                advance(done)
        terminal.flush()
        # The kernel hands on what was written in its own time.
        shown = ""
        while "3/3" not in shown and select.select([ours], [], [], 10)[0]:
            shown += os.read(ours, 10_000).decode()
    os.close(ours)

    assert "Done" in shown
    assert "#" in shown
    assert "3/3" in shown

"""What nobody asked for and every auditor asks about is told too: freezing, restoring, and operators' commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from click.testing import CliRunner
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import pricebooks
from services import audit
from tests.api.refusal_cases import NOW
from tests.application import PEPPER, Api, work
from tests.scenarios.player import new_player
from workers.__main__ import main
from workers.tools import Tools

Sessions = async_sessionmaker[AsyncSession]


async def entries(sessions: Sessions, *, kind: str, name: str) -> Sequence[Row[Any]]:
    """Give what somebody of a kind did, in order."""
    query = "SELECT * FROM audit_entries WHERE actor_kind = :kind AND actor_name = :name ORDER BY at, account_id, seq"
    async with sessions() as session:
        return (await session.execute(text(query), {"kind": kind, "name": name})).all()


async def command(database_url: str, *arguments: str) -> str:
    """Run a command as an operator does."""
    runner = CliRunner(env={"DATABASE_URL": database_url, "PRORATA_KEY_PEPPER": PEPPER})
    told = await asyncio.to_thread(runner.invoke, main, arguments)
    assert told.exit_code == 0, told.output
    return told.stdout.strip()


async def test_freezing_and_restoring_are_told(operator: Api, tools: Tools, sessions: Sessions) -> None:
    player = await new_player(operator, now=NOW, token="tok_lost")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await work(tools)
    await player.go_to(datetime(2026, 10, 9, tzinfo=UTC))
    is_frozen = (await player.account())["frozenAt"]
    await player.pay_with("tok_visa")
    await work(tools)

    froze, restored = await entries(sessions, kind="SYSTEM", name="automatic")

    assert is_frozen
    assert (await player.account())["frozenAt"] is None
    assert [froze.action, restored.action] == ["accountFreeze", "accountRestore"]
    assert froze.reason == "Invoice 1 stayed open."
    moment = froze.changes[0]["fields"][0]["after"]
    assert froze.changes[0]["fields"] == [{"name": "frozen_at", "before": None, "after": moment}]
    assert restored.changes[0]["fields"] == [{"name": "frozen_at", "before": moment, "after": None}]
    assert datetime.fromisoformat(moment) == datetime.fromisoformat(is_frozen)


async def test_what_a_mutation_restores_is_told_by_its_own_entry(
    operator: Api, tools: Tools, sessions: Sessions
) -> None:
    player = await new_player(operator, now=NOW, token="tok_lost")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await work(tools)
    await player.go_to(datetime(2026, 10, 9, tzinfo=UTC))
    before = len(await entries(sessions, kind="SYSTEM", name="automatic"))

    await player.do("invoiceWriteOff", invoiceId=(await player.invoices())[0]["id"], reason="gone")

    assert (await player.account())["frozenAt"] is None
    assert len(await entries(sessions, kind="SYSTEM", name="automatic")) == before
    (own,) = [
        each for each in await entries(sessions, kind="KEY", name="tests") if each.action == "invoiceWriteOff"
    ]
    told = {field["name"] for change in own.changes for field in change["fields"]}
    assert {"frozen_at", "status"} <= told


async def test_commands_that_make_and_revoke_keys_are_told(sessions: Sessions, database_url: str) -> None:
    before = len(await entries(sessions, kind="SYSTEM", name="command line"))

    key = await command(database_url, "keys", "create", "--name", "Ops")
    public_id, secret = key.split("_")[1], key.split("_", 2)[2]
    await command(database_url, "keys", "revoke", public_id)

    made, revoked = (await entries(sessions, kind="SYSTEM", name="command line"))[before:]
    assert [made.action, revoked.action] == ["apiKeyCreate", "apiKeyRevoke"]
    assert {str(made.account_id), str(revoked.account_id)} == {"00000000-0000-0000-0000-000000000000"}
    assert made.input["name"] == "Ops"
    assert made.changes[0]["subject"] == revoked.changes[0]["subject"] == f"ApiKey:{public_id}"
    assert [field["name"] for field in revoked.changes[0]["fields"]] == ["revoked_at"]
    assert secret not in json.dumps([*made.changes, *revoked.changes])


async def test_a_very_large_change_is_told_in_part_and_counted(operator: Api, sessions: Sessions) -> None:
    player = await new_player(operator, now=NOW)
    for batch in range(3):
        emails = [f"{batch}-{each}@acme.test" for each in range(50)]
        await player.do("billingContactsSet", workspaceId=player.workspace_id, emails=emails)

    told = [
        each
        for each in await entries(sessions, kind="KEY", name="tests")
        if each.action == "billingContactsSet"
    ]

    removed = [sum(change["kind"] == "REMOVED" for change in each.changes) for each in told]
    assert [(len(each.changes), each.left_out) for each in told] == [(51, 0), (100, 0), (100, 0)]
    assert removed == [1, 50, 50]


async def test_a_price_book_is_told_of_once(sessions: Sessions) -> None:
    document = {**pricebooks.shipped(), "version": 77}

    for _ in range(2):
        async with sessions.begin() as session:
            audit.keep(session, audit.by_command("priceBookPublish"), always=False)
            await pricebooks.publish(session, document, now=NOW)

    told = [
        each
        for each in await entries(sessions, kind="SYSTEM", name="command line")
        if each.action == "priceBookPublish"
    ]
    assert [each.subject for each in told] == ["PriceBook:77"]

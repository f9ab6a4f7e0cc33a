"""Every mutation leaves one entry for each account it changes, and the entry tells what the tables say."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from adapters.tables.audit import AuditEntry
from api.permissions import MUTATIONS
from services import auditproof
from tests.api.inputs import mutations
from tests.api.refusal_cases import Installation
from tests.application import Api
from tests.audit_log.deeds import UNTOLD, arranged, told
from tests.audit_log.snapshots import Told, difference, set_by_the_server, snapshot
from tests.gateway.running_provider import RunningProvider

GO_ON = {"testClockAdvance", "invoicePay"}
"""They go on in transactions of their own once their change is committed."""


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


def test_every_mutation_is_told_of_or_is_a_record_itself() -> None:
    assert set(told()) | UNTOLD == set(mutations())


@pytest.mark.parametrize("mutation", told())
async def test_an_entry_tells_what_the_tables_say(at: Installation, mutation: str) -> None:
    player, given = await arranged(at, mutation)
    before, numbers = await snapshot(at.engine), await heads(at.engine)

    await player.do(mutation, **given)

    changed = difference(before, await snapshot(at.engine))
    entries = await since(at.engine, numbers)
    (operator,) = {entry["actor_name"] for entry in entries}
    assert {entry["action"] for entry in entries} == {mutation}
    assert {tuple(entry["permissions"]) for entry in entries} == {tuple(sorted(MUTATIONS[mutation]))}
    assert operator == "tests"
    assert len({entry["account_id"] for entry in entries}) == len(entries)
    assert all(entry["reason"] == given.get("reason") for entry in entries)
    assert all(entry["changes"] for entry in entries)
    assert all(entry["subject"] for entry in entries)
    if mutation in GO_ON:
        assert before_of(logged(entries)).items() <= before_of(difference(before, {})).items()
    else:
        assert without_defaults(logged(entries), changed) == changed


async def test_usage_is_its_own_record(at: Installation) -> None:
    player, given = await arranged(at, "usageRecord")
    numbers = await heads(at.engine)

    await player.do("usageRecord", **given)

    assert await heads(at.engine) == numbers


async def test_all_chains_are_sound(at: Installation, sessions: async_sessionmaker[Any]) -> None:
    player, given = await arranged(at, "roleSet")
    await player.do("roleSet", **given)

    heads_now = await auditproof.heads(sessions)
    walked = [[chain async for chain in auditproof.walk(sessions, head.account_id)][-1] for head in heads_now]

    assert [chain.differences for chain in walked] == [()] * len(heads_now)
    assert [chain.walked for chain in walked] == [head.seq for head in heads_now]


async def heads(engine: AsyncEngine) -> dict[Any, int]:
    """Give the place of the last entry of every chain."""
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT account_id, seq FROM audit_heads"))
        return {row.account_id: row.seq for row in rows}


async def since(engine: AsyncEngine, numbers: dict[Any, int]) -> list[dict[str, Any]]:
    """Give the entries that came after those places."""
    async with engine.connect() as connection:
        rows = await connection.execute(AuditEntry.metadata.tables["audit_entries"].select())
        return [dict(row._mapping) for row in rows if row.seq > numbers.get(row.account_id, 0)]


def logged(entries: list[dict[str, Any]]) -> Told:
    """Give what entries tell, by account and row."""
    return {
        (entry["account_id"] if entry["account_id"].int else None, change["subject"]): {
            field["name"]: (field["before"], field["after"]) for field in change["fields"]
        }
        for entry in entries
        for change in entry["changes"]
    }


def without_defaults(entries: Told, changed: Told) -> Told:
    """Give what entries tell, with what only the server knew of new rows put in."""
    return {
        place: {
            **{
                name: values
                for name, values in changed.get(place, {}).items()
                if name in set_by_the_server(place[1]) and values[0] is None
            },
            **fields,
        }
        for place, fields in entries.items()
    }


def before_of(entries: Told) -> dict[tuple[Any, str, str], str]:
    """Give the values there were before, by account, row and field."""
    return {
        (*place, name): values[0]
        for place, fields in entries.items()
        for name, values in fields.items()
        if values[0] is not None
    }

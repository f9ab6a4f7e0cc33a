"""Many write the log at once, and some are cut off: chains stay whole, nobody waits in a ring, nothing is half told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from adapters.database import session_maker
from api.node_ids import decode_node_id
from services import auditproof
from tests.api.refusal_cases import Installation, bare
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, Sent

AT_ONCE = 50
WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%audit_heads%'
"""


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


async def test_changes_of_one_account_are_told_one_behind_the_other(at: Installation) -> None:
    player = await bare(at)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ADVANCED")
    await player.use([Sent(f"event-{each}", "BULK_EMAIL", 1, player.now) for each in range(AT_ONCE // 2)])
    before = await entries(at.engine, player.account_id)
    contacts = [
        player.do("billingContactsSet", workspaceId=player.workspace_id, emails=[f"{each}@acme.test"])
        for each in range(AT_ONCE // 2)
    ]
    taken_back = [player.take_back(f"event-{each}") for each in range(AT_ONCE // 2)]

    await asyncio.gather(*contacts, *taken_back)

    assert await entries(at.engine, player.account_id) == before + AT_ONCE
    assert await walked(at.engine) == []


async def test_changes_of_two_accounts_at_once_wait_in_no_ring(at: Installation) -> None:
    one, other = await bare(at), await bare(at)
    shared = await at.api.do("accountCreate", "account { id }", name="There", testClockId=one.clock_id)
    there = shared["account"]["id"]
    before = [await entries(at.engine, each) for each in (one.account_id, there)]
    opened = [
        await one.do(
            "workspaceCreate",
            "workspace { id }",
            accountId=account_id,
            name=f"W{each}",
            creatorName="Bo",
            creatorEmail=f"bo{each}@example.com",
        )
        for each, account_id in enumerate([one.account_id, there] * 5)
    ]
    moves: list[Awaitable[Any]] = [
        one.do("workspaceMove", workspaceId=made["workspace"]["id"], toAccountId=target)
        for made, target in zip(opened, [there, one.account_id] * 5, strict=True)
    ]
    others = [
        other.do("billingContactsSet", workspaceId=other.workspace_id, emails=[f"{each}@acme.test"])
        for each in range(10)
    ]

    await asyncio.gather(*moves, *others)

    after = [await entries(at.engine, each) for each in (one.account_id, there)]
    assert after == [count + 5 + 10 for count in before]
    assert await walked(at.engine) == []


async def test_changes_of_many_accounts_go_side_by_side(at: Installation) -> None:
    players = [await bare(at) for _ in range(10)]
    before = [await entries(at.engine, player.account_id) for player in players]

    await asyncio.gather(
        *(
            player.do("billingContactsSet", workspaceId=player.workspace_id, emails=[f"{each}@acme.test"])
            for player in players
            for each in range(5)
        )
    )

    assert [await entries(at.engine, player.account_id) for player in players] == [
        each + 5 for each in before
    ]
    assert await walked(at.engine) == []


async def test_who_is_cut_off_as_the_entry_is_written_has_changed_nothing(at: Installation) -> None:
    player = await bare(at)
    before, contacts = await entries(at.engine, player.account_id), await emails(player)
    set_contacts: dict[str, Any] = {"workspaceId": player.workspace_id, "emails": ["cut@acme.test"]}

    async with at.engine.begin() as holder:
        lock = "SELECT 1 FROM audit_heads WHERE account_id = :a FOR UPDATE"
        await holder.execute(text(lock), {"a": own(player.account_id)})
        asked = asyncio.create_task(
            at.api.post(
                "mutation ($i: BillingContactsSetInput!) { billingContactsSet(input: $i) { __typename } }",
                {"i": set_contacts},
            )
        )
        await terminate(at.engine)
        answer = await asked

    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert await entries(at.engine, player.account_id) == before
    assert await emails(player) == contacts
    await player.do("billingContactsSet", **set_contacts)
    assert await entries(at.engine, player.account_id) == before + 1
    assert await walked(at.engine) == []


async def terminate(engine: AsyncEngine) -> None:
    """End the connection that waits for a head, as soon as there is one."""
    async with engine.connect() as connection:
        for _ in range(200):
            waiting = (await connection.execute(text(WAITING))).scalars().all()
            await connection.rollback()
            if waiting:
                await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": waiting[0]})
                return
            await asyncio.sleep(0.02)
    raise AssertionError("nobody waits for the head")


async def emails(player: Player) -> list[str]:
    """Give the billing contacts."""
    query = "query ($id: ID!) { workspace(id: $id) { billingContacts } }"
    found: list[str] = (await player.api.ask(query, id=player.workspace_id))["workspace"]["billingContacts"]
    return found


async def entries(engine: AsyncEngine, account_id: str) -> int:
    """Count the entries of an account."""
    query = text("SELECT count(*) FROM audit_entries WHERE account_id = :a")
    async with engine.connect() as connection:
        return int(await connection.scalar(query, {"a": own(account_id)}) or 0)


async def walked(engine: AsyncEngine) -> list[str]:
    """Walk all chains, and give what is wrong."""
    sessions: async_sessionmaker[AsyncSession] = session_maker(engine)
    found: list[str] = []
    for head in await auditproof.heads(sessions):
        async for chain in auditproof.walk(sessions, head.account_id):
            found += chain.differences
    return found


def own(node: str) -> UUID:
    """Give the account's own id."""
    ref = decode_node_id(node)
    assert ref is not None
    assert ref.account_id is not None
    return ref.account_id

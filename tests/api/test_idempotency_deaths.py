"""What dies under an idempotency key leaves none, and what takes long is told to be at work; clocks may differ."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.settings import Settings
from api.app import create_app
from tests.api.fingerprints import fingerprint
from tests.api.key_cases import ALLOWED, asking, charges_of, own_id, under
from tests.api.refusal_cases import Installation, bare
from tests.application import Api
from tests.gateway.running_provider import RunningProvider


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


async def test_what_dies_before_its_commit_leaves_nothing_and_is_done_by_the_repetition(
    at: Installation,
) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, "k")
    before = await fingerprint(at.engine)
    async with at.engine.connect() as holder, at.engine.connect() as killer:
        await holder.execute(
            text("SELECT FROM accounts WHERE account_id = :a FOR UPDATE"), {"a": own_id(player.account_id)}
        )
        dying = asyncio.create_task(at.api.post(asking("subscriptionStart"), {"input": start}))
        await until_there_is(killer, WAITING)
        await killer.execute(KILL)
        answer = await dying
        await holder.rollback()

    left = await fingerprint(at.engine)
    done = await at.api.do("subscriptionStart", "invoice { number }", **start)

    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert left == before
    assert done["invoice"] == {"number": 1}


async def test_a_key_that_is_at_work_for_long_is_told_to_be(at: Installation) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, "k")
    async with at.engine.connect() as holder:
        await holder.execute(
            text("INSERT INTO idempotency_keys VALUES (:a, 'k', 'seatsBuy', '', '{}', now())"),
            {"a": own_id(player.account_id)},
        )
        answer = await at.api.post(asking("subscriptionStart"), {"input": start})
        await holder.rollback()

    done = await at.api.do("subscriptionStart", "__typename", **start)

    assert answer["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert done["__typename"] == "SubscriptionStartPayload"


async def test_a_charge_whose_process_died_is_taken_up_by_the_repetition(at: Installation) -> None:
    player, given = await ALLOWED["invoicePay"](at)
    at.provider.misbehave({"kind": "delay", "target": "charge", "seconds": 0.9})
    pay = under(given, "k")
    begun = text("SELECT 1 FROM payment_attempts WHERE account_id = :a")
    async with at.engine.connect() as watcher:
        dying = asyncio.create_task(at.api.post(asking("invoicePay"), {"input": pay}))
        await until_there_is(watcher, begun, a=own_id(player.account_id))
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying

    left = await player.invoices()
    again = await player.do("invoicePay", "invoice { status payments { attempt status } }", **pay)

    assert [(each["status"], len(each["payments"])) for each in left] == [("OPEN", 1)]
    assert again["invoice"] == {"status": "PAID", "payments": [{"attempt": 1, "status": "SUCCEEDED"}]}
    assert len(charges_of(at.provider, player.account_id)) == 1


async def test_a_process_whose_clock_is_behind_answers_alike(at: Installation, settings: Settings) -> None:
    account = (await at.api.do("accountCreate", "account { id }", name="Acme"))["account"]["id"]
    founder = {"creatorName": "Ada", "creatorEmail": "ada@acme.test"}
    await at.api.do("workspaceCreate", "__typename", accountId=account, name="Desk", **founder)
    start = under({"accountId": account, "plan": "EXPERT"}, "k")
    fields = "subscription { id status } invoice { number status }"
    first = await at.api.do("subscriptionStart", fields, **start)
    slow = create_app(settings, clock=lambda: datetime.now(UTC) - timedelta(minutes=5), is_rendering=False)

    async with (
        slow.router.lifespan_context(slow),
        httpx.AsyncClient(transport=httpx.ASGITransport(slow), base_url="http://prorata") as http,
    ):
        again = await Api(http, at.api.key).do("subscriptionStart", fields, **start)

    assert first["__typename"] == "SubscriptionStartPayload"
    assert again == first


WAITING = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
KILL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def until_there_is(connection: AsyncConnection, query: TextClause, **given: str) -> None:
    """Wait until a query gives a row."""
    async with asyncio.timeout(20):
        while not (await connection.execute(query, given)).all():
            await asyncio.sleep(0.01)

"""`/metrics` shows what was done and what waits, to those who may see it, and names nobody."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from adapters.embedded.ports import free_port
from adapters.settings import Settings
from api.app import create_app
from tests.api.companies import NOW, new_company
from tests.api.inputs import Ids
from tests.application import Api, work
from tests.services.conftest import world
from tests.services.world import World
from workers.tools import Tools

__all__ = ["world"]

TOKEN = "a token for the tests"


async def shown(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Read the metrics: a value by the name of each sample and its labels."""
    response = await http.get("/metrics")
    assert response.status_code == 200, response.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@asynccontextmanager
async def caller_at(app: Starlette, host: str) -> AsyncIterator[httpx.AsyncClient]:
    """Call the application from an address."""
    transport = httpx.ASGITransport(app, client=(host, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://prorata") as client:
        yield client


@pytest.fixture
async def ours(operator: Api) -> Ids:
    """Ids of a fresh account."""
    return await new_company(operator)


@pytest.fixture
def past(world: World) -> World:
    """The world a month and a half ago: a company that starts then has a period to close now."""
    return replace(world, wall=datetime.now(UTC) - timedelta(days=45))


async def test_requests_are_counted_by_route_and_status(operator: Api) -> None:
    before = await shown(operator.http)

    await operator.http.get("/healthz")
    await operator.http.get("/healthz")
    await operator.http.get("/nowhere/4711")
    await operator.http.get("/invoices/secret.pdf")

    after = await shown(operator.http)
    added = {
        key: value - before.get(key, 0) for key, value in after.items() if key[0].startswith("prorata_http")
    }
    assert added["prorata_http_requests_total", "/healthz", "200"] == 2
    assert added["prorata_http_requests_total", "other", "404"] == 1
    assert added["prorata_http_request_seconds_count", "/healthz"] == 2
    assert not [key for key in after if "4711" in str(key) or "secret" in str(key)]


async def test_operations_are_counted_by_kind_and_events_by_outcome(operator: Api, ours: Ids) -> None:
    event = {"eventId": "a", "metric": "BULK_EMAIL", "quantity": 1, "at": NOW.isoformat()}
    before = await shown(operator.http)

    await operator.do(
        "usageRecord",
        "accepted",
        workspaceId=ours.workspace,
        events=[event, event, {**event, "metric": "PIGEON"}],
    )
    line = orjson.dumps({**event, "eventId": "b"})
    headers = {"authorization": f"Bearer {operator.key}", "content-type": "application/x-ndjson"}
    await operator.http.post("/usage", params={"workspace": ours.workspace}, content=line, headers=headers)
    await operator.ask("{ viewer { isOperator } }")
    await operator.post("{ noSuchField }")

    after = await shown(operator.http)
    added = {key: value - before.get(key, 0) for key, value in after.items()}
    assert added["prorata_graphql_operations_total", "mutation"] == 1
    assert added["prorata_graphql_operations_total", "query"] == 1
    assert added["prorata_usage_events_total", "ACCEPTED"] == 2
    assert added["prorata_usage_events_total", "DUPLICATE"] == 1
    assert added["prorata_usage_events_total", "REJECTED"] == 1


async def test_what_waits_is_told_with_its_age(
    http: httpx.AsyncClient, settings: Settings, past: World, tools: Tools
) -> None:
    await past.customer(token=None)

    waiting = await shown(http)

    lag = waiting["prorata_due_work_oldest_seconds", "CLOSE"]
    assert waiting["prorata_database_up",] == 1
    assert waiting["prorata_due_work", "CLOSE"] == 1
    assert 10 * 86_400 < lag < 20 * 86_400
    assert waiting["prorata_mails_waiting",] >= 0
    assert waiting["prorata_webhook_deliveries_waiting",] >= 0

    await work(tools)

    done = await shown(http)
    assert done["prorata_due_work", "CLOSE"] == 0
    assert done["prorata_due_work_oldest_seconds", "CLOSE"] == 0
    assert (
        done["prorata_work_total", "CLOSE", "done"] - waiting.get(("prorata_work_total", "CLOSE", "done"), 0)
        == 1
    )
    assert done["prorata_sweep_seconds_count",] - waiting["prorata_sweep_seconds_count",] == 1


async def test_parked_work_is_told(http: httpx.AsyncClient, past: World, engine: AsyncEngine) -> None:
    company = await past.customer()
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE due_work SET parked_at = now(), parked_reason = 'x' WHERE account_id = :id AND kind = 'CLOSE'"
            ),
            {"id": company.account_id},
        )

    found = await shown(http)

    assert found["prorata_parked_work", "CLOSE"] == 1


async def test_attempts_are_counted_by_what_the_provider_answered(
    http: httpx.AsyncClient, past: World, tools: Tools
) -> None:
    before = await shown(http)
    await past.customer(token="tok_visa")
    await past.customer(token="tok_insufficient_funds")

    await work(tools)

    after = await shown(http)
    for outcome in ("CHARGED", "REFUSED"):
        key = ("prorata_payment_attempts_total", outcome)
        assert after[key] > before.get(key, 0)


async def test_no_sample_names_anybody(operator: Api, ours: Ids) -> None:
    answer = (await operator.http.get("/metrics")).text

    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", answer)
    assert ours.account not in answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.0.0.7", 403),
        ("", 403),
        ("a name", 403),
    ],
)
async def test_without_a_token_only_this_machine_sees_them(app: Starlette, host: str, status: int) -> None:
    async with caller_at(app, host) as client:
        response = await client.get("/metrics")

    assert response.status_code == status
    assert ("prorata_" in response.text) is (status == 200)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer another", 401),
        (f"Basic {TOKEN}", 401),
        ("", 401),
    ],
)
async def test_with_a_token_only_its_bearer_sees_them(
    settings: Settings, authorization: str, status: int
) -> None:
    app = create_app(settings.model_copy(update={"metrics_token": TOKEN}), is_rendering=False)
    async with app.router.lifespan_context(app), caller_at(app, "10.0.0.7") as client:
        response = await client.get("/metrics", headers={"authorization": authorization})

    assert response.status_code == status
    if status == 401:
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_without_a_database_the_process_is_still_told_of(settings: Settings) -> None:
    nowhere = f"postgresql://prorata:x@127.0.0.1:{free_port()}/prorata"
    app = create_app(settings.model_copy(update={"database_url": nowhere}), is_rendering=False)
    async with app.router.lifespan_context(app), caller_at(app, "127.0.0.1") as client:
        found = await shown(client)
        ready = await client.get("/readyz")

    assert found["prorata_database_up",] == 0
    assert ("prorata_due_work", "CLOSE") not in found
    assert (ready.status_code, ready.json()["redis"]) == (503, "ok")


async def test_a_database_that_answers_makes_it_ready(http: httpx.AsyncClient) -> None:
    ready = await http.get("/readyz")

    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "database": "ok", "schema": "ok", "redis": "ok"},
    )

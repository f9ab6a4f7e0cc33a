"""Processes share a caller's bucket, operations over WebSocket are paid for as well, and losing Valkey opens nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.embedded.valkey import EmbeddedValkey
from services.apikeys import create_key
from tests.application import PEPPER, Api
from tests.live.running_api import Talk, running_api, talk

BOOK = "{ priceBook { version } }"
LITTLE = {"rate_points": 40, "rate_restore": 1, "sign_in_failures": 3, "sign_in_restore_seconds": 60}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first process prints."""
    return tmp_path_factory.mktemp("rates") / "log"


@pytest.fixture(scope="module")
def urls(env: dict[str, str], operator_key: str, output: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two processes of one installation that give little."""
    with running_api(env, output, **LITTLE) as one, running_api(env, **LITTLE) as other:
        yield one, other


@pytest_asyncio.fixture(loop_scope="session")
async def key(sessions: async_sessionmaker[AsyncSession], operator_key: str) -> str:
    """An operator's key with a full bucket."""
    async with sessions.begin() as session:
        return await create_key(session, name="new", account_id=None, now=datetime.now(UTC), pepper=PEPPER)


@pytest_asyncio.fixture(loop_scope="session")
async def clients(urls: tuple[str, str], key: str) -> AsyncIterator[list[Api]]:
    """A client of each process, both with that key."""
    async with AsyncExitStack() as stack:
        yield [Api(await stack.enter_async_context(_http(url)), key) for url in urls]


def _http(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)


def said(output: Path) -> str:
    """Give what a process has printed."""
    return output.read_text()


async def ask(socket: Talk, own_id: str, query: str = BOOK) -> dict[str, Any]:
    """Ask over a WebSocket; give the first message of the answer."""
    await socket.say({"type": "subscribe", "id": own_id, "payload": {"query": query}})
    message = await socket.hear()
    if message["type"] == "next":
        assert await socket.hear() == {"type": "complete", "id": own_id}
    return message


async def test_two_processes_share_one_bucket(clients: list[Api]) -> None:
    began = asyncio.get_running_loop().time()

    answers = await asyncio.gather(*(clients[number % 2].post(BOOK) for number in range(100)))

    served = [answer for answer in answers if "errors" not in answer]
    assert 40 <= len(served) <= 40 + asyncio.get_running_loop().time() - began + 1


async def test_an_operation_over_websocket_is_refused_alone_and_served_later(
    urls: tuple[str, str], key: str
) -> None:
    async with talk(urls[0], key=key) as socket:
        served, *more = [await ask(socket, str(number)) for number in range(60)]
        message = next(each for each in more if each["type"] == "error")
        await asyncio.sleep(2.1)
        again = await ask(socket, "again")

    assert served["payload"]["extensions"]["cost"] == {
        "requested": 1,
        "available": 39,
        "restoreRate": 1,
        "limit": 5000,
    }
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert message["payload"][0]["extensions"]["cost"] == {
        "requested": 1,
        "available": 0,
        "restoreRate": 1,
    }
    assert again["type"] == "next"


@pytest.mark.parametrize("query", ["{", "{ none }", "query($id: ID!) { node(id: $id) { id } }"])
async def test_a_document_refused_over_websocket_costs_a_point(
    urls: tuple[str, str], key: str, query: str
) -> None:
    async with talk(urls[0], key=key) as socket:
        codes = [
            (await ask(socket, str(number), query))["payload"][0]["extensions"]["code"]
            for number in range(60)
        ]

    assert codes[0] != "TOO_MANY_REQUESTS"
    assert codes.count("TOO_MANY_REQUESTS") >= 10


async def test_a_subscription_that_cannot_be_paid_for_does_not_begin(
    urls: tuple[str, str], clients: list[Api], key: str
) -> None:
    await asyncio.gather(*(clients[0].post(BOOK) for _ in range(60)))
    follow = 'subscription { notificationAdded(accountId: "x") { id } }'

    async with talk(urls[0], key=key) as socket:
        message = await ask(socket, "1", follow)

    assert message["type"] == "error"


async def test_wrong_keys_over_websocket_are_told_to_come_later(
    urls: tuple[str, str], valkey: EmbeddedValkey
) -> None:
    ends = []
    for number in range(5):
        headers = {"x-forwarded-for": "198.51.100.9"}
        async with talk(urls[number % 2], additional_headers=headers) as socket:
            payload = {"authorization": f"Bearer pr_0_{number}"}
            await socket.say({"type": "connection_init", "payload": payload})
            ends.append((await socket.closed())[0])

    assert ends == [4403, 4403, 4403, 1013, 1013]


async def test_callers_behind_a_trusted_proxy_have_their_own_addresses(urls: tuple[str, str]) -> None:
    """The proxy here is this machine, which uvicorn trusts unless told otherwise."""
    async with _http(urls[0]) as http:

        async def sign_in(address: str) -> int:
            headers = {"authorization": "Bearer pr_0_0", "x-forwarded-for": address}
            return (await http.post("/graphql", json={"query": BOOK}, headers=headers)).status_code

        first = [await sign_in("198.51.100.1") for _ in range(4)]
        other = await sign_in("198.51.100.2")

    assert first == [401, 401, 401, 429]
    assert other == 401


async def test_losing_valkey_in_the_middle_fails_nothing_and_opens_nothing(
    clients: list[Api], valkey: EmbeddedValkey, output: Path
) -> None:
    before = [await clients[0].post(BOOK) for _ in range(10)]
    assert valkey._process
    valkey._process.kill()
    valkey._process.wait()
    try:
        began = asyncio.get_running_loop().time()
        during = [await clients[0].post(BOOK) for _ in range(100)]
        seconds = asyncio.get_running_loop().time() - began
    finally:
        valkey._launch()

    codes = [each["errors"][0]["extensions"]["code"] if "errors" in each else "" for each in during]
    assert all("errors" not in answer for answer in before)
    assert set(codes) == {"", "TOO_MANY_REQUESTS"}
    # Half a point a second comes back to what the process keeps by itself.
    assert 40 <= codes.count("") <= 40 + seconds / 2 + 1
    assert said(output).count("rates are kept by each process alone") == 1

"""What a client may take of a process: sockets of a key and in all, room in a message, and time to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from tests.application import Api
from tests.live.running_api import running_api, talk
from tests.workers.running_worker import until


@pytest.fixture(scope="module")
def strict_url(env: dict[str, str], operator_key: str) -> Iterator[str]:
    """The address of a process that allows little."""
    limits = {"live_sockets": 7, "live_send_seconds": 1, "live_ping_seconds": 1}
    with running_api(env, **limits) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(strict_url: str, operator_key: str) -> AsyncIterator[Api]:
    """A client of that process."""
    async with httpx.AsyncClient(base_url=strict_url, timeout=60, trust_env=False) as http:
        yield Api(http, operator_key)


async def test_the_sixth_socket_of_a_key_is_told_to_come_again(strict_url: str, operator_key: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(talk(strict_url, key=operator_key))
        sixth = await stack.enter_async_context(talk(strict_url))
        await sixth.say({"type": "connection_init", "payload": {"authorization": f"Bearer {operator_key}"}})
        refused = await sixth.closed()

    async def is_free() -> bool:
        async with talk(strict_url) as again:
            await again.say(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {operator_key}"}},
                {"type": "ping"},
            )
            return await again.hear() == {"type": "connection_ack"}

    assert refused == (1013, "The key has too many sockets open; close one, then try again.")
    await until(is_free)


async def test_one_socket_more_than_the_process_holds_is_told_to_come_again(strict_url: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(7):
            await stack.enter_async_context(talk(strict_url))
        eighth = await stack.enter_async_context(talk(strict_url))

        assert (await eighth.closed())[0] == 1013


async def test_a_message_over_256_kilobytes_ends_the_socket(strict_url: str, operator_key: str) -> None:
    async with talk(strict_url, key=operator_key) as socket:
        await socket.say({"type": "ping", "payload": {"x": "x" * 262_100}})
        pong = await socket.hear()
        await socket.say({"type": "ping", "payload": {"x": "x" * 262_145}})

        assert pong == {"type": "pong"}
        assert (await socket.closed())[0] == 1009


async def test_a_client_that_reads_nothing_is_cut_off_and_holds_no_place(
    strict_url: str, operator_key: str
) -> None:
    document = (
        "{ __schema { types { name description fields { name description args { name description } } } } }"
    )
    async with AsyncExitStack() as stack:
        deaf = [
            await stack.enter_async_context(talk(strict_url, key=operator_key, max_queue=1)) for _ in range(5)
        ]
        for socket in deaf:
            socket.connection.transport.pause_reading()
            for number in range(40):
                payload = {"query": document}
                await socket.say({"type": "subscribe", "id": str(number), "payload": payload})
                await asyncio.sleep(0.02)

        async def is_free() -> bool:
            async with talk(strict_url) as again:
                await again.say(
                    {"type": "connection_init", "payload": {"authorization": f"Bearer {operator_key}"}},
                    {"type": "ping"},
                )
                return await again.hear() == {"type": "connection_ack"}

        await until(is_free)
        for socket in deaf:
            socket.connection.transport.abort()

"""Asked to stop, the API finishes the request it has, takes no other, and ends in good order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.application import Api
from tests.live.running_api import running_api
from tests.workers.running_worker import until

IN_HAND = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


async def test_a_request_in_hand_is_finished(
    env: dict[str, str], operator_key: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    output = tmp_path / "log"
    running = running_api(env, output)
    url = await asyncio.to_thread(running.__enter__)
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        async with engine.begin() as lock:
            await lock.execute(text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
            query = "{ accounts(first: 1) { edges { node { name } } } }"
            asked = asyncio.create_task(Api(http, operator_key).post(query))

            await until(lambda: is_in_hand(engine))
            stopping = asyncio.create_task(asyncio.to_thread(running.__exit__, None, None, None))
            await until(lambda: is_said(output, "Shutting down"))

        answer = await asked
        await stopping

    assert answer["data"] == {"accounts": {"edges": []}}
    assert "ERROR" not in output.read_text()
    assert "Finished server process" in output.read_text()


async def is_in_hand(engine: AsyncEngine) -> bool:
    """Tell whether a request waits for the lock."""
    async with engine.connect() as connection:
        return bool(await connection.scalar(text(IN_HAND)))


async def is_said(output: Path, words: str) -> bool:
    """Tell whether a process has printed some words."""
    return words in await asyncio.to_thread(output.read_text)

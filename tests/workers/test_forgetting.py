"""Old idempotency keys are forgotten by the sweep, in batches, and younger ones are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from adapters.queries import idempotency as queries
from services import idempotency
from services.idempotency import Asked
from tests.services.world import Company, World
from workers import forgetting
from workers.sweep import sweep


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_known(world: World) -> None:
    await world.run("DELETE FROM idempotency_keys")


async def use(world: World, company: Company, key: str, *, days: int) -> Asked:
    """Do something under a key, so many days ago."""
    asked = Asked(company.account_id, key, "seatsBuy", b"what was asked")
    async with world.sessions.begin() as session:
        assert await idempotency.claim(session, asked, wall=world.wall) is None
        await idempotency.keep(session, asked, {"seats": 3})
    await world.run(
        "UPDATE idempotency_keys SET created_at = now() - :days * interval '1 day' WHERE key = :key",
        days=days,
        key=key,
    )
    return asked


async def is_known(world: World, asked: Asked) -> bool:
    async with world.sessions() as session:
        return await idempotency.recall(session, asked) is not None


async def test_the_sweep_forgets_keys_of_more_than_thirty_days(world: World) -> None:
    company = await world.company()
    young, old = [await use(world, company, f"{days} days", days=days) for days in (29, 31)]

    await sweep({"tools": world.tools})

    assert (await is_known(world, young), await is_known(world, old)) == (True, False)


async def test_keys_last_as_long_as_is_set(world: World) -> None:
    company = await world.company()
    asked = await use(world, company, "of a week", days=7)

    kept = await forgetting.forget_keys(replace(world.tools, keys_last=timedelta(days=8)))
    gone = await forgetting.forget_keys(replace(world.tools, keys_last=timedelta(days=6)))

    assert (kept, gone) == (0, 1)
    assert not await is_known(world, asked)


async def test_many_are_forgotten_in_batches_the_oldest_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    monkeypatch.setattr(forgetting, "MOST_BATCHES", 2)
    company = await world.company()
    used = [await use(world, company, f"many {days}", days=days) for days in range(31, 36)]

    done = [await forgetting.forget_keys(world.tools) for _ in range(3)]

    assert done == [4, 1, 0]
    assert not any([await is_known(world, asked) for asked in used])


async def test_a_key_that_another_worker_forgets_is_not_waited_for(world: World) -> None:
    company = await world.company()
    await use(world, company, "held", days=40)
    async with world.sessions.begin() as session:
        forgotten = await queries.delete_older(session, age=timedelta(days=30), limit=10)

        beside = await forgetting.forget_keys(world.tools)

    assert (forgotten, beside) == (1, 0)


async def test_a_key_that_was_forgotten_may_be_used_for_something_else(world: World) -> None:
    company = await world.company()
    asked = await use(world, company, "again", days=31)
    await forgetting.forget_keys(world.tools)

    async with world.sessions.begin() as session:
        answer = await idempotency.claim(
            session, replace(asked, fingerprint=b"something else"), wall=world.wall
        )

    assert answer is None

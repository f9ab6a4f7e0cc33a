"""Tasks are ended even if they take a cancellation for something else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from adapters.stopping import stop


async def stubborn() -> None:
    """Swallow the first cancellation."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    await asyncio.sleep(60)


async def failing() -> None:
    raise ValueError


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await stop(tasks)

    assert tasks[0].cancelled()
    assert tasks[1].done()


async def test_nothing_to_stop_is_stopped() -> None:
    await stop([])

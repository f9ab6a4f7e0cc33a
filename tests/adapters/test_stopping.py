"""Tasks are ended even if they take a cancellation for something else."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from threading import Timer

import pytest

from adapters.stopping import in_thread, stop, within


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


async def test_work_that_ended_while_the_loop_was_busy_was_in_time() -> None:
    async def read() -> int:
        ready = asyncio.get_running_loop().create_future()
        Timer(0.05, lambda: loop.call_soon_threadsafe(ready.set_result, 7)).start()
        time.sleep(0.3)
        found: int = await ready
        return found

    loop = asyncio.get_running_loop()

    assert await within(0.1, read()) == 7


async def test_work_that_does_not_end_is_left_behind() -> None:
    with pytest.raises(TimeoutError):
        await within(0.05, stubborn())


async def test_nothing_to_stop_is_stopped() -> None:
    await stop([])


async def test_blocking_work_is_waited_for_as_long_as_is_said() -> None:
    may_end, done = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(20)
        done.set()

    assert not await in_thread(work, within_seconds=0.1)
    may_end.set()
    assert await asyncio.to_thread(done.wait, 5)
    assert await in_thread(work, within_seconds=5)


async def test_work_that_raises_is_over_and_leaves_a_line(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        raise ValueError

    assert await in_thread(work, within_seconds=5)
    assert "ValueError" in caplog.text

"""Ending tasks for certain: a library whose own timeout runs out at that moment may swallow a cancellation."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")

log = logging.getLogger("prorata")

AGAIN_SECONDS: Final = 0.5
WAITS: Final = 20

# The loop itself keeps no task alive.
_ending: set[asyncio.Task[Any]] = set()


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, again and again, until all have ended; what they raise is not raised here."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Give what work gives, or raise TimeoutError after so many seconds, however long it takes to be cancelled.

    The time is counted in short waits, so that a loop that was busy elsewhere does not take it all from the work.
    """
    task = asyncio.create_task(work)
    try:
        for _ in range(WAITS):
            await asyncio.wait({task}, timeout=seconds / WAITS)
            if task.done():
                break
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            _ending.add(task)
            task.add_done_callback(_ended)
            task.cancel()


async def in_thread(work: Callable[[], object], *, within_seconds: float) -> bool:
    """Do blocking work beside the loop, and tell whether it was done in time; what is not keeps no process alive."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def do() -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001  nobody is there to meet it
            log.warning("work at the stop of the process failed: %s", type(failure).__name__)
        finally:
            # The loop may be gone by the time that late work ends.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=do, daemon=True).start()
    try:
        await asyncio.wait_for(done.wait(), within_seconds)
    except TimeoutError:
        return False
    return True


def _ended(task: asyncio.Task[Any]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        task.exception()

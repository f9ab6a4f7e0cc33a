"""Forgetting: idempotency keys go once they are old, in batches, so that no sweep is held up by many of them."""

from __future__ import annotations

from services import idempotency
from workers.tools import Tools

BATCH = 1000
MOST_BATCHES = 20
"""What is left then goes in the next sweep."""


async def forget_keys(tools: Tools) -> int:
    """Forget the keys that are older than they last, a transaction for each batch; give how many."""
    done = 0
    for _ in range(MOST_BATCHES):
        async with tools.sessions.begin() as session:
            forgotten = await idempotency.forget(session, age=tools.keys_last, limit=BATCH)
        done += forgotten
        if forgotten < BATCH:
            break
    return done

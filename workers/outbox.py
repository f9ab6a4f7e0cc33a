"""Sending mail: a batch after the other until none is due, or the sweep has taken long enough."""

from __future__ import annotations

import asyncio
from datetime import datetime

from services import outbox
from workers.tools import Tools

LONGEST_SECONDS = 10
"""A crowded outbox goes on in the next sweep, so that mail does not hold up what else is due."""


async def deliver(tools: Tools, *, wall: datetime) -> int:
    """Send the mail that is due, where there is a server to hand it to."""
    if tools.mailer is None:
        return 0
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_SECONDS

    def is_enough() -> bool:
        return loop.time() > end

    done = 0
    while not is_enough():
        tried = await outbox.deliver(tools.sessions, tools.mailer, wall=wall, is_enough=is_enough)
        if not tried:
            break
        done += tried
    return done

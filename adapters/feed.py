"""Live changes as they come from Redis, on one connection a process, handed out in memory to whoever watches them."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import UUID

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from adapters.live import Change, Touched, channel, connect, from_message
from adapters.stopping import stop

log = logging.getLogger("prorata.live")

LOOK_SECONDS: Final = 3.0
FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 2.0
MOST_WAITING: Final = 1000


class TooFarBehindError(Exception):
    """More changed than a watcher has room for before it looked."""


class Watcher:
    """Collects the ids of what changed until they are taken, each once, however often it changed."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._changed = asyncio.Event()

    def put(self, own_id: str) -> None:
        """Note a change; one more than there is room for is remembered as too many."""
        if len(self._ids) <= MOST_WAITING:
            self._ids[own_id] = None
        self._changed.set()

    def forget(self) -> None:
        """Forget what changed so far: whoever reads now sees it."""
        self._ids = {}
        self._changed.clear()

    def stir(self) -> None:
        """Say that something may have changed, unseen."""
        self._changed.set()

    async def take(self) -> list[str]:
        """Wait for a change and take the ids of all there are; none if something may have changed unseen.

        Raises:
            TooFarBehindError: more than 1,000 things changed since the last look.
        """
        await self._changed.wait()
        self._changed.clear()
        taken, self._ids = list(self._ids), {}
        if len(taken) > MOST_WAITING:
            raise TooFarBehindError
        return taken


class Feed:
    """Listens to the channel while it is open; through a restart of Redis it comes back by itself.

    What was told meanwhile is lost, so that after each gap every watcher is stirred.
    """

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._channel = channel(self._redis)
        self._watchers: dict[tuple[Touched, UUID], set[Watcher]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self._is_away = False
        self.connected = asyncio.Event()

    def open(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Stop listening and let go of Redis."""
        if self._listening is not None:
            await stop([self._listening])
        await self._redis.aclose()

    @contextmanager
    def watch(self, kind: Touched, account_id: UUID) -> Iterator[Watcher]:
        """Give a watcher of one kind of thing of an account, until the end of the block."""
        watcher, key = Watcher(), (kind, account_id)
        self._watchers[key].add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]

    @property
    def watched(self) -> int:
        """How many watchers there are."""
        return sum(map(len, self._watchers.values()))

    def hand_out(self, changes: list[Change]) -> None:
        """Tell watchers what changed."""
        for change in changes:
            for watcher in self._watchers.get((change.kind, change.account_id), ()):
                watcher.put(change.id)

    async def _listen(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            pubsub = self._redis.pubsub()
            try:
                await pubsub.subscribe(self._channel)
                while True:
                    message = await self._next(pubsub)
                    if message["type"] == "subscribe":
                        self._begin()
                        delay = FIRST_DELAY_SECONDS
                    elif message["type"] == "message":
                        self.hand_out(from_message(message["data"]))
            except (RedisError, OSError, TimeoutError) as failure:
                self._note_gap(failure)
            finally:
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # so it is in redis
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    async def _next(self, pubsub: PubSub) -> dict[str, Any]:
        """Wait for a message; in a silence ask whether Redis is still there. Raises TimeoutError if it is not."""
        message: dict[str, Any] | None = await pubsub.get_message(timeout=LOOK_SECONDS)
        if message is None:
            await pubsub.ping()
            message = await pubsub.get_message(timeout=LOOK_SECONDS)
        if message is None:
            raise TimeoutError
        return message

    def _begin(self) -> None:
        if self._is_away:
            log.info("live changes are heard again")
            self._is_away = False
            for watchers in self._watchers.values():
                for watcher in watchers:
                    watcher.stir()
        self.connected.set()

    def _note_gap(self, failure: Exception) -> None:
        self.connected.clear()
        if not self._is_away:
            log.warning("live changes are not heard while Redis is away: %s", type(failure).__name__)
            self._is_away = True

"""Token buckets that all processes share: each holds so many points and fills again at a steady rate.

A bucket is kept in Redis as what it lacks, in millionths of a point, and when that was so; one Lua script fills, judges
and takes, so that requests at one moment cannot spend the same point twice. The time is Redis's own: processes have
clocks that differ. A bucket that is full again is forgotten. Requests of one moment ask together, over one connection.

Redis is not waited for. While it is away each process has buckets of its own that fill at half the rate.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Final, NamedTuple

from adapters.live import connect
from adapters.stopping import stop, within

log = logging.getLogger("prorata.buckets")

ANSWER_SECONDS: Final = 0.1
SILENT_SECONDS: Final = 1.0
"""After a failure Redis is left alone for so long, so that few requests wait for one that is away."""
MOST_AT_ONCE: Final = 1000
MOST_OWN_BUCKETS: Final = 10_000
MICRO: Final = 1_000_000

_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for number, key in ipairs(KEYS) do
  local at = 4 * number - 3
  local cost, room, rate, mode = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3]
  local kept = redis.call('HMGET', key, 'lacks', 'at')
  local passed = math.max(0, now - (tonumber(kept[2]) or now))
  local lacks = math.max(0, (tonumber(kept[1]) or 0) - math.floor(passed * rate))
  local is_granted = lacks + cost <= room
  if mode == 'force' or (mode == 'take' and is_granted) then
    lacks = math.min(lacks + cost, 2 * room)
    redis.call('HSET', key, 'lacks', string.format('%.0f', lacks), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(lacks / rate / 1000) + 1))
  end
  answers[number] = {is_granted and 1 or 0, lacks}
end
return answers
"""


class Mode(StrEnum):
    """How a bucket is used."""

    TAKE = "take"
    """Take the points if they are there."""
    LOOK = "look"
    """Tell whether they are there, and leave them."""
    FORCE = "force"
    """Take them whether there or not; a bucket lacks twice its capacity at most."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a bucket holds, in points, and how many of them come back in a second."""

    capacity: int
    per_second: float


class Level(NamedTuple):
    """How a bucket stands after it was asked: `wait_seconds` is how long until what was asked for is there."""

    is_granted: bool
    available: int
    wait_seconds: float


class Bucket(NamedTuple):
    """One bucket: millionths of points that it lacks, as of a moment in microseconds."""

    lacks: int = 0
    at: int = 0


class _Question(NamedTuple):
    """A use of a bucket that waits for Redis: its key, what the script is given for it, and who waits."""

    key: str
    arguments: tuple[float | str, ...]
    answer: asyncio.Future[tuple[int, bool] | None]


def poured(bucket: Bucket, points: int, rate: Rate, *, mode: Mode, now: int) -> tuple[Bucket, bool]:
    """Use a bucket at a moment, as the script does; give what it is then, and whether the points were there."""
    refilled = int(max(0, now - bucket.at) * rate.per_second)
    lacks = max(0, bucket.lacks - refilled)
    room, cost = rate.capacity * MICRO, points * MICRO
    is_granted = lacks + cost <= room
    if mode is Mode.FORCE or (mode is Mode.TAKE and is_granted):
        return Bucket(min(lacks + cost, 2 * room), now), is_granted
    return bucket._replace(lacks=lacks, at=now) if refilled else bucket, is_granted


class Buckets:
    """The buckets of an installation, by name. Nothing here fails, or waits much longer than `answer_seconds`."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._redis = connect(url)
        self._script = self._redis.register_script(_SCRIPT)
        self._answer_seconds = answer_seconds
        self._pending: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None
        self._own: OrderedDict[str, Bucket] = OrderedDict()
        self._is_away = False
        self._silent_until = 0.0

    async def use(self, name: str, points: int, rate: Rate, *, mode: Mode = Mode.TAKE) -> Level:
        """Take points from a bucket, or look whether they are there; whoever asks for more than it holds never gets them."""
        shared = None if self._is_silent() else await self._shared(name, points, rate, mode)
        lacks, is_granted = shared or self._alone(name, points, rate, mode)
        missing = max(0, lacks + points * MICRO - rate.capacity * MICRO)
        return Level(
            is_granted=is_granted,
            available=max(0, rate.capacity - ceil(lacks / MICRO)),
            wait_seconds=0.0 if is_granted else missing / MICRO / rate.per_second,
        )

    async def close(self) -> None:
        """Let go of Redis."""
        if self._asking is not None:
            await stop([self._asking])
        await self._redis.aclose()

    def _is_silent(self) -> bool:
        """Tell whether to leave Redis alone; now and then, one request tries for all."""
        now = time.monotonic()
        if not self._is_away:
            return False
        if now < self._silent_until:
            return True
        self._silent_until = now + SILENT_SECONDS
        return False

    async def _shared(self, name: str, points: int, rate: Rate, mode: Mode) -> tuple[int, bool] | None:
        """Use the bucket in Redis; None where Redis is away."""
        answer: asyncio.Future[tuple[int, bool] | None] = asyncio.get_running_loop().create_future()
        arguments = (points * MICRO, rate.capacity * MICRO, rate.per_second, mode.value)
        self._pending.append(_Question(f"prorata:bucket:{name}", arguments, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Ask what is pending, all at once, until nothing is."""
        asked: list[_Question] = []
        try:
            while self._pending:
                asked, self._pending = self._pending[:MOST_AT_ONCE], self._pending[MOST_AT_ONCE:]
                answers = await self._answers(asked)
                if self._is_away:
                    # Who came meanwhile need not wait for the same.
                    asked, self._pending = asked + self._pending, []
                    answers = [None] * len(asked)
                for question, answer in zip(asked, answers, strict=True):
                    # Whoever asked may have gone.
                    if not question.answer.done():
                        question.answer.set_result(answer)
        finally:
            self._asking = None
            for question in (*asked, *self._pending):
                question.answer.cancel()
            self._pending = []

    async def _answers(self, asked: list[_Question]) -> list[tuple[int, bool] | None]:
        try:
            found = await within(
                self._answer_seconds,
                self._script(
                    keys=[question.key for question in asked],
                    args=[argument for question in asked for argument in question.arguments],
                ),
            )
        except Exception as failure:  # noqa: BLE001  whatever it is, requests go on
            if not self._is_away:
                log.warning(
                    "rates are kept by each process alone, and halved, while Redis is away: %s",
                    type(failure).__name__,
                )
            self._is_away = True
            self._silent_until = time.monotonic() + SILENT_SECONDS
            return [None] * len(asked)
        if self._is_away:
            log.info("rates are shared by all processes again")
        self._is_away = False
        return [(int(lacks), bool(granted)) for granted, lacks in found]

    def _alone(self, name: str, points: int, rate: Rate, mode: Mode) -> tuple[int, bool]:
        """Use the bucket that this process keeps for want of Redis."""
        halved = replace(rate, per_second=rate.per_second / 2)
        bucket, is_granted = poured(
            self._own.get(name, Bucket()), points, halved, mode=mode, now=time.monotonic_ns() // 1000
        )
        self._own[name] = bucket
        self._own.move_to_end(name)
        if len(self._own) > MOST_OWN_BUCKETS:
            self._own.popitem(last=False)
        return bucket.lacks, is_granted

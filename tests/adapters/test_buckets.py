"""Buckets give what they hold and what came back since, and no more: shared in Valkey, or alone while it is away."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from itertools import accumulate
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.buckets import (
    ANSWER_SECONDS,
    MOST_OWN_BUCKETS,
    Bucket,
    Buckets,
    Level,
    Mode,
    Rate,
    poured,
)
from adapters.embedded.ports import free_port
from adapters.embedded.valkey import EmbeddedValkey

PATIENT = 10.0
"""Where a test counts what Valkey gives, a busy machine must not have it taken for away."""
SLOW = Rate(100, 0.001)
"""A bucket that does not fill while a test looks."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def buckets(redis_url: str) -> AsyncIterator[Buckets]:
    buckets = Buckets(redis_url, answer_seconds=PATIENT)
    yield buckets
    await buckets.close()


@pytest.fixture
def name() -> str:
    return str(uuid4())


async def test_a_bucket_gives_what_it_holds_and_tells_when_the_rest_is_there(
    buckets: Buckets, name: str
) -> None:
    rate = Rate(10, 0.5)

    first = await buckets.use(name, 7, rate)
    second = await buckets.use(name, 4, rate)
    third = await buckets.use(name, 3, rate)

    assert first == Level(is_granted=True, available=3, wait_seconds=0.0)
    assert (second.is_granted, second.available) == (False, 3)
    assert 1.5 < second.wait_seconds <= 2
    assert (third.is_granted, third.available) == (True, 0)


async def test_a_bucket_fills_again_at_its_rate(buckets: Buckets, name: str) -> None:
    rate = Rate(40, 100)
    await buckets.use(name, 40, rate)

    await asyncio.sleep(0.2)
    some = await buckets.use(name, 1, rate, mode=Mode.LOOK)
    await asyncio.sleep(0.5)
    all_of_it = await buckets.use(name, 40, rate)

    assert 20 <= some.available <= 40
    assert all_of_it.is_granted


async def test_a_hundred_at_once_spend_exactly_what_is_there(redis_url: str, name: str) -> None:
    processes = [Buckets(redis_url, answer_seconds=PATIENT) for _ in range(2)]
    for each in processes:
        await each.use(str(uuid4()), 1, SLOW)

    levels = await asyncio.gather(*(processes[number % 2].use(name, 3, SLOW) for number in range(100)))

    for each in processes:
        assert not each._is_away
        await each.close()
    granted = [level for level in levels if level.is_granted]
    assert len(granted) == 33
    assert sorted(level.available for level in granted) == list(range(1, 100, 3))


async def test_a_look_takes_nothing(buckets: Buckets, name: str) -> None:
    for _ in range(5):
        await buckets.use(name, 100, SLOW, mode=Mode.LOOK)

    assert (await buckets.use(name, 100, SLOW)).is_granted
    assert not (await buckets.use(name, 1, SLOW, mode=Mode.LOOK)).is_granted


async def test_force_takes_what_is_not_there_up_to_another_bucketful(buckets: Buckets, name: str) -> None:
    for _ in range(4):
        await buckets.use(name, 90, SLOW, mode=Mode.FORCE)

    forced = await buckets.use(name, 90, SLOW, mode=Mode.FORCE)
    asked = await buckets.use(name, 1, SLOW)

    assert (forced.is_granted, asked.is_granted, asked.available) == (False, False, 0)
    assert asked.wait_seconds == pytest.approx(101 / SLOW.per_second, rel=0.01)


async def test_a_bucket_that_is_full_again_is_forgotten(buckets: Buckets, name: str) -> None:
    await buckets.use(name, 10, Rate(10, 100))
    kept = await buckets._redis.exists(f"prorata:bucket:{name}")

    await asyncio.sleep(0.3)

    assert kept == 1
    assert await buckets._redis.exists(f"prorata:bucket:{name}") == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    capacity=st.integers(1, 50),
    per_second=st.floats(0.5, 2000),
    asked=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 4)), min_size=1, max_size=30),
)
async def test_valkey_never_gives_more_than_the_bucket_and_what_came_back(
    buckets: Buckets, capacity: int, per_second: float, asked: list[tuple[int, int]]
) -> None:
    name, rate, given = str(uuid4()), Rate(capacity, per_second), 0
    assert not buckets._is_away
    began = await _valkey_seconds(buckets)

    for points, milliseconds in asked:
        given += points * (await buckets.use(name, points, rate)).is_granted
        await asyncio.sleep(milliseconds / 1000)
        assert given <= capacity + per_second * (await _valkey_seconds(buckets) - began) + 1e-6

    assert not buckets._is_away


@given(
    capacity=st.integers(1, 1000),
    per_second=st.floats(0.01, 10_000),
    asked=st.lists(st.tuples(st.integers(1, 200), st.integers(0, 10**7)), min_size=1),
)
def test_no_stretch_of_time_gives_more_than_the_bucket_and_what_came_back(
    capacity: int, per_second: float, asked: list[tuple[int, int]]
) -> None:
    rate, bucket, given = Rate(capacity, per_second), Bucket(), []
    moments = list(accumulate(pause for _, pause in asked))

    for (points, _), now in zip(asked, moments, strict=True):
        bucket, is_granted = poured(bucket, points, rate, mode=Mode.TAKE, now=now)
        given.append(points * is_granted)

    for first in range(len(asked)):
        for last in range(first, len(asked)):
            seconds = (moments[last] - moments[first]) / 1e6
            # Fractions of a millionth of a point are lost to whoever waits.
            assert sum(given[first : last + 1]) <= capacity + per_second * seconds + 1e-5


@given(points=st.integers(1, 100), per_second=st.floats(0.1, 1000))
def test_whoever_waits_as_long_as_told_gets_what_was_asked_for(points: int, per_second: float) -> None:
    rate = Rate(100, per_second)
    empty, _ = poured(Bucket(), 100, rate, mode=Mode.TAKE, now=0)

    _, is_early = poured(empty, points, rate, mode=Mode.TAKE, now=int(points / per_second * 1e6 * 0.99))
    _, is_there = poured(empty, points, rate, mode=Mode.TAKE, now=int(points / per_second * 1e6) + 11)

    assert (is_early, is_there) == (False, True)


def test_a_clock_that_goes_back_fills_nothing() -> None:
    rate = Rate(10, 1)
    empty, _ = poured(Bucket(), 10, rate, mode=Mode.TAKE, now=60_000_000)

    kept, is_granted = poured(empty, 1, rate, mode=Mode.TAKE, now=0)

    assert (kept, is_granted) == (empty, False)


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey that may be flushed and stopped."""
    with EmbeddedValkey() as server:
        yield server


async def test_valkey_flushed_forgets_buckets_and_goes_on(valkey: EmbeddedValkey, name: str) -> None:
    buckets = Buckets(valkey.url, answer_seconds=PATIENT)
    await buckets.use(name, 100, SLOW)
    await buckets._redis.flushall()
    await buckets._redis.script_flush()

    again, more = await buckets.use(name, 100, SLOW), await buckets.use(name, 1, SLOW)

    await buckets.close()
    assert (again.is_granted, more.is_granted) == (True, False)


async def test_without_valkey_each_process_keeps_buckets_at_half_the_rate(
    valkey: EmbeddedValkey, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    buckets, rate = Buckets(valkey.url), Rate(20, 100)
    await buckets.use(name, 20, rate)
    valkey.stop()

    with caplog.at_level(logging.INFO, "prorata.buckets"):
        began = time.monotonic()
        levels = [await buckets.use(name, 1, rate) for _ in range(200)]
        seconds = time.monotonic() - began

    await buckets.close()
    granted = sum(level.is_granted for level in levels)
    assert 20 <= granted <= 20 + rate.per_second / 2 * seconds + 1
    assert granted < 200
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "rates are kept by each process alone, and halved, while Redis is away"
    ]


async def test_a_valkey_that_says_nothing_is_waited_for_once_a_second(name: str) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as deaf:
        buckets = Buckets(f"redis://127.0.0.1:{deaf.getsockname()[1]}")
        began = time.monotonic()
        levels = [await buckets.use(name, 1, SLOW) for _ in range(200)]
        seconds = time.monotonic() - began
        await buckets.close()

    assert sum(level.is_granted for level in levels) == 100
    assert ANSWER_SECONDS * 0.9 < seconds < 3 * ANSWER_SECONDS


async def test_a_busy_loop_does_not_take_valkey_for_away(redis_url: str, name: str) -> None:
    buckets = Buckets(redis_url)
    while not await buckets._redis.ping():
        pass

    asked = [asyncio.create_task(buckets.use(name, 1, SLOW)) for _ in range(100)]
    for _ in range(3):
        await asyncio.sleep(0)
        time.sleep(2 * ANSWER_SECONDS)
    levels = await asyncio.gather(*asked)

    assert not buckets._is_away
    await buckets.close()
    assert sorted(level.available for level in levels) == list(range(100))


async def test_valkey_is_asked_again_when_it_is_back(
    valkey: EmbeddedValkey, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    buckets = Buckets(valkey.url, answer_seconds=PATIENT)
    assert valkey._process
    valkey._process.kill()
    valkey._process.wait()
    await buckets.use(name, 1, SLOW)

    valkey._launch()
    with caplog.at_level(logging.INFO, "prorata.buckets"):
        give_up_at = time.monotonic() + 20
        level = await buckets.use(name, 1, SLOW)
        while buckets._is_away and time.monotonic() < give_up_at:
            await asyncio.sleep(0.2)
            level = await buckets.use(name, 1, SLOW)

    await buckets.close()
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "rates are kept by each process alone, and halved, while Redis is away",
        "rates are shared by all processes again",
    ]
    # Valkey knows nothing of what the process gave alone.
    assert level.available == 99


async def test_a_process_keeps_no_more_buckets_of_its_own_than_it_has_room_for() -> None:
    buckets = Buckets(f"redis://127.0.0.1:{free_port()}")

    for number in range(MOST_OWN_BUCKETS + 10):
        await buckets.use(str(number), 1, SLOW)

    await buckets.close()
    assert len(buckets._own) == MOST_OWN_BUCKETS


async def _valkey_seconds(buckets: Buckets) -> float:
    seconds, microseconds = await buckets._redis.time()
    return int(seconds) + int(microseconds) / 1e6

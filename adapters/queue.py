"""ARQ, kept at arm's length: the bell that wakes a worker, and how to reach Redis through its restarts.

Nothing is kept in Redis that matters: what is due stands in PostgreSQL, and a bell nobody hears delays it by seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

from arq import ArqRedis, create_pool
from arq.connections import RedisSettings
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

log = logging.getLogger("prorata.queue")

RING_SECONDS = 0.5
JOB_ID = "sweep:rung"


def redis_settings(url: str) -> RedisSettings:
    """Give ARQ's settings for an address, with retries that live through a restart of Redis."""
    return replace(
        RedisSettings.from_dsn(url),
        conn_retries=20,
        retry_on_timeout=True,
        retry_on_error=[RedisConnectionError, RedisTimeoutError, ConnectionRefusedError],
        retry=Retry(ExponentialBackoff(cap=2, base=0.2), 12),
    )


def to_json(value: dict[str, object]) -> bytes:
    """Write a job for the queue: JSON, so that writing to Redis is not running code."""
    return json.dumps(value, default=str).encode()


def from_json(value: bytes) -> dict[str, object]:
    """Read a job from the queue."""
    found: dict[str, object] = json.loads(value)
    return found


class Bell:
    """Wakes a worker to look for due work; without Redis it is silent, for workers look by themselves."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: ArqRedis | None = None

    async def ring(self) -> None:
        """Ask for a sweep soon."""
        try:
            async with asyncio.timeout(RING_SECONDS):
                if self._pool is None:
                    settings = replace(RedisSettings.from_dsn(self._url), conn_retries=0)
                    self._pool = await create_pool(
                        settings, job_serializer=to_json, job_deserializer=from_json
                    )
                await self._pool.enqueue_job("sweep", _job_id=JOB_ID)
        except (RedisError, OSError, TimeoutError) as failure:
            log.warning("the bell could not be rung: %s", type(failure).__name__)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

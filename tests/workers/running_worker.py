"""`prorata work` as a real process, and waiting for what it does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET
from tests.services.world import World

PATIENCE_SECONDS = 30
CONNECTED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'prorata-worker' AND datname = current_database() AND backend_start > :began
"""


class Workshop:
    """Starts worker processes."""

    def __init__(self, *, database_url: str, redis_url: str, sandbox_url: str) -> None:
        self._env = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PRORATA_SANDBOX_URL": sandbox_url,
            "PRORATA_SANDBOX_KEY": API_KEY,
            "PRORATA_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PRORATA_KEY_PEPPER": "a pepper for the tests",
            "PRORATA_WEBHOOK_PRIVATE_HOSTS": "true",
        }
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._stack.close()

    async def start(
        self, world: World, *, otel: Mapping[str, str] | None = None, **settings: object
    ) -> subprocess.Popen[bytes]:
        """Start a worker with settings, and OpenTelemetry's variables, and wait until it has begun."""
        began = datetime.now(UTC)
        log = self._stack.enter_context((self._folder / f"{len(self._workers)}.log").open("wb"))
        command = [sys.executable, "-m", "workers", "work"]
        env = (
            self._env
            | dict(otel or {})
            | {f"PRORATA_{name}".upper(): str(value) for name, value in settings.items()}
        )
        worker = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self._workers.append(worker)

        async def has_begun() -> bool:
            assert worker.poll() is None, self.said(worker)
            return bool(await world.value(CONNECTED, began=began))

        await until(has_begun)
        return worker

    def said(self, worker: subprocess.Popen[bytes]) -> str:
        """Give what a worker wrote."""
        return (self._folder / f"{self._workers.index(worker)}.log").read_text(errors="replace")


async def until(is_so: Callable[[], Awaitable[bool]], *, within: float = PATIENCE_SECONDS) -> float:
    """Wait until something is so, and give the seconds it took."""
    began = time.monotonic()
    while not await is_so():
        assert time.monotonic() - began < within, f"not within {within} seconds"
        await asyncio.sleep(0.05)
    return time.monotonic() - began

"""`prorata serve` as real processes, and a client that speaks graphql-transport-ws to them word by word."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from adapters.embedded.ports import free_port
from tests.application import PEPPER, ROOM
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE_SECONDS = 20.0
START_SECONDS = 60.0


def environment(*, database_url: str, redis_url: str, sandbox_url: str) -> dict[str, str]:
    """Give the variables of an installation."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PRORATA_SANDBOX_URL": sandbox_url,
        "PRORATA_SANDBOX_KEY": API_KEY,
        "PRORATA_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PRORATA_KEY_PEPPER": PEPPER,
        **{f"PRORATA_{name}".upper(): str(value) for name, value in ROOM.items()},
    }


@contextmanager
def running_api(
    env: Mapping[str, str], output: Path | None = None, program: str | None = None, /, **settings: object
) -> Iterator[str]:
    """Start an API process with settings, give its address once it answers, and stop it after.

    What it prints is kept in `output`, where that is given. A program in Python may take the place of `prorata serve`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = {f"PRORATA_{name}".upper(): str(value) for name, value in {"port": port, **settings}.items()}
    with ExitStack() as stack:
        path = output or Path(stack.enter_context(TemporaryDirectory())) / "log"
        log = stack.enter_context(path.open("wb"))
        command = [sys.executable, *(["-c", program] if program else ["-m", "workers", "serve"])]
        process = subprocess.Popen(command, env={**env, **told}, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        give_up_at = time.monotonic() + START_SECONDS
        while not _is_healthy(url):
            said = path.read_text(errors="replace")
            assert process.poll() is None, said
            assert time.monotonic() < give_up_at, said
            time.sleep(0.1)
        yield url


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@dataclass(slots=True)
class Talk:
    """One open WebSocket. Messages are objects, or texts and bytes as they are."""

    connection: ClientConnection
    heard: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def say(self, *messages: object) -> None:
        """Send messages."""
        for message in messages:
            is_raw = isinstance(message, str | bytes)
            await self.connection.send(message if is_raw else json.dumps(message))  # type: ignore[arg-type]

    async def hear(self, *, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait for the next message."""
        async with asyncio.timeout(within):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def closed(self, *, within: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Wait for the end, past whatever is sent until then, and give its code and reason."""
        async with asyncio.timeout(within):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed as end:
                return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "not told")

    async def begin(self, key: str) -> None:
        """Introduce oneself and be acknowledged."""
        await self.say({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
        assert await self.hear() == {"type": "connection_ack"}

    async def next(self, *, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait for the next value and give its data, which must be without errors."""
        message = await self.hear(within=within)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def hears_nothing(self, *, seconds: float = 1.0) -> bool:
        """Tell whether it stays silent for so long."""
        try:
            await self.hear(within=seconds)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def talk(
    url: str, *, key: str | None = None, protocol: str | None = PROTOCOL, **options: Any
) -> AsyncIterator[Talk]:
    """Open a WebSocket and, with a key, begin the protocol."""
    place = urlsplit(url)
    async with connect(
        f"ws://{place.netloc}/graphql",
        subprotocols=[Subprotocol(protocol)] if protocol else None,
        proxy=None,
        **options,
    ) as connection:
        opened = Talk(connection)
        if key is not None:
            await opened.begin(key)
        yield opened

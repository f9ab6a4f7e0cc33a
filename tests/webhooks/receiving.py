"""A receiver of webhooks on loopback: it keeps every request as it came, and answers as a test says."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One request: header names are in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: datetime

    @property
    def message_id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        """The body, read."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: after some seconds, with headers and a body that may go on for ever."""

    status: int = 200
    body: bytes = b"thank you"
    headers: tuple[str, ...] = ()
    after_seconds: float = 0
    is_endless: bool = False


@dataclass(slots=True)
class Receiver:
    """Answers with `replies` one after the other, then with 200."""

    port: int
    scheme: str = "http"
    got: list[Received] = field(default_factory=list)
    replies: deque[Reply] = field(default_factory=deque)
    always: Reply = Reply()
    at_once: int = 0
    most_at_once: int = 0
    has_some: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    def kinds(self) -> list[str]:
        """Name what it was told of, in order."""
        return [each.content["type"] for each in self.got]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(await self._read(reader), writer)
        finally:
            self.at_once -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Reply:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append(Received(first.split(" ")[1], headers, body, datetime.now(UTC)))
        self.has_some.set()
        return self.replies.popleft() if self.replies else self.always

    async def _answer(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(reply.after_seconds)
        size = [] if reply.is_endless else [f"content-length: {len(reply.body)}"]
        head = [f"HTTP/1.1 {reply.status} Whatever", *size, "connection: close", *reply.headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + reply.body)
        await writer.drain()
        while reply.is_endless:
            writer.write(b"and on ")
            await writer.drain()
            await asyncio.sleep(0.001)


@asynccontextmanager
async def receiving(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Start a receiver, and stop it after."""
    receiver = Receiver(port=0, scheme="https" if tls else "http")
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()

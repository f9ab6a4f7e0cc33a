"""A load client that costs little: requests are bytes made beforehand, answers are read and hardly looked at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def post(path: str, body: bytes, *, key: str, media_type: str = "application/json") -> bytes:
    """Write a whole request down."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: prorata\r\nauthorization: Bearer {key}\r\n"
        f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that is kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**22))

    async def send(self, request: bytes) -> bytes:
        """Send one request and give the body of its answer, which must be a good one."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length, head
        body = await self.reader.readexactly(int(length[1]))
        assert head.startswith(b"HTTP/1.1 200 "), body[:500]
        return body

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()


async def send_all(connections: list[Connection], requests: list[bytes]) -> list[bytes]:
    """Send requests over all connections, each taking the next as it is free; give the answers' bodies."""
    waiting: Iterator[bytes] = iter(requests)

    async def work(connection: Connection) -> list[bytes]:
        return [await connection.send(request) for request in waiting]

    return [answer for answers in await asyncio.gather(*map(work, connections)) for answer in answers]

"""Connections that can be cut: what an ASGI application cannot do to its own client."""

import asyncio
from typing import Final

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: Final[dict[tuple[str, int], asyncio.Transport]] = {}


class DroppableConnection(H11Protocol):
    """An HTTP connection known by its client's address for as long as it is open."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        super().connection_made(transport)
        if self.client:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self.client:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


async def cut(request: Request) -> None:
    """Cut the connection of a request, so that its client sees no answer, not even a closing one."""
    if request.client:
        transport = _OPEN.get((request.client.host, request.client.port))
        if transport:
            transport.abort()
    # The loss is announced by the event loop; after one turn of it the server knows not to answer.
    await asyncio.sleep(0)

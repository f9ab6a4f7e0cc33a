"""A mailbox for one machine: takes every mail by SMTP, delivers none, and shows them on a page. Loopback only."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.mailbox.folder import Folder
from adapters.mailbox.pages import mailbox_app

LOOPBACK = "127.0.0.1"


class Keeper:
    """Keeps what the SMTP server is handed."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101  decode_data is off
        name = await asyncio.to_thread(self._folder.keep, content)
        return f"250 Kept as {name}"


def main(folder: Path, *, port: int, smtp_port: int) -> None:
    """Serve until interrupted; the address of the page is said when both ports accept connections."""
    listener, smtp_listener = (
        socket.create_server((LOOPBACK, port)),
        socket.create_server((LOOPBACK, smtp_port)),
    )
    sys.stdout.write(f"http://{LOOPBACK}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    asyncio.run(_serve(Folder(folder), listener=listener, smtp_listener=smtp_listener))


async def _serve(folder: Folder, *, listener: socket.socket, smtp_listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    keeper = Keeper(folder)

    def answer() -> SMTP:
        return SMTP(keeper, hostname="localhost", enable_SMTPUTF8=True, loop=loop)

    config = uvicorn.Config(
        mailbox_app(folder), ws="none", access_log=False, log_level="warning", timeout_graceful_shutdown=1
    )
    async with await loop.create_server(answer, sock=smtp_listener):
        await uvicorn.Server(config).serve(sockets=[listener])

"""TCP ports of this machine: a free one, and a plain word when the one we want is taken."""

from __future__ import annotations

import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(eq=False)
class PortTakenError(Exception):
    """Another program listens where one of our servers should."""

    port: int
    server: str
    remedy: str

    def __str__(self) -> str:
        """Say who wanted the port and what to do."""
        return f"Port {self.port}, wanted for {self.server}, is taken by another program. {self.remedy}"


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_answering(port: int) -> bool:
    """Tell whether somebody accepts connections on this port of the loopback address."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((LOOPBACK, port)) == 0


def refuse_taken_port(port: int, *, server: str, remedy: str) -> None:
    """Raise PortTakenError unless `port` can be listened on; connections that are still closing do not count."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(port, server, remedy) from error

"""TCP ports of this machine: a free one, and a plain word when the one we want is taken."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
# Systems give outgoing connections ports above these (Linux from 32,768, others from 49,152), so no client takes one.
UNCLAIMED_PORTS = range(20_000, 32_000)


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
    """A port that nobody listened on a moment ago and that no outgoing connection will be given."""
    # The system's randomness: test processes that seeded theirs alike must not pick alike.
    for port in random.SystemRandom().sample(UNCLAIMED_PORTS, len(UNCLAIMED_PORTS)):
        with socket.socket() as listener, suppress(OSError):
            listener.bind((LOOPBACK, port))
            return port
    raise OSError(
        f"No port from {UNCLAIMED_PORTS[0]} to {UNCLAIMED_PORTS[-1]} is free: stop a server and try again."
    )


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

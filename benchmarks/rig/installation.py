"""An installation for one benchmark: a durable PostgreSQL in a temporary folder, and servers as processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import pricebooks
from adapters.database import create_engine, session_maker
from adapters.embedded import processes
from adapters.embedded.databases import as_role, create_database
from adapters.embedded.ports import free_port, is_answering
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.valkey import EmbeddedValkey
from adapters.roles import prepare_application
from adapters.scopes import EVERYONE
from adapters.settings import MOST_POINTS
from adapters.upgrade import upgrade
from benchmarks.rig.measure import parent_of
from services.apikeys import create_key

PEPPER = "a pepper for the benchmarks"
WEBHOOK_SECRET = "whsec_" + b64encode(b"no webhook is sent or taken here").decode()
START_SECONDS = 30

Sessions = async_sessionmaker[AsyncSession]
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Store:
    """The database of a benchmark: through the product's engine, and through the bare driver as the tables' owner."""

    sessions: Sessions
    pool: Pool
    postmaster: int
    key: str

    async def number(self, query: str, *values: object) -> int:
        """Give the one number of a query."""
        return int(await self.pool.fetchval(query, *values) or 0)

    async def settle(self) -> None:
        """Write out what earlier work left in memory, so that no rival pays for another."""
        await self.pool.execute("CHECKPOINT")


@dataclass(frozen=True, slots=True)
class Servers:
    """A database for the tables' owner, whom no row security binds, and for the application; and a Valkey."""

    owner: str
    application: str
    redis: str


@contextmanager
def installed() -> Iterator[Servers]:
    """Make a database with our schema, on a server that loses nothing (fsync on), and a Valkey."""
    with TemporaryDirectory(prefix="prorata-benchmark-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey() as valkey:
            owner = asyncio.run(create_database(postgres.url(), "prorata"))
            application = as_role(owner, "application", password=PEPPER)
            upgrade(owner)
            asyncio.run(prepare_application(owner, application))
            yield Servers(owner, application, valkey.url)


@asynccontextmanager
async def opened(servers: Servers, *, connections: int) -> AsyncIterator[Store]:
    """Open the database, with the price book and an operator's key in it."""
    engine = create_engine(servers.application, pool_size=connections, scope=EVERYONE)
    sessions = session_maker(engine)
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        await pricebooks.publish_shipped(session, now=now)
        key = await create_key(session, name="benchmark", account_id=None, now=now, pepper=PEPPER)
    try:
        async with asyncpg.create_pool(
            servers.owner.replace("+asyncpg", ""), min_size=connections, max_size=connections
        ) as pool:
            backend = await pool.fetchval("SELECT pg_backend_pid()")
            yield Store(sessions, pool, parent_of(backend), key)
    finally:
        await engine.dispose()


@contextmanager
def serving(servers: Servers, database: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run a server of ours as a process, the product's without arguments; give its process id and port."""
    port = free_port()
    command = [sys.executable, "-m", *(arguments or ("workers", "serve"))]
    with TemporaryFile() as said:
        server = processes.spawn(
            command, on_orphaned=signal.SIGTERM, env=_environment(servers, database, port), output=said
        )
        try:
            give_up_at = time.monotonic() + START_SECONDS
            while not is_answering(port):
                if server.poll() is not None or time.monotonic() > give_up_at:
                    said.seek(0)
                    raise RuntimeError(said.read().decode())
                time.sleep(0.05)
            yield server.pid, port
        finally:
            processes.stop(server, by=signal.SIGTERM, within_seconds=10)


def _environment(servers: Servers, database: str, port: int) -> Mapping[str, str]:
    return os.environ | {
        "DATABASE_URL": database,
        "REDIS_URL": servers.redis,
        "PRORATA_RATE_POINTS": str(MOST_POINTS),  # requests are paid for, and never refused
        "PRORATA_PORT": str(port),
        "PRORATA_SANDBOX_KEY": "no payment is made here",
        "PRORATA_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PRORATA_KEY_PEPPER": PEPPER,
    }

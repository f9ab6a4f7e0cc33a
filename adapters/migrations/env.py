"""What Alembic runs to reach the database: each pending revision in a transaction of its own, by one process at a time.

The lock that sees to it, and the limits of time, are the connection's: a revision may leave its transaction.
"""

import asyncio
import logging
import os
import time

from alembic import context
from sqlalchemy import Connection, text

from adapters.database import create_engine
from adapters.scopes import EVERYONE
from adapters.tables import metadata
from adapters.upgrade import LOCK_TIMEOUT, STATEMENT_TIMEOUT

# Any constant will do, as long as nobody else in the database uses it.
ONE_AT_A_TIME = 7_063_301
ASK_SECONDS = 0.2
TIMEOUTS = (f"SET lock_timeout = '{LOCK_TIMEOUT}'", f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")


def database_url() -> str:
    """Return the address a program has set or, on the command line, DATABASE_URL."""
    url = context.config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("set DATABASE_URL to the database to migrate")
    return url


def migrate(connection: Connection) -> None:
    """Run the revisions. A second process waits for the first, then finds nothing left to do."""
    # Asked again and again: whoever waits in a statement holds a snapshot, and an index that is built beside
    # the traffic (CREATE INDEX CONCURRENTLY) waits for all snapshots before it.
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ONE_AT_A_TIME}):
        connection.commit()
        time.sleep(ASK_SECONDS)
    for timeout in TIMEOUTS:
        connection.execute(text(timeout))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_online() -> None:
    """Open the one connection the migrations need, and close it."""
    engine = create_engine(database_url(), pool_size=1, application_name="prorata-migrate", scope=EVERYONE)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def print_sql() -> None:
    """Write the statements instead of running them (`upgrade head --sql`)."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        for timeout in TIMEOUTS:
            context.execute(timeout)
        context.run_migrations()


if context.config.cmd_opts is not None:
    # Only at the command line: a program that migrates has its own idea of logging.
    logging.basicConfig(level=logging.INFO, format="%(message)s")

if context.is_offline_mode():
    print_sql()
else:
    asyncio.run(migrate_online())

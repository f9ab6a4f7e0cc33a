"""What Alembic runs to reach the database: all pending revisions in one transaction."""

import asyncio
import logging
import os

from alembic import context
from sqlalchemy import Connection, text

from adapters.database import create_engine
from adapters.tables import metadata

# Any constant will do, as long as nobody else in the database uses it.
ONE_AT_A_TIME = 7_063_301


def database_url() -> str:
    """Return the address a program has set or, on the command line, DATABASE_URL."""
    url = context.config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("set DATABASE_URL to the database to migrate")
    return url


def migrate(connection: Connection) -> None:
    """Run the revisions. A second process waits for the first, then finds nothing left to do."""
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        # Waiting for a table would make all who come after wait too; building an index takes its time.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        context.run_migrations()


async def migrate_online() -> None:
    """Open the one connection the migrations need, and close it."""
    engine = create_engine(database_url(), pool_size=1, application_name="prorata-migrate")
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def print_sql() -> None:
    """Write the statements instead of running them (`upgrade head --sql`)."""
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.config.cmd_opts is not None:
    # Only at the command line: a program that migrates has its own idea of logging.
    logging.basicConfig(level=logging.INFO, format="%(message)s")

if context.is_offline_mode():
    print_sql()
else:
    asyncio.run(migrate_online())

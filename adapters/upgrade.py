"""Bring a database's schema to the newest revision of `adapters/migrations`, while others work on it."""

from __future__ import annotations

import logging
import time
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK_TIMEOUT: Final = "2s"
"""How long a revision waits for a table. All who come after wait behind it, so it gives up and tries again."""
STATEMENT_TIMEOUT: Final = "15min"
"""How long one statement may take: an index takes its time, and nothing should take all night."""

TRIES: Final = 10
PAUSE_SECONDS: Final = 3

log = logging.getLogger(__name__)


class UpgradeError(Exception):
    """The newest revision was not reached. What was reached stands, and the next run goes on from there."""


def alembic_config(url: str, *, migrations: Path = MIGRATIONS) -> Config:
    """Alembic's configuration for the database at `url`, for any of its commands."""
    config = Config(migrations / "alembic.ini")
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))  # the ini format gives % a meaning
    return config


def upgrade(url: str, *, revision: str = "head", migrations: Path = MIGRATIONS, tries: int = TRIES) -> None:
    """Run the migrations up to `revision`. Call it where no event loop is running: the migrations start their own.

    A revision that does not get its locks is rolled back and tried again. Raises UpgradeError when it has not got
    them in `tries`, when a statement takes too long, or when the role is not the tables' owner.
    """
    for left in range(tries - 1, -1, -1):
        try:
            command.upgrade(alembic_config(url, migrations=migrations), revision)
        except DBAPIError as error:
            _judge(error, tries=tries, left=left)
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _judge(error: DBAPIError, *, tries: int, left: int) -> None:
    """Say that it will be tried again, or raise why not."""
    match getattr(error.orig, "sqlstate", None):
        case "55P03" if left:  # lock_not_available
            log.warning(
                "a table is in use: no lock within %s; trying again in %d s, %d tries left",
                LOCK_TIMEOUT,
                PAUSE_SECONDS,
                left,
            )
        case "55P03":
            raise UpgradeError(
                f"A revision did not get its locks in {tries} tries of {LOCK_TIMEOUT}, and was rolled back: a long "
                "transaction holds the table. End it (pg_stat_activity tells which), then run this again."
            ) from error
        case "57014":  # query_canceled
            raise UpgradeError(
                f"A statement took longer than {STATEMENT_TIMEOUT}, and its revision was rolled back. "
                "What takes that long belongs in batches, outside the revision."
            ) from error
        case "42501":  # insufficient_privilege
            raise UpgradeError(
                "The role may not change the schema: set PRORATA_OWNER_URL to an address with the role that owns the tables, "
                "or DATABASE_URL where there are none yet."
            ) from error
        case _:
            raise error


@cache
def revisions() -> tuple[str, ...]:
    """Name the revisions this release knows, the newest first."""
    return tuple(each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions())

"""Bring a database's schema to the newest revision of `adapters/migrations`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`, for any of its commands."""
    config = Config(MIGRATIONS / "alembic.ini")
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))  # the ini format gives % a meaning
    return config


def upgrade(url: str, *, revision: str = "head") -> None:
    """Run the migrations up to `revision`. Call it where no event loop is running: the migrations start their own."""
    command.upgrade(alembic_config(url), revision)


@cache
def revisions() -> tuple[str, ...]:
    """Name the revisions this release knows, the newest first."""
    return tuple(each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions())

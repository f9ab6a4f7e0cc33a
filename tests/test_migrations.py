"""The migrations build what the tables describe, can be undone, and may be run by several at once."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from adapters.database import create_engine
from adapters.embedded.databases import create_database, drop_database
from adapters.tables import metadata
from adapters.upgrade import MIGRATIONS, alembic_config, upgrade

COLUMNS: Final = """
    SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
"""
CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c', 'x')
"""
INDEXES: Final = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
STORAGE: Final = """
    SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
LEFT_BEHIND: Final = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"empty_{uuid4().hex}"
    yield asyncio.run(create_database(server_url, name))
    asyncio.run(drop_database(server_url, name))


@pytest.fixture
def second_database(server_url: str) -> Iterator[str]:
    """Another one."""
    name = f"second_{uuid4().hex}"
    yield asyncio.run(create_database(server_url, name))
    asyncio.run(drop_database(server_url, name))


def _read(url: str, *queries: str) -> list[list[tuple[object, ...]]]:
    async def read() -> list[list[tuple[object, ...]]]:
        engine = create_engine(url)
        async with engine.connect() as connection:
            answers = [
                sorted(map(tuple, await connection.execute(text(query))), key=repr) for query in queries
            ]
        await engine.dispose()
        return answers

    return asyncio.run(read())


def _build_from_tables(url: str) -> None:
    async def build() -> None:
        engine = create_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()

    asyncio.run(build())


def test_goes_up_down_and_up_again_without_a_trace(empty_database: str) -> None:
    config = alembic_config(empty_database)

    upgrade(empty_database)
    command.check(config)
    command.downgrade(config, "base")
    left_behind = _read(empty_database, LEFT_BEHIND)
    upgrade(empty_database)

    assert left_behind == [[]]
    command.check(config)


def test_builds_exactly_what_the_tables_describe(empty_database: str, second_database: str) -> None:
    catalogue = (COLUMNS, CONSTRAINTS, INDEXES, STORAGE)

    upgrade(empty_database)
    _build_from_tables(second_database)

    migrated, described = _read(empty_database, *catalogue), _read(second_database, *catalogue)
    ours = [[row for row in rows if row[0] != "alembic_version"] for rows in migrated]
    assert ours == described


def test_several_processes_may_migrate_at_once(empty_database: str) -> None:
    alembic = [sys.executable, "-m", "alembic", "-c", str(MIGRATIONS / "alembic.ini"), "upgrade", "head"]
    environment = os.environ | {"DATABASE_URL": empty_database}

    processes = [
        subprocess.Popen(alembic, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    assert sum("0001 -> 0002" in each for each in said) == 1
    head = ScriptDirectory.from_config(alembic_config(empty_database)).get_current_head()
    assert _read(empty_database, "SELECT version_num FROM alembic_version") == [[(head,)]]


def test_leaves_the_logging_of_the_program_alone(empty_database: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("adapters").disabled)

    upgrade(empty_database)

    assert (root.level, list(root.handlers), logging.getLogger("adapters").disabled) == before


def test_takes_an_address_with_a_percent_sign_in_it(empty_database: str) -> None:
    scheme, rest = empty_database.split("://")

    upgrade(f"{scheme}://%{ord(rest[0]):02x}{rest[1:]}")

    assert _read(empty_database, "SELECT count(*) FROM accounts") == [[(0,)]]

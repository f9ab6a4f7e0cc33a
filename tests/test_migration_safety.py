"""Revisions are safe on a live database: squawk finds nothing in them, and none of them makes the traffic wait for long."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Final
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from adapters import upgrade as upgrading
from adapters.database import create_engine
from adapters.embedded.databases import create_database, drop_database
from adapters.upgrade import MIGRATIONS, UpgradeError, alembic_config, upgrade

NEVER_RELEASED: Final = "0009"
"""Up to this revision no database but those of developers had to live through them: squawk looks at what came after."""
NOT_OURS: Final = "prefer-bigint-over-int"  # counts that stay small are integers here, as the tables say
SQUAWK: Final = str(Path(sys.executable).with_name("squawk"))

PLANTED: Final = '''
"""Planted."""

from alembic import op

revision = "planted"
down_revision = "{head}"


def upgrade() -> None:
{body}


def downgrade() -> None:
    pass
'''
IN_USE: Final = 'op.execute("ALTER TABLE webhook_endpoints ADD COLUMN planted text")'
BESIDE_THE_TRAFFIC: Final = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_accounts_planted")
    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_accounts_planted ON accounts (name)")
"""
EXPAND: Final = """
op.execute("ALTER TABLE accounts ADD COLUMN planted text")
op.execute("ALTER TABLE accounts ADD CONSTRAINT ck_accounts_planted CHECK (planted <> '') NOT VALID")
"""


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """A database of the test's own, at the newest revision."""
    name = f"live_{uuid4().hex}"
    yield asyncio.run(create_database(server_url, name, template=template))
    asyncio.run(drop_database(server_url, name))


def plant(folder: Path, body: str) -> Path:
    """Copy the migrations and give them one more revision."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    (migrations / "versions" / "planted.py").write_text(PLANTED.strip().format(head=head, body=indented))
    return migrations


def findings(sql: str) -> list[str]:
    """What squawk finds in statements, by rule and line."""
    command_line = [SQUAWK, "--pg-version", "18", "--exclude", NOT_OURS, "--reporter", "json"]
    looked = subprocess.run(command_line, input=sql, capture_output=True, text=True, check=False)
    assert looked.returncode in {0, 1}, looked.stderr
    return [f"{each['rule_name']} at line {each['line'] + 1}" for each in json.loads(looked.stdout)]


def written_out(migrations: Path = MIGRATIONS, *, after: str = NEVER_RELEASED) -> str:
    """The statements of all revisions after one, as `upgrade --sql` prints them; nothing, where there are none."""
    config = alembic_config("postgresql://nobody/nothing", migrations=migrations)
    if ScriptDirectory.from_config(config).get_current_head() == after:
        return ""
    config.output_buffer = StringIO()
    command.upgrade(config, f"{after}:head", sql=True)
    return config.output_buffer.getvalue()


async def read(url: str, query: str) -> object:
    """Give the one value a query has."""
    engine = create_engine(url)
    async with engine.connect() as connection:
        value = await connection.scalar(text(query))
    await engine.dispose()
    return value


def hold(url: str, table: str, *, held: Event, until: Event) -> None:
    """Keep a table in use, as a long transaction does."""

    async def use() -> None:
        engine = create_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT count(*) FROM {table}"))
            held.set()
            await asyncio.to_thread(until.wait, 60)
        await engine.dispose()

    asyncio.run(use())


def test_squawk_finds_nothing_in_the_revisions_to_be_released() -> None:
    assert findings(written_out()) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (EXPAND, []),
        (BESIDE_THE_TRAFFIC, []),
        ("""op.execute("CREATE INDEX ix ON accounts (name)")""", ["require-concurrent-index-creation"]),
        ("""op.execute("ALTER TABLE accounts DROP COLUMN name")""", ["ban-drop-column"]),
        (
            """op.execute("ALTER TABLE accounts ALTER COLUMN card_last4 SET NOT NULL")""",
            ["adding-not-nullable-field"],
        ),
        (
            """op.execute("ALTER TABLE accounts ADD CONSTRAINT ck CHECK (name <> '')")""",
            ["constraint-missing-not-valid"],
        ),
        ("""op.execute("-- squawk-ignore ban-drop-column\\nALTER TABLE accounts DROP COLUMN name")""", []),
    ],
)
def test_squawk_sees_what_makes_the_traffic_wait(tmp_path: Path, body: str, found: list[str]) -> None:
    head = str(ScriptDirectory(str(MIGRATIONS)).get_current_head())

    sql = written_out(plant(tmp_path, body), after=head)

    assert [finding.split()[0] for finding in findings(sql)] == found


def test_an_index_is_built_beside_the_traffic_while_another_process_waits(
    database: str, tmp_path: Path
) -> None:
    migrations = plant(tmp_path, BESIDE_THE_TRAFFIC)
    program = "import sys; from pathlib import Path; from adapters.upgrade import upgrade; "
    program += "upgrade(sys.argv[1], migrations=Path(sys.argv[2]))"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, database, str(migrations)],
            cwd=MIGRATIONS.parent.parent,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    said = [process.communicate(timeout=60)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_accounts_planted'::regclass"
    assert asyncio.run(read(database, valid)) is True
    assert asyncio.run(read(database, "SELECT version_num FROM alembic_version")) == "planted"


def test_a_table_in_use_is_waited_for_in_short_tries(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    migrations = plant(tmp_path, IN_USE)
    held, freed = Event(), Event()
    user = Thread(target=hold, args=(database, "webhook_endpoints"), kwargs={"held": held, "until": freed})
    user.start()
    assert held.wait(30)

    with caplog.at_level(logging.WARNING, logger=upgrading.__name__):
        with pytest.raises(
            UpgradeError, match=r"did not get its locks in 1 tries of 2s, and was rolled back"
        ):
            upgrade(database, migrations=migrations, tries=1)
        version = asyncio.run(read(database, "SELECT version_num FROM alembic_version"))
        release = Timer(3, freed.set)
        release.start()
        upgrade(database, migrations=migrations, tries=3)

    user.join(30)
    release.join(30)
    assert version != "planted"
    assert "a table is in use: no lock within 2s; trying again in 3 s, 2 tries left" in caplog.text
    assert asyncio.run(read(database, "SELECT version_num FROM alembic_version")) == "planted"


def test_a_statement_that_takes_too_long_is_told_with_what_to_do(database: str, tmp_path: Path) -> None:
    body = """op.execute("SET LOCAL statement_timeout = '50ms'")\nop.execute("SELECT pg_sleep(5)")"""

    with pytest.raises(UpgradeError, match="in batches, outside the revision"):
        upgrade(database, migrations=plant(tmp_path, body))

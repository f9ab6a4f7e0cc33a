"""The commands and their roles: `migrate` works as the owner, and nothing else is willing to."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.embedded.databases import as_role, create_database, drop_database, drop_role
from adapters.settings import Settings

PASSWORD = "of-a-role-that-lives-for-one-test"


@pytest.fixture
def addresses(server_url: str) -> Iterator[tuple[str, str]]:
    """A database with nothing in it, for its owner and for an application whose role is not there yet."""
    name, role = f"roles_{uuid4().hex}", f"role_{uuid4().hex}"
    owner_url = asyncio.run(create_database(server_url, name))
    yield owner_url, as_role(owner_url, role, password=PASSWORD)
    asyncio.run(drop_database(server_url, name))
    asyncio.run(drop_role(server_url, role))


def run(command: str, *, settings: Settings, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; one that goes on has not refused."""
    given = {
        "REDIS_URL": settings.redis_url,
        "PRORATA_SANDBOX_KEY": settings.sandbox_key,
        "PRORATA_WEBHOOK_SECRET": settings.webhook_secret,
        "PRORATA_KEY_PEPPER": settings.key_pepper,
        "PRORATA_PORT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "workers", command],
        env=os.environ | given | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_process_refuses_to_work_as_a_superuser(command: str, settings: Settings, owner_url: str) -> None:
    refused = run(command, settings=settings, DATABASE_URL=owner_url)

    assert refused.returncode == 1
    assert "Error: PostgreSQL does not keep accounts apart for the role" in refused.stderr
    assert "PRORATA_OWNER_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_migrate_builds_as_the_owner_and_makes_the_application_s_role(
    addresses: tuple[str, str], settings: Settings
) -> None:
    owner_url, application_url = addresses
    env = {"DATABASE_URL": application_url, "PRORATA_OWNER_URL": owner_url}

    twice = [run("migrate", settings=settings, **env) for _ in range(2)]
    key = subprocess.run(
        [sys.executable, "-m", "workers", "keys", "create", "--name", "x"],
        env=os.environ | env | {"PRORATA_KEY_PEPPER": settings.key_pepper},
        capture_output=True,
        text=True,
        check=False,
    )

    assert [(done.returncode, done.stderr) for done in twice] == [(0, ""), (0, "")]
    assert key.stdout.startswith("pr_"), key.stderr


def test_migrate_without_an_owner_says_what_is_missing(
    addresses: tuple[str, str], settings: Settings
) -> None:
    done = run("migrate", settings=settings, DATABASE_URL=addresses[0], PRORATA_OWNER_URL="")

    assert done.returncode == 0
    assert "`serve` and `work` will refuse to start" in done.stderr
    assert "PRORATA_OWNER_URL" in done.stderr


def test_migrate_says_when_the_role_there_is_has_another_password(
    addresses: tuple[str, str], settings: Settings
) -> None:
    owner_url, application_url = addresses
    run("migrate", settings=settings, DATABASE_URL=application_url, PRORATA_OWNER_URL=owner_url)
    changed = application_url.replace(PASSWORD, "another")

    done = run("migrate", settings=settings, DATABASE_URL=changed, PRORATA_OWNER_URL=owner_url)

    assert changed != application_url
    assert done.returncode == 0
    assert "DATABASE_URL does not open the database" in done.stderr
    assert "password authentication failed" in done.stderr
    assert "another" not in done.stderr


def test_migrate_refuses_one_role_for_both(addresses: tuple[str, str], settings: Settings) -> None:
    refused = run("migrate", settings=settings, DATABASE_URL=addresses[0], PRORATA_OWNER_URL=addresses[0])

    assert refused.returncode == 1
    assert "Error: PRORATA_OWNER_URL and DATABASE_URL have to name two roles" in refused.stderr

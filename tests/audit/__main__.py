"""Audits by tools of others, for which npm and uv fetch what they need: `make audit`. Not part of the tests."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from adapters import pricebooks
from adapters.database import create_engine, session_maker
from adapters.embedded.databases import as_role, create_database
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.valkey import EmbeddedValkey
from adapters.roles import prepare_application
from adapters.scopes import EVERYONE
from adapters.upgrade import upgrade
from services.apikeys import create_key
from tests.api.companies import new_company
from tests.application import PEPPER, Api
from tests.audit.tools import PACKAGES, Place, audits, run
from tests.gateway.running_provider import running_provider
from tests.live.running_api import environment, running_api

HERE: Final = Path(__file__).parent
SCHEMA: Final = HERE.parent.parent / "api" / "schema.graphql"


async def furnish(database_url: str) -> str:
    """Put the price book and an operator's key in the database, and give the key."""
    engine, now = create_engine(database_url, scope=EVERYONE), datetime.now(UTC)
    async with session_maker(engine).begin() as session:
        await pricebooks.publish_shipped(session, now=now)
        key = await create_key(session, name="audit", account_id=None, now=now, pepper=PEPPER)
    await engine.dispose()
    return key


async def open_company(url: str, key: str) -> dict[str, str]:
    """Make an account that has everything, and name its things."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        return asdict(await new_company(Api(http, key)))


def fetch(folder: Path) -> None:
    """Put what the audits read in a folder, and the tools of npm."""
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    shutil.copy(SCHEMA, folder)
    shutil.copy(HERE.parent / "npm" / "verify_webhook.mjs", folder)
    with (folder / "messages").open("wb") as messages:
        subprocess.run([sys.executable, "-m", "tests.npm.signed_messages"], stdout=messages, check=True)
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True
    )


def main() -> int:
    """Run the audits against an API on throw-away servers, and give the exit code."""
    with (
        TemporaryDirectory() as made,
        EmbeddedPostgres() as postgres,
        EmbeddedValkey() as valkey,
        running_provider() as provider,
    ):
        folder = Path(made)
        fetch(folder)
        owner_url = asyncio.run(create_database(postgres.url(), "audited"))
        database_url = as_role(owner_url, "application", password="audited")
        upgrade(owner_url)
        asyncio.run(prepare_application(owner_url, database_url))
        key = asyncio.run(furnish(database_url))
        env = environment(database_url=database_url, redis_url=valkey.url, sandbox_url=provider.url)
        with running_api(env) as url:
            place = Place(folder, url, key, asyncio.run(open_company(url, key)))
            results = [run(audit, place) for audit in audits(place)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

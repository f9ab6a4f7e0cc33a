"""Audits by tools of other languages, for which npm fetches what it needs: `make audit`. Not part of the tests."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters import pricebooks
from adapters.database import create_engine, session_maker
from adapters.embedded.databases import create_database
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.valkey import EmbeddedValkey
from adapters.upgrade import upgrade
from services.apikeys import create_key
from tests.application import PEPPER
from tests.gateway.running_provider import running_provider
from tests.live.running_api import environment, running_api

SCRIPT: Final = Path(__file__).parent / "graphql_ws.mjs"
PACKAGES: Final = ("graphql-ws@6.4.2", "ws@8", "graphql@16")


async def furnish(database_url: str) -> str:
    """Put the price book and an operator's key in the database, and give the key."""
    engine, now = create_engine(database_url), datetime.now(UTC)
    async with session_maker(engine).begin() as session:
        await pricebooks.publish_shipped(session, now=now)
        key = await create_key(session, name="audit", account_id=None, now=now, pepper=PEPPER)
    await engine.dispose()
    return key


def main() -> int:
    """Run the audits against an API on throw-away servers, and give the exit code."""
    with (
        TemporaryDirectory() as made,
        EmbeddedPostgres() as postgres,
        EmbeddedValkey() as valkey,
        running_provider() as provider,
    ):
        folder = Path(made)
        shutil.copy(SCRIPT, folder)
        subprocess.run(["npm", "install", "--silent", *PACKAGES], cwd=folder, check=True)
        database_url = asyncio.run(create_database(postgres.url(), "audited"))
        upgrade(database_url)
        key = asyncio.run(furnish(database_url))
        env = environment(database_url=database_url, redis_url=valkey.url, sandbox_url=provider.url)
        with running_api(env) as url:
            return subprocess.run(["node", SCRIPT.name, url, key], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

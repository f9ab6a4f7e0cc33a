"""Worker processes as they are deployed, on a database and a Valkey of the module's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.embedded.valkey import EmbeddedValkey
from tests.gateway.running_provider import RunningProvider
from tests.services.conftest import world
from tests.workers.running_worker import Workshop

__all__ = ["valkey", "workshop", "world"]


@pytest.fixture(scope="module")
def valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey that may be flushed, stopped and killed."""
    with EmbeddedValkey() as server:
        yield server


@pytest.fixture
def workshop(
    database_url: str, valkey: EmbeddedValkey, payment_provider: RunningProvider
) -> Iterator[Workshop]:
    """Starts workers, and ends those that a test left running."""
    with Workshop(database_url=database_url, redis_url=valkey.url, sandbox_url=payment_provider.url) as shop:
        yield shop

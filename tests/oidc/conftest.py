"""An issuer of tokens, theirs, and what checks them, ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.oidc.keys import KeySet
from adapters.oidc.tokens import Issuer
from tests import issuing
from tests.issuing import AUDIENCE, running_issuer
from tests.oidc.checking import Clock


@pytest.fixture
def theirs() -> Iterator[issuing.Issuer]:
    """A running issuer with a key of each kind."""
    with running_issuer() as issuer:
        for kid, algorithm in (("first", "ES256"), ("ed", "EdDSA"), ("rsa", "RS256")):
            issuer.add_key(kid, algorithm)
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ours(theirs: issuing.Issuer, clock: Clock) -> AsyncIterator[Issuer]:
    """What checks its tokens."""
    keys = KeySet(theirs.url, clock=clock)
    yield Issuer(theirs.url, AUDIENCE, keys)
    await keys.close()

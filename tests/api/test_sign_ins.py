"""Failures to sign in are counted by address: it is refused for a while, and nobody else is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import HTTPConnection
from starlette.types import Message

from adapters.settings import Settings
from api.rates import address_of
from services.apikeys import create_key
from tests.api.limited import BOOK, application, refused
from tests.application import PEPPER, Api

Sessions = async_sessionmaker[AsyncSession]


@pytest_asyncio.fixture
async def key(operator: Api, sessions: Sessions) -> str:
    """An operator's key with a full bucket."""
    async with sessions.begin() as session:
        return await create_key(session, name="new", account_id=None, now=datetime.now(UTC), pepper=PEPPER)


async def test_wrong_keys_from_an_address_are_refused_before_they_are_looked_up(
    settings: Settings, key: str
) -> None:
    async with application(
        settings, sign_in_failures=3, sign_in_restore_seconds=60, host="203.0.113.10"
    ) as http:
        known = Api(http, key)
        before = await known.post(BOOK)
        wrong = [
            await http.post(
                "/graphql", json={"query": BOOK}, headers={"authorization": f"Bearer pr_0_{number}"}
            )
            for number in range(5)
        ]
        after = await known.post(BOOK)

    assert "errors" not in before
    assert [response.status_code for response in wrong] == [401, 401, 401, 429, 429]
    refused(wrong[4])
    assert 55 <= int(wrong[4].headers["retry-after"]) <= 60
    # A key that the process knows is served, whatever else comes from its address.
    assert "errors" not in after


async def test_other_addresses_are_not_punished(settings: Settings, key: str, sessions: Sessions) -> None:
    few = {"sign_in_failures": 2, "sign_in_restore_seconds": 60}
    async with application(settings, host="2001:db8:1:2::1", **few) as http:
        codes = [(await Api(http, f"pr_0_{number}").post(BOOK))["errors"] for number in range(3)]
    async with application(settings, host="2001:db8:1:2:ffff::9", **few) as http:
        neighbour = await Api(http, key).post(BOOK)
    async with application(settings, host="2001:db8:1:3::1", **few) as http:
        stranger = await Api(http, key).post(BOOK)

    assert codes[2][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert neighbour["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert "errors" not in stranger


async def test_good_callers_of_one_address_never_notice(settings: Settings, sessions: Sessions) -> None:
    async with sessions.begin() as session:
        keys = [
            await create_key(session, name="new", account_id=None, now=datetime.now(UTC), pepper=PEPPER)
            for _ in range(20)
        ]
    few = {"sign_in_failures": 2, "sign_in_restore_seconds": 60}
    async with application(settings, host="203.0.113.9", **few) as http:
        answers = await asyncio.gather(*(Api(http, each).post(BOOK) for each in keys for _ in range(3)))

    assert [answer for answer in answers if "errors" in answer] == []


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_an_address_is_one_caller_or_the_network_of_one(host: str | None, named: str) -> None:
    scope: Message = {"type": "http", "client": (host, 1) if host else None}

    assert address_of(HTTPConnection(scope)) == named

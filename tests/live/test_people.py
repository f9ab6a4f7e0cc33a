"""People on WebSockets: they follow what their role shows, until the role, the place or the token ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from adapters.oidc.tokens import LEEWAY
from api.auth import NOT_A_TOKEN
from tests.api.companies import NOW, new_company
from tests.api.inputs import Ids
from tests.api.people import ROLES, SEATS, Crew, crew, join
from tests.api.permission_table import FIELDS, read
from tests.application import Api
from tests.issuing import AUDIENCE, Issuer, issuer, running_issuer
from tests.live.running_api import Talk, running_api, talk

__all__ = ["issuer"]

FOLLOWED = {
    "workspaceUsage": "subscription ($id: ID!) { workspaceUsage(workspaceId: $id) { metrics { total } } }",
    "notificationAdded": "subscription ($id: ID!) { notificationAdded(accountId: $id) { id } }",
    "alertFired": "subscription ($id: ID!) { alertFired(accountId: $id) { metric } }",
    "limitSwitched": "subscription ($id: ID!) { limitSwitched(accountId: $id) { metric } }",
    "invoiceChanged": "subscription ($id: ID!) { invoiceChanged(accountId: $id) { id } }",
}
SETTLED_SECONDS = 0.5


@pytest.fixture(scope="module")
def api_url(env: dict[str, str], operator_key: str, issuer: Issuer) -> Iterator[str]:
    """The address of an API process that takes the issuer's tokens."""
    with running_api(env, oidc_issuer=issuer.url, oidc_audience=AUDIENCE) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(client: Api, issuer: Issuer) -> Crew:
    """A company with a person of each role and seat."""
    return await crew(client, issuer, await new_company(client))


async def follow(socket: Talk, ids: Ids, field: str) -> None:
    """Begin to follow a field."""
    about = ids.workspace if field == "workspaceUsage" else ids.account
    payload = {"query": FOLLOWED[field], "variables": {"id": about}}
    await socket.say({"type": "subscribe", "id": field, "payload": payload})


async def heard(socket: Talk, *, seconds: float = SETTLED_SECONDS) -> list[dict[str, Any]]:
    """Give the messages that come until it is silent for so long."""
    messages = []
    while True:
        try:
            messages.append(await socket.hear(within=seconds))
        except TimeoutError:
            return messages


def refused(messages: list[dict[str, Any]]) -> set[str]:
    """Name the operations that are told FORBIDDEN."""
    return {message["id"] for message in messages if '"FORBIDDEN"' in str(message).replace("'", '"')}


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_follows_what_the_role_shows_and_nothing_else(
    api_url: str, company: Crew, role: str, seat: str
) -> None:
    table = {name.split(".")[1]: row for name, row in read(FIELDS).items() if name.startswith("Live.")}
    assert set(table) == set(FOLLOWED)

    async with talk(api_url, key=company.people[role, seat].key) as socket:
        for field in FOLLOWED:
            await follow(socket, company.ids, field)
        messages = await heard(socket)

    assert refused(messages) == {name for name, row in table.items() if role not in row.roles}
    assert ("workspaceUsage" in {each["id"] for each in messages if each["type"] == "next"}) == (
        role in table["workspaceUsage"].roles
    )


async def use(client: Api, ids: Ids, event: str) -> None:
    """Record usage, of which followers are told."""
    given = {"eventId": event, "metric": "PHONE_MINUTE", "quantity": 1, "at": NOW.isoformat()}
    recorded = await client.do("usageRecord", "accepted", workspaceId=ids.workspace, events=[given])
    assert recorded["accepted"] == 1


@pytest.mark.parametrize("ending", ["the role is taken", "the person is removed"])
async def test_a_subscription_ends_when_what_it_needs_is_taken(
    api_url: str, client: Api, issuer: Issuer, company: Crew, ending: str
) -> None:
    email = f"{ending.replace(' ', '.')}@example.com"
    teammate = await join(client, company.ids.workspace, email, role="BILLING")
    async with talk(api_url, key=issuer.token(email)) as socket:
        await follow(socket, company.ids, "workspaceUsage")
        first = await heard(socket)
        await use(client, company.ids, f"while allowed: {ending}")
        second = await heard(socket, seconds=2)

        if ending == "the role is taken":
            await client.do("roleSet", "__typename", teammateId=teammate, role="MEMBER")
        else:
            await client.do("teammateRemove", "__typename", teammateId=teammate)
        await use(client, company.ids, f"after that: {ending}")
        last = await heard(socket, seconds=2)
        await use(client, company.ids, f"and then: {ending}")
        silence = await heard(socket, seconds=1)

    assert [message["type"] for message in first + second] == ["next"] * len(first + second)
    assert len(second) >= 1
    assert refused(last) == {"workspaceUsage"}
    assert [message["type"] for message in last] == ["error"]
    assert silence == []


async def test_a_socket_ends_with_its_token(api_url: str, company: Crew, issuer: Issuer) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3) - LEEWAY
    async with talk(api_url, key=issuer.token("admin.full@example.com", exp=ends_at)) as socket:
        await follow(socket, company.ids, "invoiceChanged")
        began = time.monotonic()

        code, reason = await socket.closed()

    assert (code, reason) == (4403, NOT_A_TOKEN)
    assert 1 < time.monotonic() - began < 6


async def test_a_person_who_is_in_no_company_may_open_a_socket_and_follows_nothing(
    api_url: str, company: Crew, issuer: Issuer
) -> None:
    async with talk(api_url, key=issuer.token("nobody@example.com")) as socket:
        for field in FOLLOWED:
            await follow(socket, company.ids, field)
        messages = await heard(socket)
        await socket.say({"type": "ping"})

        assert await socket.hear() == {"type": "pong"}
    assert [each for each in messages if each["type"] == "next" and (each["payload"].get("data") or {})] == []


async def test_a_wrong_token_opens_no_socket(api_url: str, issuer: Issuer) -> None:
    async with talk(api_url) as socket:
        token = issuer.token(aud="others")
        await socket.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})

        assert await socket.closed() == (4403, NOT_A_TOKEN)


async def test_while_the_issuer_is_away_a_socket_is_to_be_tried_later(env: dict[str, str]) -> None:
    with running_issuer() as away:
        away.add_key("first")
        away.is_down = True
        with running_api(env, oidc_issuer=away.url, oidc_audience=AUDIENCE) as url:
            async with talk(url) as socket:
                said = {"authorization": f"Bearer {away.token()}"}
                await socket.say({"type": "connection_init", "payload": said})

                assert (await socket.closed())[0] == 1013

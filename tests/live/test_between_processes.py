"""What one process commits, subscribers of another hear: usage, alerts, switches, notices and invoices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from redis import Redis

from adapters.embedded.valkey import EmbeddedValkey
from api.auth import NOT_A_KEY
from api.schema import schema
from tests.api.companies import key_of
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.live.running_api import Talk, running_api, talk
from tests.services.world import World
from tests.workers.running_worker import Workshop, until

USAGE = """
    subscription ($id: ID!) {
      workspaceUsage(workspaceId: $id, metrics: [BULK_EMAIL]) { metrics { metric total cost { amount } } }
    }"""
ALERTS = """
    subscription ($id: ID!) {
      alertFired(accountId: $id) { metric percent threshold total scope workspaceName }
    }"""
SWITCHES = "subscription ($id: ID!) { limitSwitched(accountId: $id) { metric isDisabled cause limit total } }"
NOTICES = """
    subscription ($id: ID!, $kinds: [NotificationKind!]) {
      notificationAdded(accountId: $id, kinds: $kinds) { id kind title readAt workspaceName }
    }"""
INVOICES = """
    subscription ($id: ID!) {
      invoiceChanged(accountId: $id) { id number status due { amount } payments { status } }
    }"""
EVERY = {
    "workspaceUsage": (USAGE, "workspace"),
    "alertFired": (ALERTS, "account"),
    "limitSwitched": (SWITCHES, "account"),
    "notificationAdded": (NOTICES, "account"),
    "invoiceChanged": (INVOICES, "account"),
}
SETTLED_SECONDS = 0.4
"""Until a subscription, of which nothing tells that it has begun, has."""


class Company:
    """A subscribed account, driven through one API process."""

    def __init__(self, api: Api, ids: dict[str, str]) -> None:
        self.api = api
        self.ids = ids

    async def use(self, units: int) -> None:
        """Record bulk emails now."""
        event = {
            "eventId": uuid4().hex,
            "metric": "BULK_EMAIL",
            "quantity": units,
            "at": datetime.now(UTC).isoformat(),
        }
        done = await self.api.do("usageRecord", "accepted", workspaceId=self.ids["workspace"], events=[event])
        assert done["accepted"] == 1, done

    def scope(self) -> dict[str, str]:
        """Name the workspace's emails."""
        return {
            "accountId": self.ids["account"],
            "workspaceId": self.ids["workspace"],
            "metric": "BULK_EMAIL",
        }


@pytest.fixture(scope="module")
def other_url(env: dict[str, str], operator_key: str) -> Iterator[str]:
    """The address of a second API process."""
    with running_api(env, live_sockets_per_key=400) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(
    database_url: str, valkey: EmbeddedValkey, payment_provider: RunningProvider, world: World
) -> AsyncIterator[None]:
    """A worker process."""
    with Workshop(database_url=database_url, redis_url=valkey.url, sandbox_url=payment_provider.url) as shop:
        await shop.start(world)
        yield


@pytest.fixture
async def company(client: Api) -> Company:
    """A company with an address for its bills, which pays from what is stored."""
    return await new_company(client)


async def new_company(api: Api) -> Company:
    """Open an account on the wall's clock, and subscribe it."""
    account = (await api.do("accountCreate", "account { id }", name="Acme"))["account"]["id"]
    made = await api.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=account,
        name="Support",
        creatorName="Ada",
        creatorEmail="ada@example.com",
    )
    await api.do("paymentMethodSet", "__typename", accountId=account, token="tok_visa")
    started = await api.do(
        "subscriptionStart", "invoice { id }", accountId=account, plan="ADVANCED", psp=True
    )
    return Company(
        api,
        {"account": account, "workspace": made["workspace"]["id"], "invoice": started["invoice"]["id"]},
    )


async def test_usage_recorded_here_is_told_there(company: Company, other_url: str, operator_key: str) -> None:
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, USAGE, company, "workspace")
        at_once = await socket.next()
        await company.use(7)
        began = time.monotonic()
        changed = await socket.next()

    assert total(at_once) == 0
    assert total(changed) == 7
    assert time.monotonic() - began < 2


async def test_a_burst_of_usage_is_told_twice_a_second_and_to_its_end(
    company: Company, other_url: str, operator_key: str
) -> None:
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, USAGE, company, "workspace")
        told, began = [total(await socket.next())], time.monotonic()

        async def burst() -> None:
            for _ in range(60):
                await company.use(1)

        sending = asyncio.create_task(burst())
        while told[-1] < 60:
            told.append(total(await socket.next()))
        seconds = time.monotonic() - began
        await sending
        is_silent = await socket.hears_nothing(seconds=1.5)

    assert told == sorted(set(told))
    assert len(told) <= 2 * seconds + 2
    assert is_silent


async def test_usage_taken_back_is_told(company: Company, other_url: str, operator_key: str) -> None:
    event = {"eventId": "e", "metric": "BULK_EMAIL", "quantity": 5, "at": datetime.now(UTC).isoformat()}
    workspace = company.ids["workspace"]
    await company.api.do("usageRecord", "accepted", workspaceId=workspace, events=[event])

    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, USAGE, company, "workspace")
        before = await socket.next()
        await company.api.do("usageTakeBack", "eventId", workspaceId=workspace, eventId="e", reason="Wrong")
        after = await socket.next()

    assert (total(before), total(after)) == (5, 0)


async def test_an_alert_that_usage_fires_is_told_with_its_notice(
    company: Company, other_url: str, operator_key: str
) -> None:
    await company.api.do("alertSet", "__typename", **company.scope(), threshold=10)
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, ALERTS, company, own_id="alert")
        await follow(socket, NOTICES, company, own_id="notice")
        await asyncio.sleep(SETTLED_SECONDS)

        await company.use(12)
        told = await told_by_id(socket, 2)

    assert told["alert"]["alertFired"] == {
        "metric": "BULK_EMAIL",
        "percent": 100,
        "threshold": 10,
        "total": 12,
        "scope": "WORKSPACE",
        "workspaceName": "Support",
    }
    assert told["notice"]["notificationAdded"]["kind"] == "ALERT"
    assert told["notice"]["notificationAdded"]["readAt"] is None


async def test_a_limit_that_switches_is_told(company: Company, other_url: str, operator_key: str) -> None:
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, SWITCHES, company)
        await asyncio.sleep(SETTLED_SECONDS)

        await company.api.do("limitSet", "__typename", **company.scope(), limit=10)
        await company.use(10)
        off = (await socket.next())["limitSwitched"]
        await company.api.do("limitTurnOff", "__typename", **company.scope())
        on = (await socket.next())["limitSwitched"]

    assert (off["isDisabled"], off["cause"], int(off["limit"])) == (True, "USAGE", 10)
    assert (on["isDisabled"], on["cause"], on["limit"]) == (False, "LIMIT_TURNED_OFF", None)


async def test_kinds_that_were_not_asked_for_are_not_told(
    company: Company, other_url: str, operator_key: str
) -> None:
    await company.api.do("alertSet", "__typename", **company.scope(), threshold=10)
    await company.api.do("limitSet", "__typename", **company.scope(), limit=10)
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, NOTICES, company, kinds=["LIMIT_DISABLED"])
        await asyncio.sleep(SETTLED_SECONDS)

        await company.use(10)
        told = (await socket.next())["notificationAdded"]
        is_silent = await socket.hears_nothing()

    assert told["kind"] == "LIMIT_DISABLED"
    assert is_silent


async def test_an_invoice_that_the_worker_collects_is_told(
    client: Api, other_url: str, operator_key: str, worker: None
) -> None:
    account = (await client.do("accountCreate", "account { id }", name="Acme"))["account"]["id"]
    company = Company(client, {"account": account})
    await client.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=account,
        name="Support",
        creatorName="Ada",
        creatorEmail="ada@example.com",
    )
    await client.do("paymentMethodSet", "__typename", accountId=account, token="tok_visa")
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, INVOICES, company)
        await asyncio.sleep(SETTLED_SECONDS)

        await client.do("subscriptionStart", "__typename", accountId=account, plan="ADVANCED")
        told = [(await socket.next())["invoiceChanged"]]
        while told[-1]["status"] != "PAID":
            told.append((await socket.next())["invoiceChanged"])

    assert told[0]["status"] == "OPEN"
    assert told[-1]["payments"] == [{"status": "SUCCEEDED"}]
    assert {each["number"] for each in told} == {1}


async def test_a_preview_that_is_rolled_back_is_not_told(
    company: Company, other_url: str, operator_key: str, worker: None
) -> None:
    invoice = "query ($id: ID!) { invoice(id: $id) { status } }"

    async def is_paid() -> bool:
        found = await company.api.ask(invoice, id=company.ids["invoice"])
        return found == {"invoice": {"status": "PAID"}}

    # Nothing else may happen to the company meanwhile.
    await until(is_paid)
    preview = """
        query ($change: ChangeInput!) { preview(change: $change) { __typename ... on ChangeRefused { message } } }"""
    change = {"planChange": {"accountId": company.ids["account"], "plan": "EXPERT"}}
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, INVOICES, company, own_id="invoice")
        await follow(socket, USAGE, company, "workspace", own_id="usage")
        await socket.next()
        await asyncio.sleep(SETTLED_SECONDS)
        while not await socket.hears_nothing():
            pass

        previewed = await company.api.ask(preview, change=change)

        assert previewed["preview"]["__typename"] == "ChangePreview"
        assert await socket.hears_nothing()


def test_every_subscription_is_tried_by_strangers() -> None:
    root = schema._schema.subscription_type

    assert root is not None
    assert set(EVERY) == set(root.fields)


@pytest.mark.parametrize("name", EVERY)
async def test_what_is_anothers_is_followed_no_more_than_what_does_not_exist(
    company: Company, client: Api, other_url: str, name: str
) -> None:
    query, kind = EVERY[name]
    ours = await new_company(client)
    key = (await key_of(client, ours.ids["account"])).key
    wrong = [company.ids[kind], ours.ids["invoice"], "nonsense", company.ids[kind][:-1]]

    async with talk(other_url, key=key) as socket:
        for number, each in enumerate(wrong):
            payload = {"query": query, "variables": {"id": each}}
            await socket.say({"type": "subscribe", "id": str(number), "payload": payload})
        answers = [await socket.hear() for _ in wrong]
        await company.use(1)
        is_silent = await socket.hears_nothing()

    assert {answer["type"] for answer in answers} == {"error"}
    assert len({answer["payload"][0]["message"] for answer in answers}) == 1
    assert {answer["payload"][0]["extensions"]["code"] for answer in answers} == {"NOT_FOUND"}
    assert is_silent


async def test_a_revoked_key_ends_its_sockets_within_seconds(
    company: Company, client: Api, other_url: str
) -> None:
    key = (await key_of(client, company.ids["account"])).key
    async with talk(other_url, key=key) as socket:
        await follow(socket, INVOICES, company)

        await client.do("apiKeyRevoke", "__typename", publicId=key.split("_")[1])
        began = time.monotonic()
        code, reason = await socket.closed()

    assert (code, reason) == (4403, NOT_A_KEY)
    assert time.monotonic() - began < 8


async def test_a_flushed_redis_makes_no_difference(
    company: Company, other_url: str, operator_key: str, valkey: EmbeddedValkey
) -> None:
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, USAGE, company, "workspace")
        await socket.next()

        valkey_command(valkey, "FLUSHALL")
        await company.use(3)

        assert total(await socket.next()) == 3


async def test_a_restart_of_redis_heals_within_seconds_and_usage_is_caught_up_with(
    company: Company, other_url: str, operator_key: str, valkey: EmbeddedValkey
) -> None:
    async with talk(other_url, key=operator_key) as socket:
        await follow(socket, USAGE, company, "workspace")
        await socket.next()

        assert valkey._process
        valkey._process.kill()
        valkey._process.wait()
        await company.use(3)
        await asyncio.sleep(1)
        valkey._launch()
        began = time.monotonic()
        caught_up = total(await socket.next())
        seconds = time.monotonic() - began
        await company.use(4)
        told = caught_up
        while told < 7:
            told = total(await socket.next())

    assert caught_up == 3
    assert seconds < 6


async def test_two_hundred_sockets_hear_of_the_same_change(
    company: Company, other_url: str, operator_key: str
) -> None:
    async def listen() -> float:
        async with talk(other_url, key=operator_key) as socket:
            await follow(socket, USAGE, company, "workspace")
            await socket.next()
            waiting.append(True)
            told = 0
            while told < 9:
                told = total(await socket.next())
            return time.monotonic()

    waiting: list[bool] = []
    listeners = [asyncio.create_task(listen()) for _ in range(200)]

    async def all_wait() -> bool:
        return len(waiting) == 200

    await until(all_wait)
    began = time.monotonic()
    await company.use(9)
    heard = await asyncio.gather(*listeners)

    assert max(heard) - began < 10


async def follow(
    socket: Talk, query: str, company: Company, kind: str = "account", *, own_id: str = "1", **variables: Any
) -> None:
    """Start a subscription to a company's account or workspace."""
    given = {"id": company.ids[kind], **variables}
    await socket.say({"type": "subscribe", "id": own_id, "payload": {"query": query, "variables": given}})


async def told_by_id(socket: Talk, number: int) -> dict[str, dict[str, Any]]:
    """Wait for so many values and give them by operation."""
    messages = [await socket.hear() for _ in range(number)]
    return {message["id"]: message["payload"]["data"] for message in messages}


def total(data: dict[str, Any]) -> int:
    """Give the units of the one metric followed."""
    (metric,) = data["workspaceUsage"]["metrics"]
    return int(metric["total"])


def valkey_command(valkey: EmbeddedValkey, *words: str) -> None:
    """Tell Valkey something."""
    with Redis.from_url(valkey.url) as client:
        client.execute_command(*words)

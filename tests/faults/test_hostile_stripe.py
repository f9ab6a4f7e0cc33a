"""The same siege with Stripe as the provider: answers lost in every way, and each invoice is charged once."""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from adapters.gateway.chosen import gateway
from adapters.settings import Provider, Settings
from tests.faults.test_hostile_provider import Wall, served
from tests.gateway.benches import RETURN_URL, StripeBench
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, Receiver, running
from tests.services.books import check_books
from tests.services.world import World
from tests.workers.running_worker import until

CARDS = ("pm_card_visa", "pm_google_pay", "pm_apple_pay", "pm_card_visa")
LOST_ANSWERS: tuple[dict[str, object], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "status", "status": 500, "after": True},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
)


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="module")
def bench(listener: socket.socket) -> Iterator[StripeBench]:
    """The Stripe-compatible server, which sends its webhooks to the API."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/payments"
    options = ("--api-key", API_KEY, "--webhook-url", url, "--webhook-secret", WEBHOOK_SECRET)
    with running("tests.gateway.stripe_server", *options) as provider:
        yield StripeBench(provider, Receiver())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def besieged(
    world: World, listener: socket.socket, bench: StripeBench, database_url: str, redis_url: str
) -> AsyncIterator[World]:
    """The world with Stripe chosen by its settings, and with the API there to take the webhooks."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        provider=Provider.STRIPE,
        stripe_key=API_KEY,
        stripe_webhook_secret=WEBHOOK_SECRET,
        stripe_return_url=RETURN_URL,
        stripe_url=bench.provider.url,
        key_pepper="a pepper for the tests",
    )
    stripe = gateway(settings)
    async with served(settings, Wall(world.wall), listener):
        yield replace(world, gateway=stripe)
    await stripe.aclose()


async def test_every_invoice_is_paid_and_charged_once_whatever_stripe_does(
    besieged: World, bench: StripeBench
) -> None:
    dice = random.Random(7)
    companies = [await besieged.customer(token=CARDS[number % 4]) for number in range(16)]
    for fault in dice.choices(LOST_ANSWERS, k=20):
        bench.misbehave("charge", **fault)

    for days in (0, 2, 7, 14):
        for look in range(3):
            await besieged.at(besieged.wall + timedelta(days=days, minutes=6 * look)).work()
            # Stripe's memory of keys ends somewhere in between; ours does not.
            bench.forget_keys()
    await _webhooks_are_out(bench)

    moves = bench.provider.request("GET", "/_moves").json()["moves"]
    taken = Counter(move["idempotency_key"].split(":")[1] for move in moves if move["kind"] == "charge")
    for company in companies:
        await check_books(besieged, company)
        assert [row.status for row in await besieged.invoices(company)] == ["PAID"]
        assert taken[str(company.account_id)] == 1


async def test_a_webhook_alone_settles_a_charge_whose_answer_is_lost(
    besieged: World, bench: StripeBench
) -> None:
    company = await besieged.customer(token="pm_card_visa")
    bench.misbehave("charge", kind="drop_after")

    await besieged.work()
    await _webhooks_are_out(bench)

    assert [row.status for row in await besieged.invoices(company)] == ["PAID"]


@pytest.mark.parametrize(
    ("token", "reason", "is_stopped"),
    [
        ("pm_card_insufficientFunds", "There was not enough money on the card.", False),
        ("pm_card_lost", "The card was reported lost.", True),
    ],
)
async def test_a_decline_is_told_in_plain_words(
    besieged: World, bench: StripeBench, token: str, reason: str, *, is_stopped: bool
) -> None:
    company = await besieged.customer(token=token)

    await besieged.work()
    await _webhooks_are_out(bench)

    (invoice,) = await besieged.invoices(company)
    assert (invoice.status, invoice.failure) == ("OPEN", reason)
    assert (invoice.dunning_state == "STOPPED") is is_stopped
    await check_books(besieged, company)


async def _webhooks_are_out(bench: StripeBench) -> None:
    async def none_is_pending() -> bool:
        return bool(bench.provider.request("GET", "/_webhooks").json()["pending"] == 0)

    await until(none_is_pending)

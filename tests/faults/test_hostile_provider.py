"""A provider that loses answers and sends webhooks twice, late, shuffled and forged: each invoice is charged once."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import uvicorn

from adapters.gateway.protocol import Charged, Declined, ProviderEvent
from adapters.gateway.sandbox import SandboxGateway
from adapters.settings import Settings
from api.app import create_app
from services import providerevents
from tests.faults.use_cases import with_a_refund
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider, running_provider
from tests.services.books import charges, check_books, check_settled
from tests.services.world import Company, World
from tests.workers.running_worker import until

TOKENS = ("tok_visa", "tok_timeout_after_charge", "tok_error_after_charge", "tok_flaky")
LOST_ANSWERS: tuple[dict[str, object], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "status", "status": 500, "after": True},
    {"kind": "status", "status": 503},
    {"kind": "delay", "seconds": 0.6},
    {"kind": "delay", "seconds": 0.6, "after": True},
)
ODD_WEBHOOKS: tuple[dict[str, object], ...] = (
    {"kind": "duplicate", "n": 3},
    {"kind": "duplicate", "n": 2, "other_id": True},
    {"kind": "shuffle", "n": 3},
    {"kind": "forged"},
)


@dataclass(slots=True)
class Wall:
    """The moment on the wall of the API that takes the webhooks."""

    now: datetime


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Where the API listens; the provider has to know before either runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="module")
def hostile(listener: socket.socket) -> Iterator[RunningProvider]:
    """A provider that sends its webhooks to the API."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/payments"
    options = ("--webhook-url", url, "--webhook-secret", WEBHOOK_SECRET, "--hang-seconds", "1")
    with running_provider(*options) as provider:
        yield provider


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def besieged(
    world: World,
    listener: socket.socket,
    hostile: RunningProvider,
    database_url: str,
    redis_url: str,
) -> AsyncIterator[World]:
    """The world with that provider, and with the API there to take its webhooks."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        sandbox_url=hostile.url,
        sandbox_key=API_KEY,
        webhook_secret=WEBHOOK_SECRET,
        key_pepper="a pepper for the tests",
    )
    gateway = SandboxGateway(hostile.url, API_KEY, WEBHOOK_SECRET, timeout_seconds=0.4)
    wall = Wall(world.wall)
    async with served(settings, wall, listener):
        yield replace(world, gateway=gateway)
    await gateway.aclose()


@asynccontextmanager
async def served(settings: Settings, wall: Wall, listener: socket.socket) -> AsyncIterator[None]:
    app = create_app(settings, clock=lambda: wall.now)
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning", lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def webhooks_are_out(provider: RunningProvider) -> None:
    async def none_is_pending() -> bool:
        return provider.webhooks()["pending"] == 0

    await until(none_is_pending)


async def test_every_invoice_is_paid_and_charged_once_whatever_the_provider_does(
    besieged: World, hostile: RunningProvider
) -> None:
    dice = random.Random(5)
    companies = [await besieged.customer(token=TOKENS[number % 4]) for number in range(24)]
    hostile.misbehave(*dice.choices(LOST_ANSWERS, k=30), *dice.choices(ODD_WEBHOOKS, k=20))

    for days in (0, 7, 14):
        for look in range(4):
            await besieged.at(besieged.wall + timedelta(days=days, minutes=6 * look)).work()
    await webhooks_are_out(hostile)

    for company in companies:
        await check_settled(besieged, company, provider=hostile)
    assert hostile.webhooks()["forgeries_accepted"] == 0
    assert hostile.webhooks()["given_up"] == 0
    hostile.request("DELETE", "/_faults")


async def test_a_webhook_that_comes_before_the_answer_pays_and_the_answer_changes_nothing(
    besieged: World, hostile: RunningProvider
) -> None:
    company = await besieged.customer()
    patient = SandboxGateway(hostile.url, API_KEY, WEBHOOK_SECRET, timeout_seconds=30)
    hostile.misbehave({"kind": "delay", "seconds": 2, "after": True})
    collecting = asyncio.create_task(replace(besieged, gateway=patient).work())

    async def is_paid() -> bool:
        return bool((await besieged.invoices(company))[0].status == "PAID")

    await until(is_paid)
    came_first = not collecting.done()
    await collecting
    await patient.aclose()

    assert came_first
    await check_settled(besieged, company, provider=hostile)


async def test_a_webhook_alone_settles_an_attempt_whose_answers_are_all_lost(
    besieged: World, hostile: RunningProvider
) -> None:
    company = await besieged.customer()
    hostile.misbehave({"kind": "drop_after"})

    await besieged.work()
    await webhooks_are_out(hostile)

    await check_settled(besieged, company, provider=hostile)


@pytest.mark.parametrize(("decision", "status"), [("confirmed", "PAID"), ("refused", "OPEN")])
async def test_a_webhook_tells_what_the_customer_answered(
    besieged: World, hostile: RunningProvider, decision: str, status: str
) -> None:
    company = await besieged.customer(token="tok_action_needed")
    await besieged.work()
    (asked,) = await besieged.invoices(company)
    hostile.misbehave({"kind": "duplicate", "n": 3})

    hostile.request("POST", asked.action_url, data={"decision": decision})
    await webhooks_are_out(hostile)

    (invoice,) = await besieged.invoices(company)
    assert (invoice.status, invoice.action_url) == (status, None)
    await check_books(besieged, company, provider=hostile)


async def test_refunds_whose_answers_are_lost_are_made_once(
    besieged: World, hostile: RunningProvider
) -> None:
    dice = random.Random(7)
    companies = [await with_a_refund(besieged) for _ in range(8)]
    await webhooks_are_out(hostile)
    lost = [{**fault, "target": "refund"} for fault in LOST_ANSWERS]
    hostile.misbehave(*dice.choices(lost, k=12), *dice.choices(ODD_WEBHOOKS, k=10))

    for look in range(5):
        await besieged.at(besieged.wall + timedelta(minutes=30 * look)).work()
    await webhooks_are_out(hostile)

    for company in companies:
        await check_settled(besieged, company, provider=hostile)
        made = await besieged.row(
            "SELECT status, amount_cents FROM refunds WHERE account_id = :a", a=company.account_id
        )
        assert (made.status, made.amount_cents) == ("SUCCEEDED", 10_00)
    hostile.request("DELETE", "/_faults")


async def test_the_same_event_at_once_and_again_is_taken_once(
    besieged: World, hostile: RunningProvider
) -> None:
    company, event = await declined_unheard(besieged, hostile)
    again = replace(event, outcome=Charged(reference="ch_other", amount_cents=3900))

    taken = await asyncio.gather(
        *(providerevents.receive(besieged.sessions, event, wall=besieged.wall) for _ in range(10))
    )
    later = await providerevents.receive(besieged.sessions, again, wall=besieged.wall)

    assert (sum(taken), later) == (1, False)
    (invoice,) = await besieged.invoices(company)
    assert (invoice.status, invoice.ladder_step) == ("OPEN", 1)
    await check_books(besieged, company, provider=hostile)


async def test_what_is_final_stays_when_a_contradiction_comes_under_another_id(
    besieged: World, hostile: RunningProvider
) -> None:
    company, event = await declined_unheard(besieged, hostile)
    await providerevents.receive(besieged.sessions, event, wall=besieged.wall)
    other = replace(event, id=f"evt_{uuid4().hex}", outcome=Charged(reference="ch_other", amount_cents=3900))

    await providerevents.receive(besieged.sessions, other, wall=besieged.wall)

    assert (await besieged.invoices(company))[0].status == "OPEN"
    await check_books(besieged, company, provider=hostile)


@pytest.mark.parametrize("key", ["attempt:{account}:{nobody}", "attempt:{nobody}:{nobody}", "order:7", None])
async def test_a_webhook_about_nothing_of_ours_is_taken_and_changes_nothing(
    besieged: World, hostile: RunningProvider, key: str | None
) -> None:
    company = await besieged.customer()
    named = key and key.format(account=company.account_id, nobody=uuid4())
    event = charged(named)

    await providerevents.receive(besieged.sessions, event, wall=besieged.wall)

    assert await providerevents.receive(besieged.sessions, event, wall=besieged.wall) is False
    assert (await besieged.invoices(company))[0].status == "OPEN"
    await check_books(besieged, company, provider=hostile)


async def declined_unheard(world: World, provider: RunningProvider) -> tuple[Company, ProviderEvent]:
    """Make an attempt whose answer is not known yet, and the event that tells it was declined."""
    company = await world.customer(token="tok_insufficient_funds")
    provider.misbehave({"kind": "drop_before"})
    await world.work()
    attempt = await world.row("SELECT * FROM payment_attempts WHERE account_id = :a", a=company.account_id)
    assert attempt.status == "UNKNOWN"
    assert not any(str(attempt.id) in charge["idempotency_key"] for charge in charges(provider))
    outcome = Declined(
        reference="ch_1", code="insufficient_funds", is_hard=False, reason="The card has insufficient funds."
    )
    return company, replace(charged(key_of(company.account_id, attempt.id)), outcome=outcome)


def key_of(account_id: UUID, attempt_id: UUID) -> str:
    return f"attempt:{account_id}:{attempt_id}"


def charged(key: str | None) -> ProviderEvent:
    """Make the event of a charge that succeeded."""
    return ProviderEvent(
        id=f"evt_{uuid4().hex}",
        kind="charge.succeeded",
        idempotency_key=key,
        reference="ch_1",
        outcome=Charged(reference="ch_1", amount_cents=3900),
        created_at=datetime.now(UTC),
    )

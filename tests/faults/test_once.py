"""Death at every round trip of a mutation under an idempotency key: the repetition finds it done, or does it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.feed import Feed
from api.context import Context
from api.loaders import Loaders
from api.nodes import node_id
from api.rates import Allowance
from api.schema import schema
from domain.permissions import Permission
from services.callers import Caller, CallerKind
from services.webhooks import EndpointRules
from tests.faults.mortal import Dead, MortalGateway, Nursery
from tests.faults.test_crash_points import die, points_of
from tests.faults.use_cases import UseCase, customer, with_card_only
from tests.gateway.running_provider import RunningProvider
from tests.services.world import Company, World

OPERATOR = Caller(kind=CallerKind.KEY, id="operator", scopes=frozenset(Permission))
RULES = EndpointRules(most=1, overlap=timedelta(hours=1), allows_loopback=False)

LONGEST_SECONDS = 20

START = """mutation ($input: SubscriptionStartInput!) { subscriptionStart(input: $input) {
    __typename ... on SubscriptionStartPayload { subscription { id } invoice { number total { amount } } } } }"""
PAY = """mutation ($input: InvoicePayInput!) { invoicePay(input: $input) {
    __typename ... on InvoicePayPayload { invoice { status } } } }"""
INVITE = """mutation ($input: TeammateInviteInput!) { teammateInvite(input: $input) {
    __typename ... on TeammateInvitePayload { teammate { id name } } } }"""


async def ask(world: World, query: str, **given: Any) -> dict[str, Any]:
    """Run a mutation as the API runs it."""

    async def nothing_waits() -> None:
        """No worker sleeps here."""

    async def recall() -> Caller:
        return OPERATOR

    context = Context(
        sessions=world.sessions,
        reads=world.sessions,
        gateway=world.gateway,
        caller=OPERATOR,
        recall=recall,
        wall=world.wall,
        loaders=Loaders(world.sessions, wall=world.wall),
        pepper="",
        ring=nothing_waits,
        feed=Feed("redis://127.0.0.1:1"),
        clock=lambda: world.wall,
        updates_per_second=1,
        webhooks=RULES,
        allowance=Allowance(),
    )
    variables = {"input": {**given, "idempotencyKey": "k"}}
    running = asyncio.create_task(schema.execute(query, variables, context_value=context))
    # A loader whose batch dies leaves its readers waiting: nobody is there any more to tell them.
    async with asyncio.timeout(LONGEST_SECONDS):
        while not (await asyncio.wait({running}, timeout=0.02))[0]:
            if isinstance(world.gateway, MortalGateway) and world.gateway.fate.life.is_over:
                running.cancel()
                await asyncio.wait({running})
                raise Dead
    answer = running.result()
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    (shown,) = answer.data.values()
    assert shown["__typename"].endswith("Payload"), shown
    return dict(shown)


async def start(world: World, company: Company) -> None:
    account = node_id("BillingAccount", company.account_id, company.account_id)
    answer = await ask(world, START, accountId=account, plan="ESSENTIAL")
    assert answer["invoice"]["number"] == 1


async def invite(world: World, company: Company) -> None:
    desk = node_id("Workspace", company.account_id, company.workspace_id)
    await ask(world, INVITE, workspaceId=desk, name="Ida", email="ida@acme.test")


async def pay(world: World, company: Company) -> None:
    (invoice,) = await world.invoices(company)
    answer = await ask(world, PAY, invoiceId=node_id("Invoice", company.account_id, invoice.id))
    assert answer["invoice"]["status"] == "PAID"


async def invite_again(world: World, company: Company) -> None:
    await invite(world, company)
    for table in ("teammates WHERE email = 'ida@acme.test'", "outbox WHERE address = 'ida@acme.test'"):
        assert (
            await world.value(f"SELECT count(*) FROM {table} AND account_id = :a", a=company.account_id) == 1
        )
    await world.work()


async def start_again(world: World, company: Company) -> None:
    await start(world, company)
    await world.work()


@pytest.mark.parametrize(
    "case",
    [
        UseCase("start", with_card_only, start, start_again),
        UseCase("pay", customer, pay, pay),
        UseCase("invite", customer, invite, invite_again, fewest_points=10),
    ],
    ids=lambda case: case.name,
)
async def test_a_repetition_after_a_death_anywhere_finds_it_done_or_does_it(
    world: World, nursery: Nursery, payment_provider: RunningProvider, case: UseCase
) -> None:
    points = await points_of(case, nursery)

    for life in points:
        await die(case, nursery, life, provider=payment_provider)

    assert len(points) >= case.fewest_points
    assert {each.ends_after for each in points} == {False, True}

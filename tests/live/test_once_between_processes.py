"""Many at once under one idempotency key, sent to two API processes: one effect, and all are answered alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.key_cases import charges_of
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.live.running_api import running_api

MANY = 50
START = """mutation ($input: SubscriptionStartInput!) { subscriptionStart(input: $input) {
    __typename ... on SubscriptionStartPayload {
      subscription { id status plan } invoice { id number total { amount } lines { description } } } } }"""
INVITE = """mutation ($input: TeammateInviteInput!) { teammateInvite(input: $input) {
    __typename ... on TeammateInvitePayload { teammate { id name status inviteExpiresAt } } } }"""
PAY = """mutation ($input: InvoicePayInput!) { invoicePay(input: $input) {
    __typename ... on InvoicePayPayload { invoice { number status due { amount } payments { attempt status } } } } }"""
USE = """mutation ($input: UsageRecordInput!) { usageRecord(input: $input) {
    __typename ... on UsageRecordPayload { accepted duplicates outcomes { eventId status } } } }"""


async def test_fifty_at_once_at_two_processes_do_everything_once(
    env: dict[str, str], client: Api, engine: AsyncEngine, payment_provider: RunningProvider
) -> None:
    account = (await client.do("accountCreate", "account { id }", name="Acme"))["account"]["id"]
    founder = {"creatorName": "Ada", "creatorEmail": "ada@acme.test"}
    opened = await client.do("workspaceCreate", "workspace { id }", accountId=account, name="Desk", **founder)
    desk = opened["workspace"]["id"]
    await client.do("paymentMethodSet", "__typename", accountId=account, token="tok_visa")
    running = running_api(env)
    other_url = await asyncio.to_thread(running.__enter__)
    try:
        async with httpx.AsyncClient(base_url=other_url, timeout=60, trust_env=False) as http:
            apis = (client, Api(http, client.key))
            started = await at_once(apis, START, accountId=account, plan="EXPERT")
            invoice = started[0]["data"]["subscriptionStart"]["invoice"]["id"]
            paid = await at_once(apis, PAY, invoiceId=invoice)
            invited = await at_once(apis, INVITE, workspaceId=desk, name="Ida", email="ida@acme.test")
            now = datetime.now(UTC).isoformat()
            event = {"eventId": "e", "metric": "BULK_EMAIL", "quantity": 3, "at": now}
            used = await at_once(apis, USE, workspaceId=desk, events=[event])
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)

    told = [started, paid, invited, used]
    for answers in told:
        assert [answer for answer in answers if answer != answers[0]] == []
        assert "Payload" in str(answers[0]), answers[0]
        assert "errors" not in answers[0]
    assert await counted(engine, "invoices") == 1
    assert await counted(engine, "teammates WHERE email = 'ida@acme.test'") == 1
    assert await counted(engine, "outbox WHERE address = 'ida@acme.test'") == 1
    assert await counted(engine, "usage_events") == 1
    assert await counted(engine, "idempotency_keys") == 4
    assert paid[0]["data"]["invoicePay"]["invoice"]["status"] == "PAID"
    assert len(charges_of(payment_provider, account)) == await counted(engine, "payment_attempts") == 1


async def at_once(apis: Sequence[Api], query: str, **given: object) -> list[dict[str, Any]]:
    """Send a mutation fifty times under one key, to one API after the other; give the answers."""
    variables = {"input": {**given, "idempotencyKey": str(uuid4())}}
    answers = await asyncio.gather(*(apis[n % len(apis)].post(query, variables) for n in range(MANY)))
    # What the caller has left differs from one request to the next.
    return [{name: part for name, part in answer.items() if name != "extensions"} for answer in answers]


async def counted(engine: AsyncEngine, rows: str) -> int:
    """Count rows."""
    async with engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {rows}")) or 0)

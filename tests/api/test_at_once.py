"""Fifty at once under one idempotency key: one effect, fifty equal answers."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.change_cases import SITUATIONS
from tests.api.fingerprints import Fingerprint, fingerprint
from tests.api.key_cases import ALLOWED, asking, charges_of, under
from tests.api.refusal_cases import Installation, bare
from tests.application import Api
from tests.gateway.running_provider import RunningProvider

MANY = 50
WANTED = {
    **{
        name: ALLOWED[name]
        for name in ("subscriptionStart", "teammateInvite", "usageRecord", "creditNoteCreate", "invoicePay")
    },
    "seatsBuy": SITUATIONS["seats are bought and invoiced now"].arrange,
    "paymentMethodSet": ALLOWED["paymentMethodSet"],
}


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.mark.parametrize("mutation", WANTED)
async def test_fifty_at_once_do_what_one_does_and_are_answered_alike(at: Installation, mutation: str) -> None:
    player, given = await WANTED[mutation](at)
    one, _ = await sent(at, mutation, under(given, "k"), times=1)
    charged_once = len(charges_of(at.provider, player.account_id))
    twin, given = await WANTED[mutation](at)

    many, answers = await sent(at, mutation, under(given, "k"), times=MANY)

    assert many == one
    assert many["idempotency_keys"] == 1
    assert len(set(answers)) == 1
    assert f'"__typename":"{mutation[0].upper()}{mutation[1:]}Payload"' in answers[0]
    assert len(charges_of(at.provider, twin.account_id)) == charged_once


async def test_fifty_at_once_that_are_refused_leave_nothing(at: Installation) -> None:
    player = await bare(at)
    given = under({"accountId": player.account_id, "seats": 3}, "k")

    written, answers = await sent(at, "seatsBuy", given, times=MANY)

    assert set(written.values()) == {0}
    assert len(set(answers)) == 1
    assert '"NoSubscription"' in answers[0]


async def sent(
    at: Installation, mutation: str, given: dict[str, object], *, times: int
) -> tuple[dict[str, int], list[str]]:
    """Send a mutation so many times at once; give how many rows each table has more, and the answers' texts."""
    body = {"query": asking(mutation), "variables": {"input": given}}
    headers = {"authorization": f"Bearer {at.api.key}"}
    before = await fingerprint(at.engine)
    responses = await asyncio.gather(
        *(at.api.http.post("/graphql", json=body, headers=headers) for _ in range(times))
    )
    after = await fingerprint(at.engine)

    assert {response.status_code for response in responses} == {200}
    # What the caller has left differs from one request to the next.
    answers = [re.sub(r'"available":\d+', "", response.text) for response in responses]
    return grown(before, after), answers


def grown(before: Fingerprint, after: Fingerprint) -> dict[str, int]:
    """Give how many rows each table has more."""
    return {name: count - before[name][0] for name, (count, _) in after.items()}

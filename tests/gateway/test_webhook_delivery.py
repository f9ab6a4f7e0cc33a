"""The provider tells us of every charge: signed, again until acknowledged, and in whatever disorder is ordered."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adapters.gateway.protocol import Charged, Declined, Gateway, ProviderEvent, WebhookRefused
from tests.gateway.conftest import Payers
from tests.gateway.running_provider import (
    WEBHOOK_SECRET,
    Delivery,
    Receiver,
    RunningProvider,
    receiver,
    running_provider,
)


@pytest.fixture(scope="module")
def receives() -> Iterator[Receiver]:
    with receiver() as receives:
        yield receives


@pytest.fixture(scope="module")
def shared_provider(receives: Receiver) -> Iterator[RunningProvider]:
    with running_provider("--webhook-url", receives.url, "--webhook-secret", WEBHOOK_SECRET) as provider:
        yield provider


@pytest.mark.parametrize(
    ("token", "kind", "outcome"),
    [("tok_visa", "charge.succeeded", Charged), ("tok_stolen", "charge.declined", Declined)],
)
async def test_tells_of_a_charge(
    payers: Payers,
    provider: RunningProvider,
    receives: Receiver,
    key: str,
    *,
    token: str,
    kind: str,
    outcome: type[Charged | Declined],
) -> None:
    payer = await payers.with_token(token)
    answered = await payer.pay(key)
    await _all_delivered(provider)

    [event] = _events(payers.gateway, receives, key)

    assert isinstance(answered, outcome)
    assert (event.kind, event.idempotency_key, event.outcome) == (kind, key, answered)
    assert event.reference == answered.reference


async def test_tells_again_under_the_same_id_until_acknowledged(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str
) -> None:
    payer = await payers.with_token("tok_visa")
    receives.answers += [500, 302]

    await payer.pay(key)
    await _all_delivered(provider)

    events = _events(payers.gateway, receives, key)
    assert len(events) == 3
    assert len({event.id for event in events}) == 1


async def test_a_retried_key_is_not_told_of_again(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str
) -> None:
    payer = await payers.with_token("tok_visa")

    await payer.pay(key)
    await payer.pay(key)
    await _all_delivered(provider)

    assert len(receives.about(key)) == 1


@pytest.mark.parametrize(("other_id", "ids"), [(False, 1), (True, 4)])
async def test_copies_come_under_the_same_id_or_others(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str, *, other_id: bool, ids: int
) -> None:
    payer = await payers.with_token("tok_visa")
    provider.misbehave({"kind": "duplicate", "n": 3, "other_id": other_id})

    await payer.pay(key)
    await _all_delivered(provider)

    events = _events(payers.gateway, receives, key)
    assert len(events) == 4
    assert len({event.id for event in events}) == ids


async def test_shuffled_events_come_last_first(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str
) -> None:
    payer = await payers.with_token("tok_flaky")
    provider.misbehave({"kind": "shuffle", "n": 3})

    for attempt in (1, 2, 3):
        await payer.pay(f"{key}:{attempt}")
    await _all_delivered(provider)

    events = [_opened(payers.gateway, delivery) for delivery in receives.deliveries[-3:]]
    assert [event.idempotency_key for event in events] == [f"{key}:3", f"{key}:2", f"{key}:1"]
    assert [event.kind for event in events] == ["charge.succeeded", "charge.declined", "charge.declined"]


async def test_a_forged_success_is_refused_and_the_true_decline_is_not(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str
) -> None:
    payer = await payers.with_token("tok_lost")
    provider.misbehave({"kind": "forged"})
    receives.answers += [401]

    await payer.pay(key)
    await _all_delivered(provider)

    forged, true = receives.about(key)
    assert b"charge.succeeded" in forged.body
    with pytest.raises(WebhookRefused):
        _opened(payers.gateway, forged)
    assert _opened(payers.gateway, true).kind == "charge.declined"
    assert provider.webhooks()["forgeries_accepted"] == 0


async def test_a_forged_refund_is_refused_and_the_true_refusal_is_not(
    payers: Payers, provider: RunningProvider, receives: Receiver, key: str
) -> None:
    payer = await payers.with_token("tok_no_refunds")
    charge = await payer.pay(key)
    await _all_delivered(provider)
    provider.misbehave({"kind": "forged"})
    receives.answers += [401]

    refused = await payer.gateway.refund(
        charge=charge.reference, amount_cents=100, idempotency_key=f"r:{key}"
    )
    await _all_delivered(provider)

    forged, true = receives.about(f"r:{key}")
    assert b"refund.succeeded" in forged.body
    with pytest.raises(WebhookRefused):
        _opened(payers.gateway, forged)
    assert _opened(payers.gateway, true).outcome == refused


def _opened(gateway: Gateway, delivery: Delivery) -> ProviderEvent:
    return gateway.verify_webhook(body=delivery.body, headers=delivery.headers, now=datetime.now(UTC))


def _events(gateway: Gateway, receives: Receiver, key: str) -> list[ProviderEvent]:
    return [_opened(gateway, delivery) for delivery in receives.about(key)]


async def _all_delivered(provider: RunningProvider) -> None:
    for _ in range(200):
        if provider.webhooks()["pending"] == 0:
            return
        await asyncio.sleep(0.05)
    pytest.fail("webhooks are still pending after ten seconds")

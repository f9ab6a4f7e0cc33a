"""One key, one charge: asked twice, asked at once, asked for something else. The provider's own log is the judge."""

import asyncio
from uuid import uuid4

import pytest

from adapters.gateway.protocol import Charged, Gateway, RequestRejected
from tests.gateway.conftest import Payers
from tests.gateway.running_provider import RunningProvider


async def test_the_same_key_twenty_times_at_once_charges_once(
    payers: Payers, provider: RunningProvider, key: str
) -> None:
    payer = await payers.with_token("tok_visa")

    outcomes = await asyncio.gather(*(payer.pay(key) for _ in range(20)))

    assert len(provider.log(key)) == 1
    assert set(outcomes) == {outcomes[0]}


async def test_a_declined_key_stays_declined(payers: Payers, provider: RunningProvider, key: str) -> None:
    payer = await payers.with_token("tok_insufficient_funds")

    outcomes = {await payer.pay(key), await payer.pay(key)}

    assert len(outcomes) == 1
    assert len(provider.log(key)) == 1


async def test_another_key_is_another_charge(payers: Payers, key: str) -> None:
    payer = await payers.with_token("tok_visa")

    first, second = await payer.pay(f"{key}:1"), await payer.pay(f"{key}:2")

    assert first.reference != second.reference


async def test_refuses_a_key_used_for_another_amount(
    payers: Payers, provider: RunningProvider, key: str
) -> None:
    payer = await payers.with_token("tok_visa")
    await payer.pay(key, amount_cents=2_900)

    with pytest.raises(RequestRejected) as rejected:
        await payer.pay(key, amount_cents=3_900)

    assert (rejected.value.status, rejected.value.code) == (409, "idempotency_error")
    assert [charge["amount_cents"] for charge in provider.log(key)] == [2_900]


async def test_the_same_key_is_the_same_customer(gateway: Gateway, key: str) -> None:
    first = await gateway.create_customer(name="Ada", idempotency_key=key)
    second = await gateway.create_customer(name="Ada", idempotency_key=key)

    assert first == second


async def test_refuses_a_key_used_for_another_customer(gateway: Gateway, key: str) -> None:
    await gateway.create_customer(name="Ada", idempotency_key=key)

    with pytest.raises(RequestRejected, match="idempotency_error"):
        await gateway.create_customer(name="Grace", idempotency_key=key)


async def test_refuses_a_payment_method_of_somebody_else(payers: Payers, key: str) -> None:
    ada, grace = await payers.with_token("tok_visa"), await payers.with_token("tok_visa")

    with pytest.raises(RequestRejected, match="resource_missing"):
        await payers.gateway.charge(
            customer=ada.customer,
            payment_method=grace.payment_method,
            amount_cents=2_900,
            currency="USD",
            idempotency_key=key,
            description="",
        )


@pytest.mark.parametrize("token", ["tok_visa", "tok_lost"])
async def test_finds_a_charge_by_our_key(payers: Payers, gateway: Gateway, key: str, token: str) -> None:
    payer = await payers.with_token(token)
    outcome = await payer.pay(key)

    found = await gateway.find_charge(idempotency_key=key)

    assert found == outcome


async def test_finds_nothing_for_a_key_never_used(gateway: Gateway) -> None:
    found = await gateway.find_charge(idempotency_key=f"odd & {uuid4().hex}")

    assert found is None


async def test_charges_the_largest_amount(payers: Payers, key: str) -> None:
    payer = await payers.with_token("tok_visa")

    outcome = await payer.pay(key, amount_cents=10**12)

    assert isinstance(outcome, Charged)
    assert outcome.amount_cents == 10**12

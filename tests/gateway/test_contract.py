"""What every gateway keeps to, tried on the sandbox and on Stripe: the provider's own log judges what was moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    Gateway,
    GatewayUnavailable,
    OutcomeUnknown,
    PaymentMethodKind,
    PaymentMethodRefused,
    Refunded,
    RefundRefused,
    RequestRejected,
    WebhookRefused,
)
from tests.gateway.benches import (
    OTHER_SECRET,
    RETURN_URL,
    Bench,
    Card,
    Operation,
    opened,
    sandbox_bench,
    stripe_bench,
)
from tests.gateway.conftest import Payer

LOST_AFTER: list[dict[str, Any]] = [
    {"kind": "drop_after"},
    {"kind": "status", "status": 500, "after": True},
    {"kind": "delay", "seconds": 1, "after": True},
]
LOST_BEFORE: list[dict[str, Any]] = [
    {"kind": "drop_before"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
]


@pytest.fixture(scope="module", params=[sandbox_bench, stripe_bench], ids=["sandbox", "stripe"])
def shared_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with request.param() as bench:
        yield bench


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    yield shared_bench
    shared_bench.clear()


@pytest.fixture
async def gateway(bench: Bench) -> AsyncIterator[Gateway]:
    async with opened(bench.open()) as gateway:
        yield gateway


@pytest.fixture
async def impatient(bench: Bench) -> AsyncIterator[Gateway]:
    async with opened(bench.open(timeout_seconds=0.5)) as gateway:
        yield gateway


async def payer(bench: Bench, gateway: Gateway, card: Card = "good") -> Payer:
    """Return a new customer with a card."""
    customer = await gateway.create_customer(name="Ada", idempotency_key=uuid4().hex)
    method = await gateway.attach_payment_method(customer=customer, token=bench.token(card))
    return Payer(gateway, customer, method.reference)


async def charged(bench: Bench, gateway: Gateway, key: str, *, amount_cents: int = 10_400) -> str:
    """Return the reference of a charge that succeeded."""
    outcome = await (await payer(bench, gateway)).pay(key, amount_cents=amount_cents)
    assert isinstance(outcome, Charged)
    return outcome.reference


async def waiting(bench: Bench, gateway: Gateway, key: str) -> tuple[Payer, ActionNeeded]:
    """Return a charge that waits for its customer."""
    ada = await payer(bench, gateway, "action")
    outcome = await ada.pay(key)
    assert isinstance(outcome, ActionNeeded)
    return ada, outcome


@pytest.mark.parametrize(
    ("card", "kind", "brand", "last4"),
    [
        ("good", PaymentMethodKind.CARD, "visa", "4242"),
        ("google", PaymentMethodKind.GOOGLE_PAY, "visa", "1111"),
        ("apple", PaymentMethodKind.APPLE_PAY, "amex", "0005"),
    ],
)
async def test_keeps_a_payment_method_from_the_hosted_page_and_charges_it(
    bench: Bench, gateway: Gateway, key: str, *, card: Card, kind: PaymentMethodKind, brand: str, last4: str
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=f"customer:{key}")
    page = await gateway.payment_method_page(
        customer=customer, return_url=RETURN_URL, idempotency_key=f"page:{key}"
    )
    token = bench.choose(page, card)

    method = await gateway.attach_payment_method(customer=customer, token=token)
    outcome = await Payer(gateway, customer, method.reference).pay(key, amount_cents=10_400)

    assert (method.kind, method.brand, method.last4) == (kind, brand, last4)
    assert outcome == Charged(outcome.reference, 10_400)
    assert bench.charged(key) == [10_400]


async def test_the_same_key_is_the_same_page(gateway: Gateway, key: str) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)

    pages = {
        await gateway.payment_method_page(customer=customer, return_url=RETURN_URL, idempotency_key=key * 2)
        for _ in range(2)
    }

    assert len(pages) == 1


async def test_refuses_a_page_for_a_customer_nobody_knows(gateway: Gateway, key: str) -> None:
    with pytest.raises(RequestRejected, match="resource_missing"):
        await gateway.payment_method_page(customer="cus_0", return_url=RETURN_URL, idempotency_key=key)


@pytest.mark.parametrize("card", ["refused", "unheard of"])
async def test_refuses_a_payment_method_with_a_reason(
    bench: Bench, gateway: Gateway, key: str, card: Card
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)

    with pytest.raises(PaymentMethodRefused) as refused:
        await gateway.attach_payment_method(customer=customer, token=bench.token(card))

    assert refused.value.reason.endswith(".")


async def test_the_same_key_twenty_times_at_once_charges_once(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    ada = await payer(bench, gateway)

    outcomes = await asyncio.gather(*(ada.pay(key) for _ in range(20)))

    assert bench.charged(key) == [2_900]
    assert set(outcomes) == {Charged(outcomes[0].reference, 2_900)}


async def test_refuses_a_key_used_for_another_amount(bench: Bench, gateway: Gateway, key: str) -> None:
    ada = await payer(bench, gateway)
    await ada.pay(key, amount_cents=2_900)

    with pytest.raises(RequestRejected) as rejected:
        await ada.pay(key, amount_cents=3_900)

    assert rejected.value.code == "idempotency_error"
    assert bench.charged(key) == [2_900]


async def test_refuses_a_payment_method_of_somebody_else(bench: Bench, gateway: Gateway, key: str) -> None:
    ada, grace = await payer(bench, gateway), await payer(bench, gateway)

    with pytest.raises(RequestRejected, match="resource_missing"):
        await Payer(gateway, ada.customer, grace.payment_method).pay(key)

    assert bench.charged(key) == []


@pytest.mark.parametrize("fault", LOST_AFTER, ids=str)
async def test_a_charge_whose_answer_is_lost_is_made_once(
    bench: Bench, impatient: Gateway, key: str, fault: dict[str, Any]
) -> None:
    ada = await payer(bench, impatient)
    bench.misbehave("charge", **fault)
    with pytest.raises(OutcomeUnknown):
        await ada.pay(key)
    await asyncio.sleep(fault.get("seconds", 0))

    found = await impatient.find_charge(idempotency_key=key)
    again = await ada.pay(key)

    assert again == found == Charged(again.reference, 2_900)
    assert bench.charged(key) == [2_900]


@pytest.mark.parametrize("fault", LOST_BEFORE, ids=str)
async def test_a_charge_that_was_not_made_is_made_when_asked_again(
    bench: Bench, impatient: Gateway, key: str, fault: dict[str, Any]
) -> None:
    ada = await payer(bench, impatient)
    bench.misbehave("charge", **fault)
    with pytest.raises(OutcomeUnknown):
        await ada.pay(key)

    before = bench.charged(key)
    again = await ada.pay(key)

    assert before == []
    assert isinstance(again, Charged)
    assert bench.charged(key) == [2_900]


async def test_a_charge_on_its_way_is_made_once_however_it_is_asked_for(
    bench: Bench, impatient: Gateway, key: str
) -> None:
    ada = await payer(bench, impatient)
    bench.misbehave("charge", kind="delay", seconds=1)
    with pytest.raises(OutcomeUnknown):
        await ada.pay(key)

    for _ in range(20):
        try:
            again = await ada.pay(key)
            break
        except OutcomeUnknown:
            await asyncio.sleep(0.1)
    else:
        pytest.fail("the same key did not settle it in two seconds")
    await asyncio.sleep(1)

    assert isinstance(again, Charged)
    assert bench.charged(key) == [2_900]


@pytest.mark.parametrize(
    ("card", "code", "is_hard"),
    [
        ("soft", "insufficient_funds", False),
        ("generic", "generic_decline", False),
        ("expired", "expired_card", False),
        ("lost", "lost_card", True),
        ("stolen", "stolen_card", True),
    ],
)
async def test_tells_a_decline_from_one_that_no_retry_helps(
    bench: Bench, gateway: Gateway, key: str, *, card: Card, code: str, is_hard: bool
) -> None:
    ada = await payer(bench, gateway, card)

    outcomes = {await ada.pay(key), await ada.pay(key), await gateway.find_charge(idempotency_key=key)}

    [outcome] = outcomes
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.is_hard) == (code, is_hard)
    assert outcome.reason.endswith(".")
    assert outcome.reference
    assert bench.charged(key) == []


async def test_finds_nothing_for_a_key_never_used(gateway: Gateway) -> None:
    assert await gateway.find_charge(idempotency_key=f'odd "&\\ {uuid4().hex}') is None


async def test_a_charge_waits_until_its_customer_confirms_it(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    ada, needed = await waiting(bench, gateway, key)
    waits = (await ada.pay(key), await gateway.find_charge(idempotency_key=key), bench.charged(key))

    bench.at_the_bank(needed.url, "confirmed")

    assert waits == (needed, needed, [])
    assert await gateway.find_charge(idempotency_key=key) == Charged(needed.reference, 2_900)
    assert await ada.pay(key) == Charged(needed.reference, 2_900)
    assert bench.charged(key) == [2_900]
    told = [type(event.outcome) for event in await bench.events(gateway, key)]
    assert told == [ActionNeeded, Charged]


async def test_a_charge_that_its_customer_refuses_is_declined(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    ada, needed = await waiting(bench, gateway, key)

    bench.at_the_bank(needed.url, "refused")
    bench.at_the_bank(needed.url, "confirmed")

    outcome = await ada.pay(key)
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.is_hard) == ("authentication_failed", False)
    assert outcome.reason == "The card holder did not confirm the payment."
    assert bench.charged(key) == []
    assert (await bench.events(gateway, key))[-1].outcome == outcome


async def test_a_charge_that_was_given_up_cannot_be_confirmed_any_more(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    ada, needed = await waiting(bench, gateway, key)

    outcomes = {await gateway.give_up(reference=needed.reference) for _ in range(2)}
    bench.at_the_bank(needed.url, "confirmed")

    reason = "The payment was not confirmed in time."
    assert outcomes == {Declined(needed.reference, "not_confirmed", is_hard=False, reason=reason)}
    assert await ada.pay(key) in outcomes
    assert bench.charged(key) == []
    assert (await bench.events(gateway, key))[-1].outcome in outcomes


async def test_a_charge_that_was_confirmed_cannot_be_given_up(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    _, needed = await waiting(bench, gateway, key)
    bench.at_the_bank(needed.url, "confirmed")

    outcomes = {await gateway.give_up(reference=needed.reference) for _ in range(2)}

    assert outcomes == {Charged(needed.reference, 2_900)}
    assert bench.charged(key) == [2_900]


@pytest.mark.parametrize("fault", [*LOST_AFTER, *LOST_BEFORE], ids=str)
async def test_giving_up_is_settled_by_asking_again(
    bench: Bench, impatient: Gateway, key: str, fault: dict[str, Any]
) -> None:
    _, needed = await waiting(bench, impatient, key)
    bench.misbehave("give_up", **fault)
    with pytest.raises(OutcomeUnknown):
        await impatient.give_up(reference=needed.reference)
    await asyncio.sleep(fault.get("seconds", 0))

    outcome = await impatient.give_up(reference=needed.reference)

    assert isinstance(outcome, Declined)
    assert outcome.code == "not_confirmed"


async def test_gives_up_nothing_that_nobody_knows(gateway: Gateway) -> None:
    with pytest.raises(RequestRejected, match="resource_missing"):
        await gateway.give_up(reference="pi_0")


async def test_refunds_a_charge_in_parts_and_never_more_than_it_was(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    charge = await charged(bench, gateway, key)

    outcomes = [
        await gateway.refund(charge=charge, amount_cents=cents, idempotency_key=f"refund:{key}:{number}")
        for number, cents in enumerate([400, 10_001, 10_000, 1])
    ]

    assert [type(outcome) for outcome in outcomes] == [Refunded, RefundRefused, Refunded, RefundRefused]
    assert [bench.refunded(f"refund:{key}:{number}") for number in range(4)] == [[400], [], [10_000], []]
    assert all(outcome.reference for outcome in outcomes)
    assert all(each.reason.endswith(".") for each in outcomes if isinstance(each, RefundRefused))


async def test_the_same_key_refunds_once(bench: Bench, gateway: Gateway, key: str) -> None:
    charge = await charged(bench, gateway, key)

    outcomes = await asyncio.gather(
        *(gateway.refund(charge=charge, amount_cents=400, idempotency_key=f"r:{key}") for _ in range(10))
    )
    with pytest.raises(RequestRejected, match="idempotency_error"):
        await gateway.refund(charge=charge, amount_cents=500, idempotency_key=f"r:{key}")

    assert set(outcomes) == {Refunded(outcomes[0].reference, 400)}
    assert bench.refunded(f"r:{key}") == [400]


@pytest.mark.parametrize("fault", [*LOST_AFTER, *LOST_BEFORE], ids=str)
async def test_a_refund_whose_answer_is_lost_is_made_once(
    bench: Bench, impatient: Gateway, key: str, fault: dict[str, Any]
) -> None:
    charge = await charged(bench, impatient, key)
    bench.misbehave("refund", **fault)
    with pytest.raises(OutcomeUnknown):
        await impatient.refund(charge=charge, amount_cents=10_400, idempotency_key=f"r:{key}")
    await asyncio.sleep(fault.get("seconds", 0))

    again = await impatient.refund(charge=charge, amount_cents=10_400, idempotency_key=f"r:{key}")

    assert again == Refunded(again.reference, 10_400)
    assert bench.refunded(f"r:{key}") == [10_400]


async def test_refuses_to_refund_what_was_not_charged(bench: Bench, gateway: Gateway, key: str) -> None:
    ada = await payer(bench, gateway, "soft")
    declined = await ada.pay(key)

    outcome = await gateway.refund(charge=declined.reference, amount_cents=100, idempotency_key=f"r:{key}")

    assert isinstance(outcome, RefundRefused)
    assert outcome.reason == "The charge did not succeed, so there is nothing to give back."
    assert bench.refunded(f"r:{key}") == []


async def test_tells_of_a_refund(bench: Bench, gateway: Gateway, key: str) -> None:
    charge = await charged(bench, gateway, key)

    outcome = await gateway.refund(charge=charge, amount_cents=400, idempotency_key=f"r:{key}")

    [event] = await bench.events(gateway, f"r:{key}")
    assert (event.idempotency_key, event.reference, event.outcome) == (f"r:{key}", outcome.reference, outcome)


@pytest.mark.parametrize(("card", "outcome"), [("good", Charged), ("stolen", Declined)])
async def test_tells_of_a_charge_again_under_the_same_id_until_acknowledged(
    bench: Bench, gateway: Gateway, key: str, card: Card, outcome: type[Charged | Declined]
) -> None:
    ada = await payer(bench, gateway, card)
    await bench.deliveries(key)
    bench.receives.answers += [500, 302]

    answered = await ada.pay(key)

    events = await bench.events(gateway, key)
    assert isinstance(answered, outcome)
    assert len(events) == 3
    assert {(event.id, event.outcome) for event in events} == {(events[0].id, answered)}
    assert {(event.idempotency_key, event.reference) for event in events} == {(key, answered.reference)}


async def test_refuses_a_webhook_that_is_forged_or_too_old_or_too_new(
    bench: Bench, gateway: Gateway, key: str
) -> None:
    await charged(bench, gateway, key)
    [delivery] = await bench.deliveries(key)
    now = datetime.now(UTC)
    forged = delivery.body.replace(b"10400", b"99999")

    assert forged != delivery.body
    for body, moment in [
        (forged, now),
        (delivery.body, now + timedelta(seconds=305)),
        (delivery.body, now - timedelta(seconds=305)),
        (b"\xff" + delivery.body, now),
        (b"", now),
    ]:
        with pytest.raises(WebhookRefused):
            gateway.verify_webhook(body=body, headers=delivery.headers, now=moment)
    with pytest.raises(WebhookRefused):
        gateway.verify_webhook(body=delivery.body, headers={}, now=now)
    async with opened(bench.open(secret=OTHER_SECRET)) as other:
        with pytest.raises(WebhookRefused):
            other.verify_webhook(body=delivery.body, headers=delivery.headers, now=now)


@pytest.mark.parametrize("operation", ["customer", "attach", "page", "find"])
async def test_a_lost_answer_to_anything_else_leaves_it_unknown(
    bench: Bench, gateway: Gateway, key: str, operation: Operation
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    calls: dict[Operation, Callable[[], Awaitable[object]]] = {
        "customer": lambda: gateway.create_customer(name="Ada", idempotency_key=f"other:{key}"),
        "attach": lambda: gateway.attach_payment_method(customer=customer, token=bench.token("good")),
        "page": lambda: gateway.payment_method_page(
            customer=customer, return_url=RETURN_URL, idempotency_key=f"page:{key}"
        ),
        "find": lambda: gateway.find_charge(idempotency_key=key),
    }
    bench.misbehave(operation, kind="status", status=502)

    with pytest.raises(OutcomeUnknown, match="502") as unknown:
        await calls[operation]()

    assert not isinstance(unknown.value, RequestRejected | GatewayUnavailable)
    await calls[operation]()

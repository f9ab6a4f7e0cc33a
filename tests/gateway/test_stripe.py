"""What is Stripe's own: two ways to ask for a confirmation, keys that are forgotten, pages that are left, odd states."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import pytest

from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    Gateway,
    GatewayUnavailable,
    OutcomeUnknown,
    PaymentMethodRefused,
    Refunded,
    RefundRefused,
    RequestRejected,
)
from adapters.gateway.stripe import StripeGateway
from adapters.gateway.stripe_setups import CONFIRM_ON_PAGE, EXPIRED_PAGE, NOT_OURS, UNFINISHED_PAGE
from tests.gateway.benches import RETURN_URL, StripeBench, opened, stripe_bench
from tests.gateway.conftest import Payer
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET
from tests.gateway.test_lost_answers import UNREADABLE, answering


@pytest.fixture(scope="module")
def shared_bench() -> Iterator[StripeBench]:
    with stripe_bench() as bench:
        yield bench


@pytest.fixture
def bench(shared_bench: StripeBench) -> Iterator[StripeBench]:
    yield shared_bench
    shared_bench.clear()


@pytest.fixture
async def gateway(bench: StripeBench) -> AsyncIterator[Gateway]:
    async with opened(bench.open()) as gateway:
        yield gateway


async def payer(gateway: Gateway, method: str = "pm_card_visa") -> Payer:
    customer = await gateway.create_customer(name="Ada", idempotency_key=uuid4().hex)
    stored = await gateway.attach_payment_method(customer=customer, token=method)
    return Payer(gateway, customer, stored.reference)


async def test_a_decline_for_want_of_the_customer_leads_the_same_payment_to_the_bank(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    ada = await payer(gateway, "pm_card_authenticationRequired")

    needed = await ada.pay(key)
    found = await gateway.find_charge(idempotency_key=key)
    again = await ada.pay(key)
    assert isinstance(needed, ActionNeeded)
    bench.at_the_bank(needed.url, "confirmed")

    assert needed == found == again
    assert await ada.pay(key) == Charged(needed.reference, 2_900)
    assert len(bench.intents(key)) == 1
    assert bench.charged(key) == [2_900]


async def test_its_webhooks_never_call_it_declined(bench: StripeBench, gateway: Gateway, key: str) -> None:
    ada = await payer(gateway, "pm_card_authenticationRequired")

    needed = await ada.pay(key)

    events = await bench.events(gateway, key)
    assert [(event.kind, event.outcome) for event in events] == [
        ("payment_intent.payment_failed", None),
        ("payment_intent.requires_action", needed),
    ]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "drop_after"}, {"kind": "drop_before"}, {"kind": "status", "status": 500, "after": True}],
)
async def test_a_confirmation_whose_answer_is_lost_is_taken_up_again(
    bench: StripeBench, gateway: Gateway, key: str, fault: dict[str, object]
) -> None:
    ada = await payer(gateway, "pm_card_authenticationRequired")
    bench.misbehave_on("/confirm", **fault)
    with pytest.raises(OutcomeUnknown):
        await ada.pay(key)

    again = await ada.pay(key)

    assert isinstance(again, ActionNeeded)
    assert len(bench.intents(key)) == 1


async def test_a_payment_that_cannot_wait_at_an_address_is_ended_and_declined(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    ada = await payer(gateway, "pm_card_sdkAction")

    outcome = await ada.pay(key)

    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.is_hard) == ("authentication_required", False)
    assert [intent["status"] for intent in bench.intents(key)] == ["canceled"]


@pytest.mark.parametrize(
    ("method", "code", "is_hard"),
    [
        ("pm_card_pickup", "pickup_card", True),
        ("pm_card_neverAgain", "do_not_honor", True),
        ("pm_card_new_code", "bank_on_holiday", False),
    ],
)
async def test_a_decline_is_hard_by_its_code_or_by_the_banks_advice(
    gateway: Gateway, key: str, method: str, code: str, *, is_hard: bool
) -> None:
    outcome = await (await payer(gateway, method)).pay(key)

    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.is_hard) == (code, is_hard)


async def test_charges_and_refunds_once_though_the_keys_are_forgotten(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    ada = await payer(gateway)
    first = await ada.pay(key)
    bench.forget_keys()

    again = await ada.pay(key)
    refunds = []
    for _ in range(2):
        refunds.append(
            await gateway.refund(charge=first.reference, amount_cents=900, idempotency_key=f"r:{key}")
        )
        bench.forget_keys()

    assert again == first
    assert refunds[0] == refunds[1]
    assert (bench.charged(key), bench.refunded(f"r:{key}")) == ([2_900], [900])


async def test_a_declined_payment_stays_declined_though_the_keys_are_forgotten(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    ada = await payer(gateway, "pm_card_insufficientFunds")
    first = await ada.pay(key)
    bench.forget_keys()

    assert await ada.pay(key) == first
    assert len(bench.intents(key)) == 1


async def test_a_refund_that_the_bank_returns_is_told_of_later(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    charge = await (await payer(gateway, "pm_card_refundFail")).pay(key)

    at_once = await gateway.refund(charge=charge.reference, amount_cents=900, idempotency_key=f"r:{key}")

    events = await bench.events(gateway, f"r:{key}")
    assert [type(event.outcome) for event in events] == [Refunded, RefundRefused]
    assert isinstance(at_once, RefundRefused)
    assert events[-1].outcome == at_once
    assert at_once.reason == "The card was lost or stolen, so the bank returned the money."


async def test_keeps_what_a_frontend_set_up_by_itself(bench: StripeBench, gateway: Gateway, key: str) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    setup = bench.provider.request(
        "POST",
        "/v1/setup_intents",
        data={"customer": customer, "payment_method": "pm_apple_pay", "confirm": "true"},
        headers={"idempotency-key": f"frontend:{key}", "stripe-version": "2026-10-28.endive"},
    ).json()

    stored = await gateway.attach_payment_method(customer=customer, token=setup["id"])

    assert (stored.kind, stored.last4) == ("APPLE_PAY", "0005")


async def test_refuses_a_page_that_was_left_and_one_of_somebody_else(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    customers = [await gateway.create_customer(name=key, idempotency_key=f"{n}:{key}") for n in range(2)]
    page = await gateway.payment_method_page(
        customer=customers[0], return_url=RETURN_URL, idempotency_key=f"page:{key}"
    )
    session = page.rpartition("/")[2]

    async def refusal(customer: str, token: str) -> str:
        with pytest.raises(PaymentMethodRefused) as refused:
            await gateway.attach_payment_method(customer=customer, token=token)
        return refused.value.reason

    assert await refusal(customers[0], session) == UNFINISHED_PAGE
    bench.choose(page, "good")
    assert await refusal(customers[1], session) == NOT_OURS
    assert await refusal(customers[0], "cs_test_0") == EXPIRED_PAGE
    assert await refusal(customers[0], "seti_0") == EXPIRED_PAGE
    assert await refusal(customers[0], "tok_visa") == EXPIRED_PAGE
    assert await refusal(customers[0], "") == EXPIRED_PAGE
    assert await refusal(customers[0], "pm_card_setupAction") == CONFIRM_ON_PAGE


async def test_pages_and_setups_are_told_of_without_money(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    page = await gateway.payment_method_page(
        customer=customer, return_url=RETURN_URL, idempotency_key=f"page:{key}"
    )

    bench.choose(page, "good")

    events = await bench.events(gateway, customer)
    assert {event.kind for event in events} == {"setup_intent.succeeded", "checkout.session.completed"}
    assert {(event.idempotency_key, event.reference, event.outcome) for event in events} == {
        (None, None, None)
    }


async def test_a_payment_still_at_work_is_unknown(bench: StripeBench, gateway: Gateway, key: str) -> None:
    ada = await payer(gateway, "pm_card_actionNeeded")
    needed = await ada.pay(key)
    bench.provider.request("POST", f"/_intents/{needed.reference}", json={"status": "processing"})

    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: ada.pay(key),
        lambda: gateway.find_charge(idempotency_key=key),
        lambda: gateway.give_up(reference=needed.reference),
    ]
    for asks in calls:
        with pytest.raises(OutcomeUnknown, match="processing"):
            await asks()


async def test_every_request_bears_a_key_of_ours_and_the_version_it_was_written_for(
    bench: StripeBench, gateway: Gateway, key: str
) -> None:
    ada = await payer(gateway, "pm_card_authenticationRequired")
    before = set(bench.provider.request("GET", "/_moves").json()["keys"])

    needed = await ada.pay(key)
    await gateway.give_up(reference=needed.reference)

    seen = bench.provider.request("GET", "/_moves").json()
    assert set(seen["keys"]) - before == {key, f"{key}:confirm", f"give_up:{needed.reference}"}
    assert seen["versions"] == ["2026-10-28.endive"]


async def test_a_wrong_api_key_is_told_from_an_unknown_outcome(bench: StripeBench) -> None:
    wrong = StripeGateway("sk_wrong", WEBHOOK_SECRET, return_url=RETURN_URL, url=bench.provider.url)
    async with opened(wrong) as gateway:
        with pytest.raises(RequestRejected) as rejected:
            await gateway.find_charge(idempotency_key="any")

    assert rejected.value.status == 401


async def test_a_provider_that_is_down_surely_charged_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        with pytest.raises(GatewayUnavailable):
            await _pay_at(closed.getsockname()[1])


@pytest.mark.parametrize("answer", UNREADABLE)
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(answer: bytes) -> None:
    async with answering(answer) as port:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _pay_at(port)

    assert not isinstance(unknown.value, RequestRejected)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"object": "list", "data": 1}'),
        (200, b'{"object": "list", "data": [{"id": 1}]}'),
        (400, b'{"error": 5}'),
        (400, b'{"error": []}'),
        (402, b'{"error": {"code": 5}}'),
        (402, b"{}"),
        (200, b"[" * 50_000),
    ],
)
async def test_json_of_another_shape_leaves_the_outcome_unknown(status: int, body: bytes) -> None:
    answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
    async with answering(answer) as port:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _pay_at(port)

    assert not isinstance(unknown.value, RequestRejected)


async def test_a_trickling_answer_does_not_outlast_the_timeout() -> None:
    slow = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n" + b" " * 900
    async with answering(slow, pause=0.1) as port:
        with pytest.raises(OutcomeUnknown):
            async with asyncio.timeout(2):
                await _pay_at(port)


async def _pay_at(port: int) -> None:
    gateway = StripeGateway(
        API_KEY, WEBHOOK_SECRET, return_url=RETURN_URL, url=f"http://127.0.0.1:{port}", timeout_seconds=0.5
    )
    async with opened(gateway):
        await Payer(gateway, "cus_1", "pm_1").pay("invoice:1:1")

"""What proves that a message is Stripe's, and what each kind of event is read as."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    ProviderEvent,
    Refunded,
    RefundRefused,
    WebhookRefused,
)
from adapters.gateway.stripe_webhooks import verified
from adapters.gateway.webhooks import Reason

SECRET = "whsec_example_secret_of_stripe"
SENT_AT = datetime.fromtimestamp(1_614_265_330, UTC)
KEY = "attempt:1:1"
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 2_900,
    "amount_received": 0,
    "currency": "usd",
    "metadata": {"prorata_key": KEY},
    "status": "requires_payment_method",
    "last_payment_error": None,
    "next_action": None,
}
REDIRECT = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/1"}}
REFUND = {"id": "re_1", "object": "refund", "amount": 900, "metadata": {"prorata_key": "r:1"}}


def body_of(kind: str, thing: object, **more: object) -> bytes:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_614_265_329,
        "data": {"object": thing},
    }
    return json.dumps(event | more).encode()


def signed(body: bytes, *, secret: str = SECRET, at: int = 1_614_265_330) -> str:
    """Return the header by Stripe's own function."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at))


def told(kind: str, thing: object) -> ProviderEvent:
    body = body_of(kind, thing)
    return verified(body, secret=SECRET, headers={"Stripe-Signature": signed(body)}, now=SENT_AT)


def refusal(body: bytes, headers: Any, *, now: datetime = SENT_AT) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verified(body, secret=SECRET, headers=headers, now=now)
    return refused.value.reason


@pytest.mark.parametrize(
    ("kind", "changes", "outcome"),
    [
        (
            "payment_intent.succeeded",
            {"status": "succeeded", "amount_received": 2_900},
            Charged("pi_1", 2_900),
        ),
        (
            "payment_intent.payment_failed",
            {"last_payment_error": {"code": "card_declined", "decline_code": "lost_card"}},
            Declined("pi_1", "lost_card", is_hard=True, reason="The card was reported lost."),
        ),
        (
            "payment_intent.payment_failed",
            {"last_payment_error": {"code": "expired_card"}},
            Declined("pi_1", "expired_card", is_hard=False, reason="The card has expired."),
        ),
        (
            "payment_intent.payment_failed",
            {
                "last_payment_error": {
                    "code": "authentication_required",
                    "decline_code": "authentication_required",
                }
            },
            None,
        ),
        (
            "payment_intent.requires_action",
            {"status": "requires_action", "next_action": REDIRECT},
            ActionNeeded("pi_1", "https://bank.example/1"),
        ),
        (
            "payment_intent.requires_action",
            {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}},
            None,
        ),
        (
            "payment_intent.canceled",
            {"status": "canceled"},
            Declined("pi_1", "not_confirmed", is_hard=False, reason="The payment was not confirmed in time."),
        ),
    ],
)
def test_reads_the_outcome_of_a_payment(
    kind: str, changes: dict[str, object], outcome: Charged | Declined | ActionNeeded | None
) -> None:
    event = told(kind, INTENT | changes)

    assert event == ProviderEvent("evt_1", kind, KEY, "pi_1", outcome, SENT_AT - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("kind", "changes", "outcome"),
    [
        ("refund.created", {"status": "succeeded"}, Refunded("re_1", 900)),
        ("refund.created", {"status": "pending"}, Refunded("re_1", 900)),
        ("refund.updated", {"status": "requires_action"}, Refunded("re_1", 900)),
        (
            "charge.refund.updated",
            {"status": "canceled"},
            RefundRefused("re_1", "The bank did not take the money back."),
        ),
        (
            "refund.failed",
            {"status": "failed", "failure_reason": "declined"},
            RefundRefused("re_1", "The bank declined the refund."),
        ),
    ],
)
def test_reads_the_outcome_of_a_refund(
    kind: str, changes: dict[str, object], outcome: Refunded | RefundRefused
) -> None:
    event = told(kind, REFUND | changes)

    assert (event.idempotency_key, event.reference, event.outcome) == ("r:1", "re_1", outcome)


@pytest.mark.parametrize(
    "kind", ["charge.refunded", "setup_intent.succeeded", "checkout.session.completed", "payout.paid", "odd"]
)
def test_other_events_tell_nothing_of_money(kind: str) -> None:
    event = told(kind, {"id": "x_1", "object": "other"})

    assert (event.kind, event.idempotency_key, event.reference, event.outcome) == (kind, None, None, None)


def test_a_payment_made_by_hand_in_the_dashboard_has_no_key() -> None:
    event = told("payment_intent.succeeded", INTENT | {"status": "succeeded", "metadata": {}})

    assert (event.idempotency_key, event.reference) == (None, "pi_1")


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (timedelta(seconds=300), None),
        (timedelta(seconds=300, microseconds=1), Reason.TOO_OLD),
        (timedelta(days=365), Reason.TOO_OLD),
        (timedelta(seconds=-300), None),
        (timedelta(seconds=-300, microseconds=-1), Reason.TOO_NEW),
    ],
)
def test_accepts_a_message_for_three_hundred_seconds_either_way(
    late: timedelta, reason: Reason | None
) -> None:
    body = body_of("odd", {})
    headers = {"stripe-signature": signed(body)}

    if reason is None:
        assert verified(body, secret=SECRET, headers=headers, now=SENT_AT + late).id == "evt_1"
    else:
        assert refusal(body, headers, now=SENT_AT + late) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", Reason.ODD_TIMESTAMP),
        ("v1=ab", Reason.ODD_TIMESTAMP),
        ("t=nan,v1=ab", Reason.ODD_TIMESTAMP),
        ("t=+1614265330,v1=ab", Reason.ODD_TIMESTAMP),
        ("t=01614265330,v1=ab", Reason.ODD_TIMESTAMP),
        ("t=1614265330,t=1614265330,v1=ab", Reason.ODD_TIMESTAMP),
        ("t=99999999999,v1=ab", Reason.ODD_TIMESTAMP),
        ("t=1614265330", Reason.WRONG_SIGNATURE),
        ("t=1614265330,v1=", Reason.WRONG_SIGNATURE),
        ("t=1614265330,v1=ab", Reason.WRONG_SIGNATURE),
        ("t=1614265330,v0=ab", Reason.WRONG_SIGNATURE),
        ("t=1614265330,v1=\u00e9\ud800", Reason.WRONG_SIGNATURE),
        ("t=1614265330,v1", Reason.WRONG_SIGNATURE),
    ],
)
def test_refuses_odd_signatures(header: str, reason: Reason) -> None:
    assert refusal(body_of("odd", {}), {"stripe-signature": header}) == reason


def test_refuses_a_missing_signature_and_one_given_twice() -> None:
    body = body_of("odd", {})
    raw = [(b"stripe-signature", signed(body).encode())] * 2

    assert refusal(body, {}) == Reason.MISSING_HEADER
    assert refusal(body, Headers(raw=raw)) == Reason.REPEATED_HEADER


def test_refuses_the_scheme_of_the_sandbox_and_another_secret() -> None:
    body = body_of("odd", {})

    assert refusal(body, {"webhook-id": "m", "webhook-signature": "v1,ab"}) == Reason.MISSING_HEADER
    assert refusal(body, {"stripe-signature": signed(body, secret="whsec_other")}) == Reason.WRONG_SIGNATURE


def test_accepts_a_message_if_one_signature_matches() -> None:
    body = body_of("odd", {})
    header = signed(body).replace(",v1=", ",v0=ff,v1=00,v1=")

    assert verified(body, secret=SECRET, headers={"stripe-signature": header}, now=SENT_AT).id == "evt_1"


@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_refuses_a_body_with_any_bit_changed(place: int, bit: int) -> None:
    body = body_of("payment_intent.succeeded", INTENT)
    altered = bytearray(body)
    altered[place] ^= 1 << bit

    assert refusal(bytes(altered), {"stripe-signature": signed(body)}) == Reason.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 50_000,
        body_of("payment_intent.succeeded", {"id": 1}),
        body_of("payment_intent.succeeded", []),
        body_of("refund.failed", {"id": "re_1", "amount": 1, "status": "odd"}),
        body_of("odd", {}, created="soon"),
        body_of("odd", {}, created=10**18),
        body_of("odd", {}, id=None),
    ],
)
def test_refuses_a_signed_body_that_is_no_event(body: bytes) -> None:
    assert refusal(body, {"stripe-signature": signed(body)}) == Reason.ODD_BODY

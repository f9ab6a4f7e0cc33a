"""What proves that a message is the provider's: the signature over id, moment and raw body, and the moment itself."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from adapters.gateway.protocol import Charged, WebhookRefused
from adapters.gateway.sandbox import SandboxGateway
from adapters.gateway.webhooks import Reason, WebhookSecretError, sign, signing_key, verify
from tests.gateway.running_provider import WEBHOOK_SECRET

KEY = signing_key(WEBHOOK_SECRET)
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_AT = datetime.fromtimestamp(1_614_265_330, UTC)
BODY = b'{"test": 2432232314}'
# Made by the reference library of Standard Webhooks from the same secret, id, moment and body.
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SIGNED = {"webhook-id": ID, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}


def test_signs_as_the_standard_does() -> None:
    assert sign(BODY, key=KEY, message_id=ID, timestamp=1_614_265_330) == SIGNATURE


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"webhook-signature": f"v1,{base64.b64encode(bytes(32)).decode()} {SIGNATURE}"},
        {"webhook-signature": f"v1a,whatever {SIGNATURE} v2,more"},
        {"content-type": "application/json"},
    ],
)
def test_accepts_a_message_if_one_signature_matches(changes: dict[str, str]) -> None:
    assert verify(BODY, key=KEY, headers=SIGNED | changes, now=SENT_AT) == ID


def test_accepts_headers_in_any_case() -> None:
    headers = {name.title(): value for name, value in SIGNED.items()}

    assert verify(BODY, key=KEY, headers=headers, now=SENT_AT) == ID


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
    assert _refusal(SIGNED, now=SENT_AT + late) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"webhook-id": ""}, Reason.ODD_ID),
        ({"webhook-id": "a.b"}, Reason.ODD_ID),
        ({"webhook-id": "msg\n"}, Reason.ODD_ID),
        ({"webhook-id": "m" * 129}, Reason.ODD_ID),
        ({"webhook-id": "msg_other"}, Reason.WRONG_SIGNATURE),
        *[
            ({"webhook-timestamp": timestamp}, Reason.ODD_TIMESTAMP)
            for timestamp in (
                "",
                "NaN",
                "nan",
                "inf",
                "-1614265330",
                "+1614265330",
                "1614265330.0",
                "1.6e9",
                "1_614_265_330",
                " 1614265330",
                "1614265330\n",
                "01614265330",
                "0161426533",
                "9" * 11,
                "9" * 5_000,
                "\u0661\u0666\u0661\u0664\u0662\u0666\u0665\u0663\u0663\u0660",
                "0x6037ba32",
            )
        ],
        ({"webhook-timestamp": "1614265331"}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": ""}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": "v1,"}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": SIGNATURE.removeprefix("v1,")}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": SIGNATURE.replace("v1,", "v1a,")}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": SIGNATURE.lower()}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": SIGNATURE[:-2]}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": f"{SIGNATURE},"}, Reason.WRONG_SIGNATURE),
        ({"webhook-signature": "v1,\u00e9\ud800"}, Reason.WRONG_SIGNATURE),
        ({"Webhook-Id": ID}, Reason.REPEATED_HEADER),
    ],
)
def test_refuses_odd_and_altered_headers(changes: dict[str, str], reason: Reason) -> None:
    assert _refusal(SIGNED | changes) == reason


@pytest.mark.parametrize("name", list(SIGNED))
def test_refuses_a_message_without_one_of_the_headers(name: str) -> None:
    headers = {other: value for other, value in SIGNED.items() if other != name}

    assert _refusal(headers) == Reason.MISSING_HEADER


@pytest.mark.parametrize("name", list(SIGNED))
def test_refuses_a_header_given_twice_on_the_wire(name: str) -> None:
    raw = [(key.encode(), value.encode()) for key, value in [*SIGNED.items(), (name, SIGNED[name])]]

    assert _refusal(Headers(raw=raw)) == Reason.REPEATED_HEADER


@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_refuses_a_body_with_any_bit_changed(place: int, bit: int) -> None:
    altered = bytearray(BODY)
    altered[place] ^= 1 << bit

    assert _refusal(SIGNED, body=bytes(altered)) == Reason.WRONG_SIGNATURE


@given(st.dictionaries(st.sampled_from(list(SIGNED)), st.text()), st.binary())
def test_refuses_any_noise_with_a_reason(headers: dict[str, str], body: bytes) -> None:
    assert _refusal(headers, body=body) is not None


def test_refuses_a_message_signed_with_another_secret() -> None:
    forged = sign(BODY, key=bytes(24), message_id=ID, timestamp=1_614_265_330)

    assert _refusal(SIGNED | {"webhook-signature": forged}) == Reason.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "secret",
        WEBHOOK_SECRET.removeprefix("whsec_"),
        "whsec_c2hvcnQ=",
        "whsec_!",
        "whsec_\u00e9",
    ],
)
def test_refuses_a_secret_that_cannot_be_one(secret: str) -> None:
    with pytest.raises(WebhookSecretError):
        SandboxGateway("http://127.0.0.1:1", "sk", secret)


CHARGE = {
    "id": "ch_1",
    "idempotency_key": "invoice:1:1",
    "amount_cents": 2_900,
    "status": "succeeded",
    "decline_code": None,
}


@pytest.fixture(scope="module")
def offline_gateway() -> SandboxGateway:
    return SandboxGateway("http://127.0.0.1:1", "sk", WEBHOOK_SECRET)


def test_reads_the_outcome_of_a_charge(offline_gateway: SandboxGateway) -> None:
    body = json.dumps(
        {"type": "charge.succeeded", "timestamp": "2021-02-25T15:02:10Z", "data": {"charge": CHARGE}}
    ).encode()

    event = offline_gateway.verify_webhook(body=body, headers=_signed(body), now=SENT_AT)

    assert (event.id, event.kind, event.created_at) == (ID, "charge.succeeded", SENT_AT)
    assert (event.idempotency_key, event.reference) == ("invoice:1:1", "ch_1")
    assert event.outcome == Charged(reference="ch_1", amount_cents=2_900)


def test_an_event_about_something_else_has_no_outcome(offline_gateway: SandboxGateway) -> None:
    body = b'{"type": "payout.paid", "timestamp": "2021-02-25T15:02:10Z", "data": {"payout": {"id": "po_1"}}}'

    event = offline_gateway.verify_webhook(body=body, headers=_signed(body), now=SENT_AT)

    assert (event.kind, event.idempotency_key, event.reference, event.outcome) == (
        "payout.paid",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 50_000,
        b'{"type": "charge.succeeded", "timestamp": "soon", "data": {}}',
        b'{"type": "charge.succeeded", "timestamp": "2021-02-25T15:02:10Z", "data": {"charge": {"id": 1}}}',
        b'{"type": "charge.succeeded", "timestamp": "2021-02-25T15:02:10", "data": {}}',
    ],
)
def test_refuses_a_signed_body_that_is_no_event(offline_gateway: SandboxGateway, body: bytes) -> None:
    with pytest.raises(WebhookRefused) as refused:
        offline_gateway.verify_webhook(body=body, headers=_signed(body), now=SENT_AT)

    assert refused.value.reason == Reason.ODD_BODY


def _signed(body: bytes) -> dict[str, str]:
    return SIGNED | {"webhook-signature": sign(body, key=KEY, message_id=ID, timestamp=1_614_265_330)}


def _refusal(headers: Mapping[str, str], *, body: bytes = BODY, now: datetime = SENT_AT) -> str | None:
    """Return why the message is refused, or `None` if it is not."""
    try:
        verify(body, key=KEY, headers=headers, now=now)
    except WebhookRefused as refused:
        return refused.reason
    return None

"""Whatever bytes are sent to the provider, the answer is never worse than a 4xx, and it stays up."""

import json

import pytest

from tests.gateway.running_provider import RunningProvider

ORDER = {
    "customer": "cus_1",
    "payment_method": "pm_1",
    "amount_cents": 2_900,
    "currency": "USD",
    "description": "",
}


def _with(**changes: object) -> bytes:
    return json.dumps(ORDER | changes).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"1", 400),
        (b'"x"', 400),
        (b"[]", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 50_000, 400),
        (b'{"customer":' * 5_000, 400),
        (b'{"amount_cents":' + b"9" * 5_000 + b"}", 400),
        (_with(amount_cents=49), 400),
        (_with(amount_cents=0), 400),
        (_with(amount_cents=-2_900), 400),
        (_with(amount_cents=29.5), 400),
        (_with(amount_cents="2900"), 400),
        (_with(amount_cents=True), 400),
        (_with(amount_cents=10**12 + 1), 400),
        (_with(amount_cents=float("nan")), 400),
        (_with(currency="usd"), 400),
        (_with(currency="USD\n"), 400),
        (_with(customer=""), 400),
        (_with(customer="c" * 256), 400),
        (_with(card_number="4242"), 400),
        (b'{"\\ud800": 1}', 400),
        (_with(description="\ud800"), 400),
        (_with(), 404),
        (b" " * (64 * 1024 + 1), 413),
    ],
)
def test_answers_an_odd_charge_with_a_plain_no(
    provider: RunningProvider, key: str, body: bytes, status: int
) -> None:
    response = provider.request("POST", "/v1/charges", content=body, headers={"idempotency-key": key})

    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert provider.log(key) == []


@pytest.mark.parametrize("idempotency_key", ["", "k" * 256, "a b", "cl\u00e9"])
def test_refuses_a_charge_without_a_plain_idempotency_key(
    provider: RunningProvider, idempotency_key: str
) -> None:
    headers = {"idempotency-key": idempotency_key.encode()}

    response = provider.request("POST", "/v1/charges", content=_with(), headers=headers)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "idempotency_key_required"


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer sk_wrong", "Bearer \u00e9", "Basic sk_test_provider"]
)
@pytest.mark.parametrize("path", ["/v1/charges", "/_faults", "/_webhooks"])
def test_tells_nothing_without_the_api_key(provider: RunningProvider, path: str, given: str) -> None:
    response = provider.request("GET", path, headers={"authorization": given.encode()})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "explode"},
        {"kind": "status", "status": 200},
        {"kind": "delay", "seconds": -1},
        {"kind": "duplicate", "n": 0},
        {"kind": "status", "target": "everything"},
    ],
)
def test_refuses_a_fault_it_does_not_know(provider: RunningProvider, fault: dict[str, object]) -> None:
    response = provider.request("POST", "/_faults", json=fault)

    assert response.status_code == 400
    assert provider.request("GET", "/_faults").json() == {"faults": []}


def test_is_healthy_for_anybody_on_this_machine(provider: RunningProvider) -> None:
    response = provider.request("GET", "/healthz", headers={"authorization": ""})

    assert response.json() == {"status": "ok"}
    assert provider.url.startswith("http://127.0.0.1:")

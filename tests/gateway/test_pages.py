"""What a customer's browser sees of the sandbox: pages that work without a key, and give nothing away."""

from __future__ import annotations

import httpx
import pytest

from adapters.gateway.protocol import ActionNeeded, Gateway
from adapters.gateway.sandbox_provider.tokens import TOKENS
from tests.gateway.conftest import Payers
from tests.gateway.running_provider import RunningProvider


def page(url: str, **data: str) -> httpx.Response:
    """Open a page as a browser does, or press a button of it."""
    return httpx.request("POST" if data else "GET", url, data=data or None, trust_env=False)


async def test_shows_what_is_to_be_confirmed_and_then_that_it_was(
    payers: Payers, provider: RunningProvider, key: str
) -> None:
    payer = await payers.with_token("tok_action_needed")
    needed = await payer.pay(key, amount_cents=123_456_78)
    assert isinstance(needed, ActionNeeded)

    shown = page(needed.url)
    done = page(needed.url, decision="confirmed")

    assert needed.url.startswith(f"{provider.url}/pages/confirm/")
    assert "USD 123,456.78" in shown.text
    assert "Invoice 7" in shown.text
    assert [text in shown.text for text in ("Confirm payment", "Refuse")] == [True, True]
    assert "Payment confirmed" in done.text
    assert "<form" not in done.text
    assert page(needed.url).text == done.text


async def test_an_odd_answer_decides_nothing(payers: Payers, gateway: Gateway, key: str) -> None:
    needed = await (await payers.with_token("tok_action_needed")).pay(key)
    assert isinstance(needed, ActionNeeded)

    answers = [page(needed.url, decision=odd) for odd in ("given_up", "CONFIRMED", "x" * 100_000)]

    assert all("Confirm payment" in answer.text for answer in answers)
    assert await gateway.find_charge(idempotency_key=key) == needed


async def test_offers_every_test_card_and_goes_back_with_its_token(gateway: Gateway, key: str) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    url = await gateway.payment_method_page(
        customer=customer, return_url="https://app.example/cards?tab=1&x=%20#top", idempotency_key=key
    )

    shown = page(url)
    back = page(url, token="tok_applepay")
    odd = page(url, token="<script>")

    assert all(f">{token}<" in shown.text for token in TOKENS)
    assert back.status_code == 303
    assert back.headers["location"] == "https://app.example/cards?tab=1&x=+&token=tok_applepay#top"
    assert (odd.status_code, "<script>" in odd.text) == (200, False)


@pytest.mark.parametrize(
    "return_url",
    ["", "javascript:alert(1)", "/cards", "https://a b", "https://app.example/\n", "https://" + "a" * 2_000],
)
async def test_refuses_an_address_no_browser_should_be_sent_to(
    provider: RunningProvider, gateway: Gateway, key: str, return_url: str
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)

    response = provider.request(
        "POST",
        "/v1/payment_method_pages",
        json={"customer": customer, "return_url": return_url},
        headers={"idempotency-key": key},
    )

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/pages/confirm/ch_0", "/pages/payment-method/page_0"])
def test_an_unknown_address_leads_nowhere(provider: RunningProvider, path: str) -> None:
    answers = [page(provider.url + path), page(provider.url + path, token="tok_visa", decision="confirmed")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert all("leads nowhere" in answer.text for answer in answers)


async def test_pages_run_no_script_and_stand_in_no_frame(payers: Payers, gateway: Gateway, key: str) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    payer = await payers.with_token("tok_action_needed")
    needed = await gateway.charge(
        customer=payer.customer,
        payment_method=payer.payment_method,
        amount_cents=50,
        currency="USD",
        idempotency_key=key,
        description="<script>alert(1)</script>",
    )
    assert isinstance(needed, ActionNeeded)
    urls = [
        needed.url,
        await gateway.payment_method_page(
            customer=customer, return_url='https://app.example/?"><script>', idempotency_key=key
        ),
    ]

    for shown in map(page, urls):
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in shown.text

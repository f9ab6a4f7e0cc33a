"""Two providers behind one gateway protocol, each with its own log, faults and pages: what the contract is tried on."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from adapters.gateway.protocol import Gateway, ProviderEvent
from adapters.gateway.sandbox import SandboxGateway
from adapters.gateway.stripe import StripeGateway
from tests.gateway.running_provider import (
    API_KEY,
    WEBHOOK_SECRET,
    Delivery,
    Receiver,
    RunningProvider,
    receiver,
    running,
    running_provider,
)

Operation = Literal["charge", "find", "give_up", "refund", "attach", "customer", "page"]
Card = Literal[
    "good",
    "google",
    "apple",
    "soft",
    "generic",
    "lost",
    "stolen",
    "expired",
    "action",
    "refused",
    "unheard of",
]
RETURN_URL = "https://app.example/billing?tab=cards"
OTHER_SECRET = "whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI="


@dataclass(frozen=True, slots=True)
class Bench(ABC):
    """A provider that runs, and whoever receives its webhooks."""

    provider: RunningProvider
    receives: Receiver

    @abstractmethod
    def open(self, *, secret: str = WEBHOOK_SECRET, timeout_seconds: float = 5.0) -> Gateway:
        """Return a gateway to the provider."""

    @abstractmethod
    def token(self, card: Card) -> str:
        """Return what stands for a card."""

    @abstractmethod
    def charged(self, key: str) -> list[int]:
        """Return the amounts that the provider says it took under a key."""

    @abstractmethod
    def refunded(self, key: str) -> list[int]:
        """Return the amounts that the provider says it gave back under a key."""

    @abstractmethod
    def misbehave(self, operation: Operation, **fault: Any) -> None:
        """Order a fault for the next request of a kind."""

    @abstractmethod
    def clear(self) -> None:
        """Forget the faults."""

    def at_the_bank(self, url: str, decision: Literal["confirmed", "refused"]) -> None:
        """Press a button of the page of a charge that waits."""
        assert url.startswith(self.provider.url)
        httpx.post(url, data={"decision": decision}, trust_env=False).raise_for_status()

    def choose(self, page: str, card: Card) -> str:
        """Choose a card on a hosted page; return the token that comes back."""
        assert page.startswith(self.provider.url)
        went = httpx.post(page, data={"token": self.token(card)}, trust_env=False).headers["location"]
        assert went.startswith(RETURN_URL)
        [token] = parse_qs(urlsplit(went).query)["token"]
        return token

    async def deliveries(self, key: str) -> list[Delivery]:
        """Return what was delivered about a key, once all is."""
        for _ in range(200):
            if self.provider.request("GET", "/_webhooks").json()["pending"] == 0:
                return self.receives.about(key)
            await asyncio.sleep(0.05)
        pytest.fail("webhooks are still pending after ten seconds")

    async def events(self, gateway: Gateway, key: str) -> list[ProviderEvent]:
        """Return the verified events about a key."""
        return [
            gateway.verify_webhook(body=each.body, headers=each.headers, now=datetime.now(UTC))
            for each in await self.deliveries(key)
        ]


class SandboxBench(Bench):
    """The sandbox provider."""

    __slots__ = ()
    TOKENS = {
        "good": "tok_visa",
        "google": "tok_googlepay",
        "apple": "tok_applepay",
        "soft": "tok_insufficient_funds",
        "generic": "tok_declined",
        "lost": "tok_lost",
        "stolen": "tok_stolen",
        "expired": "tok_expired",
        "action": "tok_action_needed",
        "refused": "tok_refused",
        "unheard of": "tok_unheard_of",
    }

    def open(self, *, secret: str = WEBHOOK_SECRET, timeout_seconds: float = 5.0) -> Gateway:
        return SandboxGateway(self.provider.url, API_KEY, secret, timeout_seconds=timeout_seconds)

    def token(self, card: Card) -> str:
        return self.TOKENS[card]

    def charged(self, key: str) -> list[int]:
        return [each["amount_cents"] for each in self.provider.log(key) if each["status"] == "succeeded"]

    def refunded(self, key: str) -> list[int]:
        refunds = self.provider.request("GET", "/v1/refunds").json()["refunds"]
        made = [each for each in refunds if each["idempotency_key"] == key]
        return [each["amount_cents"] for each in made if each["status"] == "succeeded"]

    def misbehave(self, operation: Operation, **fault: Any) -> None:
        self.provider.misbehave({"target": operation, **fault})

    def clear(self) -> None:
        self.provider.request("DELETE", "/_faults")


class StripeBench(Bench):
    """Our Stripe-compatible server."""

    __slots__ = ()
    TOKENS = {
        "good": "pm_card_visa",
        "google": "pm_google_pay",
        "apple": "pm_apple_pay",
        "soft": "pm_card_insufficientFunds",
        "generic": "pm_card_generic",
        "lost": "pm_card_lost",
        "stolen": "pm_card_stolen",
        "expired": "pm_card_expired",
        "action": "pm_card_actionNeeded",
        "refused": "pm_card_setupDeclined",
        "unheard of": "pm_card_unheard_of",
    }
    PATHS = {
        "charge": "POST /v1/payment_intents",
        "find": "GET /v1/payment_intents/search",
        "give_up": "/cancel",
        "refund": "POST /v1/refunds",
        "attach": "POST /v1/setup_intents",
        "customer": "POST /v1/customers",
        "page": "POST /v1/checkout/sessions",
    }

    def open(self, *, secret: str = WEBHOOK_SECRET, timeout_seconds: float = 5.0) -> StripeGateway:
        return StripeGateway(
            API_KEY, secret, return_url=RETURN_URL, url=self.provider.url, timeout_seconds=timeout_seconds
        )

    def token(self, card: Card) -> str:
        return self.TOKENS[card]

    def charged(self, key: str) -> list[int]:
        return self._moved("charge", key)

    def refunded(self, key: str) -> list[int]:
        return self._moved("refund", key)

    def misbehave(self, operation: Operation, **fault: Any) -> None:
        self.misbehave_on(self.PATHS[operation], **fault)

    def misbehave_on(self, path: str, **fault: Any) -> None:
        """Order a fault for the next request whose method and path end so."""
        self.provider.misbehave({"on": path, **fault})

    def clear(self) -> None:
        self.provider.request("DELETE", "/_faults")

    def forget_keys(self) -> None:
        """Let the provider forget its idempotency keys, as Stripe may after 24 hours."""
        self.provider.request("POST", "/_forget_keys").raise_for_status()

    def intents(self, key: str) -> list[dict[str, Any]]:
        """Return the payments of a key."""
        intents = self.provider.request("GET", "/_moves").json()["intents"]
        return [each for each in intents if each["metadata"].get("prorata_key") == key]

    def _moved(self, kind: str, key: str) -> list[int]:
        moves = self.provider.request("GET", "/_moves").json()["moves"]
        return [
            each["amount_cents"] for each in moves if (each["kind"], each["idempotency_key"]) == (kind, key)
        ]


@contextlib.contextmanager
def sandbox_bench() -> Iterator[SandboxBench]:
    """Run the sandbox provider."""
    with receiver() as receives:
        options = ("--webhook-url", receives.url, "--webhook-secret", WEBHOOK_SECRET)
        with running_provider(*options) as provider:
            yield SandboxBench(provider, receives)


@contextlib.contextmanager
def stripe_bench() -> Iterator[StripeBench]:
    """Run the Stripe-compatible server."""
    with receiver() as receives:
        options = ("--webhook-url", receives.url, "--webhook-secret", WEBHOOK_SECRET)
        with running("tests.gateway.stripe_server", "--api-key", API_KEY, *options) as provider:
            yield StripeBench(provider, receives)


@contextlib.asynccontextmanager
async def opened(gateway: Gateway) -> AsyncIterator[Gateway]:
    """Close a gateway after."""
    try:
        yield gateway
    finally:
        await gateway.aclose()

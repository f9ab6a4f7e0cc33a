"""A provider process for all these tests, and a customer of one's own for each."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from adapters.gateway.protocol import ActionNeeded, Charged, Declined, Gateway
from adapters.gateway.sandbox import SandboxGateway
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider, running_provider


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer with a stored payment method."""

    gateway: Gateway
    customer: str
    payment_method: str

    async def pay(self, key: str, *, amount_cents: int = 2_900) -> Charged | Declined | ActionNeeded:
        """Charge the stored payment method under a key."""
        return await self.gateway.charge(
            customer=self.customer,
            payment_method=self.payment_method,
            amount_cents=amount_cents,
            currency="USD",
            idempotency_key=key,
            description="Invoice 7",
        )


class Payers:
    """Makes payers, each with a payment method behind some token."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def with_token(self, token: str) -> Payer:
        """Return a new customer with the payment method behind the token."""
        customer = await self.gateway.create_customer(name="Ada", idempotency_key=uuid4().hex)
        method = await self.gateway.attach_payment_method(customer=customer, token=token)
        return Payer(gateway=self.gateway, customer=customer, payment_method=method.reference)


@contextlib.asynccontextmanager
async def gateway_to(
    url: str, *, api_key: str = API_KEY, timeout_seconds: float = 0.5
) -> AsyncIterator[Gateway]:
    """Open a gateway to a provider, known by the protocol only, and close it after."""
    gateway = SandboxGateway(url, api_key, WEBHOOK_SECRET, timeout_seconds=timeout_seconds)
    try:
        yield gateway
    finally:
        await gateway.aclose()


@pytest.fixture(scope="session")
def shared_provider() -> Iterator[RunningProvider]:
    with running_provider("--hang-seconds", "3") as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: RunningProvider) -> Iterator[RunningProvider]:
    yield shared_provider
    shared_provider.request("DELETE", "/_faults")


@pytest.fixture
async def gateway(provider: RunningProvider) -> AsyncIterator[Gateway]:
    async with gateway_to(provider.url, timeout_seconds=5.0) as gateway:
        yield gateway


@pytest.fixture
async def impatient_gateway(provider: RunningProvider) -> AsyncIterator[Gateway]:
    async with gateway_to(provider.url) as gateway:
        yield gateway


@pytest.fixture
def payers(gateway: Gateway) -> Payers:
    return Payers(gateway)


@pytest.fixture
def impatient_payers(impatient_gateway: Gateway) -> Payers:
    return Payers(impatient_gateway)


@pytest.fixture
def key() -> str:
    return f"invoice:{uuid4().hex}:1"

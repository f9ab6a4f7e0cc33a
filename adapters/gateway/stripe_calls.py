"""One call of Stripe through its SDK: bounded in time, never repeated by itself, and every failure given its meaning.

What surely sent nothing is `GatewayUnavailable`; a clear "no" is `Rejected`; all else is `OutcomeUnknown`.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec
import stripe

from adapters.gateway.protocol import GatewayUnavailable, NoAnswer, OutcomeUnknown, RequestRejected
from adapters.gateway.spans import call_span
from adapters.gateway.stripe_messages import ErrorAnswer, Problem, read

Shape = TypeVar("Shape")

# The SDK would otherwise keep a file in the home directory and tell about this machine.
stripe.enable_telemetry = False

CLEAR_NO = (
    stripe.CardError,
    stripe.InvalidRequestError,
    stripe.IdempotencyError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
ODD_ANSWER = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What the SDK raises over an answer of a shape it does not expect."""


class Rejected(RequestRejected):
    """Stripe refused the request; `problem` is what it said."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(status=status, code=problem.code or problem.type, message=problem.message)
        self.problem = problem


class CardRefused(Rejected):
    """The bank refused the card."""


class Transport(stripe.HTTPClient):
    """The SDK's way to the network: httpx with our timeouts, and without proxies of the environment."""

    name = "httpx"

    def __init__(self, *, timeout_seconds: float) -> None:
        super().__init__()
        timeout = httpx.Timeout(timeout_seconds, connect=timeout_seconds / 2, pool=timeout_seconds / 2)
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request."""
        try:
            with call_span(method, url) as answered:
                response = await self._http.request(method, url, headers=dict(headers), content=post_data)
                answered(response.status_code)
        except httpx.HTTPError as error:
            raise stripe.APIConnectionError(repr(error)) from error  # type: ignore[no-untyped-call]
        return response.content, response.status_code, response.headers

    async def close_async(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class Connection:
    """An account at Stripe. `v1` is the SDK's services, whose calls are to be made by `ask` only."""

    def __init__(self, key: str, *, url: str, return_url: str, timeout_seconds: float) -> None:
        self.return_url = return_url
        self._timeout_seconds = timeout_seconds
        self._transport = Transport(timeout_seconds=timeout_seconds)
        client = stripe.StripeClient(
            key,
            base_addresses={"api": url} if url else None,
            http_client=self._transport,
            max_network_retries=0,
        )
        self.v1 = client.v1

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.close_async()

    async def ask(self, call: Awaitable[stripe.StripeObject], shape: type[Shape]) -> Shape:
        """Return Stripe's answer as `shape`. Raises `GatewayUnavailable`, `Rejected` or `OutcomeUnknown`."""
        try:
            # httpx bounds each read and write; this bounds their sum, so that a trickling answer cannot hold a worker.
            async with asyncio.timeout(self._timeout_seconds):
                answer = await call
            content = answer.to_dict()
        except stripe.StripeError as error:
            raise _meaning(error) from error
        except TimeoutError as error:
            raise OutcomeUnknown(repr(error)) from error
        except ODD_ANSWER as error:
            raise OutcomeUnknown(f"the provider's answer cannot be read: {error!r}") from error
        return read(content, shape)


def key_used_for_something_else() -> Rejected:
    """Return the refusal of a key that made something else before, as Stripe's own would be."""
    message = "This idempotency key was used with other parameters."
    return Rejected(HTTPStatus.BAD_REQUEST, Problem(type="idempotency_error", message=message))


def _meaning(error: stripe.StripeError) -> NoAnswer:
    if isinstance(error, stripe.APIConnectionError):
        cause = error.__cause__
        return (
            GatewayUnavailable(repr(cause)) if isinstance(cause, NEVER_SENT) else OutcomeUnknown(repr(cause))
        )
    status = error.http_status or 0
    if not isinstance(error, CLEAR_NO):
        return OutcomeUnknown(f"the provider answered {status}")
    try:
        problem = msgspec.convert(error.json_body, ErrorAnswer).error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return OutcomeUnknown(f"the provider answered {status} and something unreadable")
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return CardRefused(status, problem)
    return Rejected(status, problem)

"""The gateway to the sandbox provider over HTTP.

Its one care is to tell "surely nothing was sent" from "something may have happened": only a failure to connect is
the first, and every doubt counts as the second.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    GatewayUnavailable,
    OutcomeUnknown,
    PaymentMethodRefused,
    ProviderEvent,
    Refunded,
    RefundRefused,
    RequestRejected,
    StoredPaymentMethod,
    WebhookRefused,
)
from adapters.gateway.sandbox_messages import (
    ChargeAnswer,
    ChargesAnswer,
    CustomerAnswer,
    ErrorAnswer,
    ErrorBody,
    Event,
    MethodAnswer,
    PageAnswer,
    RefundAnswer,
)
from adapters.gateway.spans import call_span
from adapters.gateway.webhooks import Reason, signing_key, verify

Answer = TypeVar("Answer")

# These say "not now", not "no": the same request may be carried out later.
NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class SandboxGateway:
    """The sandbox provider at `url`.

    A call takes `timeout_seconds` at most, of which half may go into connecting. Raises `WebhookSecretError` at
    once if the secret cannot be one, rather than at the first webhook.
    """

    def __init__(self, url: str, api_key: str, webhook_secret: str, *, timeout_seconds: float = 5.0) -> None:
        self._webhook_key = signing_key(webhook_secret)
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(timeout_seconds, connect=timeout_seconds / 2, pool=timeout_seconds / 2),
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections. The gateway cannot be used after."""
        await self._client.aclose()

    async def create_customer(self, *, name: str, idempotency_key: str) -> str:
        """See `Gateway.create_customer`."""
        response = await self._post("/v1/customers", {"name": name}, idempotency_key=idempotency_key)
        return _read(response, CustomerAnswer).id

    async def attach_payment_method(self, *, customer: str, token: str) -> StoredPaymentMethod:
        """See `Gateway.attach_payment_method`."""
        response = await self._post("/v1/payment_methods/attach", {"customer": customer, "token": token})
        if response.status_code == HTTPStatus.PAYMENT_REQUIRED:
            raise PaymentMethodRefused(_error(response).message)
        method = _read(response, MethodAnswer)
        return StoredPaymentMethod(
            reference=method.id, brand=method.brand, last4=method.last4, kind=method.kind
        )

    async def charge(
        self,
        *,
        customer: str,
        payment_method: str,
        amount_cents: int,
        currency: str,
        idempotency_key: str,
        description: str,
    ) -> Charged | Declined | ActionNeeded:
        """See `Gateway.charge`."""
        order = {
            "customer": customer,
            "payment_method": payment_method,
            "amount_cents": amount_cents,
            "currency": currency,
            "description": description,
        }
        response = await self._post("/v1/charges", order, idempotency_key=idempotency_key)
        return _read(response, ChargeAnswer).outcome()

    async def give_up(self, *, reference: str) -> Charged | Declined:
        """See `Gateway.give_up`."""
        response = await self._post(f"/v1/charges/{quote(reference, safe='')}/give_up", {})
        return _read(response, ChargeAnswer).decision()

    async def refund(
        self, *, charge: str, amount_cents: int, idempotency_key: str
    ) -> Refunded | RefundRefused:
        """See `Gateway.refund`."""
        order = {"charge": charge, "amount_cents": amount_cents}
        response = await self._post("/v1/refunds", order, idempotency_key=idempotency_key)
        return _read(response, RefundAnswer).outcome()

    async def payment_method_page(self, *, customer: str, return_url: str, idempotency_key: str) -> str:
        """See `Gateway.payment_method_page`."""
        order = {"customer": customer, "return_url": return_url}
        response = await self._post("/v1/payment_method_pages", order, idempotency_key=idempotency_key)
        return _read(response, PageAnswer).url

    async def find_charge(self, *, idempotency_key: str) -> Charged | Declined | ActionNeeded | None:
        """See `Gateway.find_charge`."""
        query = httpx.QueryParams({"idempotency_key": idempotency_key})
        response = await self._send(self._client.build_request("GET", "/v1/charges", params=query))
        found = _read(response, ChargesAnswer).charges
        return found[0].outcome() if found else None

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """See `Gateway.verify_webhook`."""
        message_id = verify(body, key=self._webhook_key, headers=headers, now=now)
        try:
            event = msgspec.json.decode(body, type=Event)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise WebhookRefused(Reason.ODD_BODY) from error
        subject = event.data.charge or event.data.refund
        return ProviderEvent(
            id=message_id,
            kind=event.type,
            idempotency_key=subject.idempotency_key if subject else None,
            reference=subject.id if subject else None,
            outcome=subject.outcome() if subject else None,
            created_at=event.timestamp,
        )

    async def _post(
        self, path: str, body: Mapping[str, object], *, idempotency_key: str | None = None
    ) -> httpx.Response:
        headers = {"idempotency-key": idempotency_key} if idempotency_key is not None else {}
        return await self._send(self._client.build_request("POST", path, json=body, headers=headers))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            # httpx bounds each read and write; this bounds their sum, so that a trickling answer cannot hold a worker.
            with call_span(request.method, str(request.url)) as answered:
                async with asyncio.timeout(self._timeout_seconds):
                    response = await self._client.send(request)
                answered(response.status_code)
                return response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise GatewayUnavailable(repr(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(repr(error)) from error


def _read(response: httpx.Response, shape: type[Answer]) -> Answer:
    """Return the body of a success. Raises `RequestRejected` on a clear "no", `OutcomeUnknown` on all else."""
    if response.is_client_error and response.status_code not in NOT_NOW:
        error = _error(response)
        raise RequestRejected(status=response.status_code, code=error.code, message=error.message)
    if not response.is_success:
        detail = f"the provider answered {response.status_code}"
        raise OutcomeUnknown(detail)
    try:
        return msgspec.json.decode(response.content, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as unreadable:
        detail = f"the provider's answer cannot be read: {unreadable}"
        raise OutcomeUnknown(detail) from unreadable


def _error(response: httpx.Response) -> ErrorBody:
    try:
        return msgspec.json.decode(response.content, type=ErrorAnswer).error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ErrorBody(code="unreadable", message="The payment provider refused without giving a reason.")

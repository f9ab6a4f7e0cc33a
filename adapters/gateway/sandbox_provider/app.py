"""The provider's HTTP API.

| Request                              | Answer                                                            |
|--------------------------------------|-------------------------------------------------------------------|
| `POST /v1/customers`                 | the customer; needs `Idempotency-Key`                             |
| `POST /v1/payment_methods/attach`    | the payment method, or 402 if it is refused                       |
| `POST /v1/charges`                   | the charge, succeeded or declined; needs `Idempotency-Key`        |
| `GET /v1/charges?idempotency_key=`   | `{"charges": [...]}` with none or one                             |
| `GET /v1/charges`                    | `{"charges": [...]}`, all of them: the provider's own word         |
| `POST /_faults`                      | takes one fault or a list of them (see `faults`)                  |
| `GET /_faults`, `DELETE /_faults`    | those still waiting; forget them                                  |
| `GET /_webhooks`                     | how many webhooks are pending, delivered and given up             |
| `GET /healthz`                       | `{"status": "ok"}`, the only one that needs no API key            |

The API key is sent as `Authorization: Bearer <key>`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.gateway.sandbox_provider.book import Book
from adapters.gateway.sandbox_provider.connections import cut
from adapters.gateway.sandbox_provider.faults import Fault, Faults, Target
from adapters.gateway.sandbox_provider.postman import Postman
from adapters.gateway.sandbox_provider.tokens import TOKENS, AfterCharge
from adapters.gateway.sandbox_provider.wire import (
    AttachOrder,
    ChargeOrder,
    CustomerOrder,
    body_as,
    guarded,
    idempotency_key,
    json_response,
    refusal_response,
)


@dataclass(frozen=True, slots=True)
class Provider:
    """All that a request may need. `hang_seconds` is how long `tok_timeout_after_charge` keeps silent."""

    book: Book
    faults: Faults
    postman: Postman
    api_key: str
    hang_seconds: float

    async def create_customer(self, request: Request) -> Response:
        """Make a customer, once for each key."""
        key = idempotency_key(request)
        order = await body_as(request, CustomerOrder)

        def act() -> Response:
            return json_response(self.book.create_customer(name=order.name, idempotency_key=key))

        return await self._misbehaving(request, "customer", act)

    async def attach(self, request: Request) -> Response:
        """Keep a payment method."""
        order = await body_as(request, AttachOrder)

        def act() -> Response:
            return json_response(self.book.attach(customer=order.customer, token=order.token))

        return await self._misbehaving(request, "attach", act)

    async def charge(self, request: Request) -> Response:
        """Charge a payment method, once for each key."""
        key = idempotency_key(request)
        order = await body_as(request, ChargeOrder)
        after = AfterCharge.ANSWER

        def act() -> Response:
            nonlocal after
            charge, is_new = self.book.charge(order, idempotency_key=key)
            if is_new:
                self.postman.announce(charge)
                after = TOKENS[self.book.method(charge.payment_method).token].after_charge
            return json_response(charge)

        response = await self._misbehaving(request, "charge", act)
        if after is AfterCharge.HANG:
            await asyncio.sleep(self.hang_seconds)
        if after is AfterCharge.FAIL:
            return refusal_response(500, code="internal_error", message="Something went wrong.")
        return response

    async def find_charges(self, request: Request) -> Response:
        """Return the provider's log, or the one charge of a key."""
        key = request.query_params.get("idempotency_key")

        def act() -> Response:
            return json_response({"charges": self.book.charges(idempotency_key=key)})

        # The whole log is for judges, who are not to be misled.
        return act() if key is None else await self._misbehaving(request, "find", act)

    async def order_faults(self, request: Request) -> Response:
        """Queue faults."""
        ordered = await body_as(request, Fault | list[Fault])  # type: ignore[arg-type]
        self.faults.order(ordered if isinstance(ordered, list) else [ordered])
        return json_response({"faults": self.faults.waiting()})

    async def waiting_faults(self, _: Request) -> Response:
        """Return the faults not used up."""
        return json_response({"faults": self.faults.waiting()})

    async def clear_faults(self, _: Request) -> Response:
        """Forget the faults."""
        self.faults.clear()
        return json_response({"faults": []})

    async def webhooks(self, _: Request) -> Response:
        """Return what became of the webhooks."""
        return json_response(self.postman.tally)

    async def _misbehaving(self, request: Request, target: Target, act: Callable[[], Response]) -> Response:
        """Do as asked, unless the next fault says otherwise."""
        fault = self.faults.for_request(target)
        if fault is None:
            return act()
        if fault.kind == "drop_before":
            await cut(request)
            return Response()
        if fault.kind == "status" and not fault.after:
            return _failure(fault)
        if fault.kind == "delay" and not fault.after:
            await asyncio.sleep(fault.seconds)

        response = act()

        if fault.kind == "drop_after":
            await cut(request)
        if fault.kind == "status" and fault.after:
            return _failure(fault)
        if fault.kind == "delay" and fault.after:
            await asyncio.sleep(fault.seconds)
        return response


def provider_app(provider: Provider) -> Starlette:
    """Return the provider as an ASGI application, its postman at work while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        rounds = asyncio.create_task(provider.postman.run())
        yield
        rounds.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await rounds

    endpoints = [
        ("POST", "/v1/customers", provider.create_customer),
        ("POST", "/v1/payment_methods/attach", provider.attach),
        ("POST", "/v1/charges", provider.charge),
        ("GET", "/v1/charges", provider.find_charges),
        ("POST", "/_faults", provider.order_faults),
        ("GET", "/_faults", provider.waiting_faults),
        ("DELETE", "/_faults", provider.clear_faults),
        ("GET", "/_webhooks", provider.webhooks),
    ]
    routes = [
        Route(path, guarded(handler, api_key=provider.api_key), methods=[method])
        for method, path, handler in endpoints
    ]
    return Starlette(routes=[Route("/healthz", _healthz), *routes], lifespan=lifespan)


async def _healthz(_: Request) -> Response:
    return json_response({"status": "ok"})


def _failure(fault: Fault) -> Response:
    return refusal_response(fault.status, code="fault", message="This answer was ordered.")

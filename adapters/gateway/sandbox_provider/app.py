"""The provider's HTTP API.

| Request                              | Answer                                                            |
|--------------------------------------|-------------------------------------------------------------------|
| `POST /v1/customers`                 | the customer; needs `Idempotency-Key`                             |
| `POST /v1/payment_methods/attach`    | the payment method, or 402 if it is refused                       |
| `POST /v1/payment_method_pages`      | a hosted page for a customer; needs `Idempotency-Key`             |
| `POST /v1/charges`                   | the charge: succeeded, declined, or waiting for the customer at its `url`; needs `Idempotency-Key` |
| `POST /v1/charges/{id}/give_up`      | the charge, declined if it still waited                           |
| `GET /v1/charges?idempotency_key=`   | `{"charges": [...]}` with none or one                             |
| `GET /v1/charges`                    | `{"charges": [...]}`, all of them: the provider's own word         |
| `POST /v1/refunds`                   | the refund, succeeded or refused; needs `Idempotency-Key`         |
| `GET /v1/refunds`                    | `{"refunds": [...]}`, all of them                                 |
| `POST /_faults`                      | takes one fault or a list of them (see `faults`)                  |
| `GET /_faults`, `DELETE /_faults`    | those still waiting; forget them                                  |
| `GET /_webhooks`                     | how many webhooks are pending, delivered and given up             |
| `/pages/...`                         | what a customer's browser sees (see `pages`); needs no API key    |
| `GET /healthz`                       | `{"status": "ok"}`, needs no API key                              |

The API key is sent as `Authorization: Bearer <key>`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.gateway.sandbox_provider.controls import Controls
from adapters.gateway.sandbox_provider.pages import Pages
from adapters.gateway.sandbox_provider.provider import Provider
from adapters.gateway.sandbox_provider.wire import guarded, json_response


def provider_app(provider: Provider) -> Starlette:
    """Return the provider as an ASGI application, its postman at work while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        rounds = asyncio.create_task(provider.postman.run())
        yield
        rounds.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await rounds

    controls = Controls(provider.faults, provider.postman)
    endpoints = [
        ("POST", "/v1/customers", provider.create_customer),
        ("POST", "/v1/payment_methods/attach", provider.attach),
        ("POST", "/v1/payment_method_pages", provider.open_page),
        ("POST", "/v1/charges", provider.charge),
        ("GET", "/v1/charges", provider.find_charges),
        ("POST", "/v1/charges/{id}/give_up", provider.give_up),
        ("POST", "/v1/refunds", provider.refund),
        ("GET", "/v1/refunds", provider.find_refunds),
        ("POST", "/_faults", controls.order_faults),
        ("GET", "/_faults", controls.waiting_faults),
        ("DELETE", "/_faults", controls.clear_faults),
        ("GET", "/_webhooks", controls.webhooks),
    ]
    routes = [
        Route(path, guarded(handler, api_key=provider.api_key), methods=[method])
        for method, path, handler in endpoints
    ]
    pages = Pages(provider.book, provider.postman)
    return Starlette(routes=[Route("/healthz", _healthz), *routes, *pages.routes()], lifespan=lifespan)


async def _healthz(_: Request) -> Response:
    return json_response({"status": "ok"})

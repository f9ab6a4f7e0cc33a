"""A Stripe-compatible server for tests: `python -m tests.gateway.stripe_server --webhook-url ... `.

Form-encoded requests in, Stripe's JSON out, strict about parameters that this version of the API does not know. It keeps
idempotency keys as Stripe does: the first status and body are stored, a 500 too, and replayed; other parameters under the
same key are refused; a key still at work answers 409. What tests steer begins with an underscore: faults, the bank's
page, the hosted page, forgetting the keys, and `_moves`, its own word on the money.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.gateway.sandbox_provider.connections import DroppableConnection, cut
from tests.gateway.stripe_objects import Account, Form, Json, StripeError

METADATA = "metadata"
KNOWN = {
    "/v1/customers": {"name", METADATA},
    "/v1/setup_intents": {
        "customer", "payment_method", "allowed_payment_method_types", "usage", "confirm", "return_url", "expand",
    },
    "/v1/payment_intents": {
        "amount", "currency", "customer", "payment_method", "allowed_payment_method_types", "description", METADATA,
        "off_session", "confirm", "return_url",
    },
    "/v1/payment_intents/{id}/confirm": {"payment_method", "return_url", "off_session"},
    "/v1/payment_intents/{id}/cancel": {"cancellation_reason"},
    "/v1/refunds": {"payment_intent", "amount", METADATA},
    "/v1/checkout/sessions": {
        "mode", "customer", "currency", "allowed_payment_method_types", "success_url", "cancel_url",
    },
}  # fmt: skip


@dataclass(slots=True)
class Server:
    """The account behind HTTP."""

    account: Account
    api_key: str
    webhook_url: str
    webhook_secret: str
    stored: dict[str, tuple[str, int, bytes]] = field(default_factory=dict)
    at_work: set[str] = field(default_factory=set)
    faults: list[Json] = field(default_factory=list)
    told: int = 0
    pending: int = 0
    versions: set[str] = field(default_factory=set)

    def post(self, path: str, act: Callable[[Request, Form], Json]) -> Route:
        """Return a route that does something, once for each key."""

        async def answer(request: Request) -> Response:
            self._checked(request)
            body = await request.body()
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            self._refuse_unknown(path, form)
            key = request.headers["idempotency-key"]
            print_ = hashlib.sha256(request.url.path.encode() + body).hexdigest()
            if key in self.at_work:
                return _error(StripeError(409, code="idempotency_key_in_use", message="Still at work."))
            if key in self.stored:
                return self._replay(key, print_)
            self.at_work.add(key)
            try:
                return await self._work(request, form, act, key=key, print_=print_)
            finally:
                self.at_work.discard(key)

        return Route(path, _guarded(answer), methods=["POST"])

    def get(self, path: str, read: Callable[[Request], Json]) -> Route:
        """Return a route that reads."""

        async def answer(request: Request) -> Response:
            self._checked(request)
            fault = self._fault(request)
            if fault and fault["kind"] == "drop_before":
                await cut(request)
                return Response()
            if fault and fault["kind"] == "delay":
                await asyncio.sleep(fault["seconds"])
            if fault and fault["kind"] == "status":
                return _error(StripeError(fault["status"], type="api_error"))
            return JSONResponse(read(request))

        return Route(path, _guarded(answer), methods=["GET"])

    async def _work(
        self, request: Request, form: Form, act: Callable[[Request, Form], Json], *, key: str, print_: str
    ) -> Response:
        fault = self._fault(request) or {"kind": "none"}
        is_after = fault.get("after", False)
        if fault["kind"] == "drop_before":
            await cut(request)
            return Response()
        if fault["kind"] == "status" and not is_after:
            return _error(StripeError(fault["status"], type="api_error"))
        if fault["kind"] == "delay" and not is_after:
            await asyncio.sleep(fault["seconds"])
        try:
            response: Response = JSONResponse(act(request, form))
        except StripeError as error:
            response = _error(error)
        if fault["kind"] == "status":
            response = _error(StripeError(fault["status"], type="api_error"))
        self.stored[key] = (print_, response.status_code, bytes(response.body))
        if fault["kind"] == "drop_after":
            await cut(request)
        if fault["kind"] == "delay" and is_after:
            await asyncio.sleep(fault["seconds"])
        return response

    def _replay(self, key: str, print_: str) -> Response:
        first, status, body = self.stored[key]
        if print_ != first:
            message = "Keys for idempotent requests can only be used with the same parameters."
            return _error(StripeError(400, type="idempotency_error", message=message))
        headers = {"idempotent-replayed": "true"}
        return Response(body, status_code=status, media_type="application/json", headers=headers)

    def _checked(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise StripeError(401, message="Invalid API Key provided.")
        self.versions.add(request.headers["stripe-version"])

    @staticmethod
    def _refuse_unknown(path: str, form: Form) -> None:
        for name in form:
            base = name.partition("[")[0]
            if base == "payment_method_types":
                raise StripeError(400, code="payment_method_types_no_longer_supported", param=base)
            if base not in KNOWN[path]:
                raise StripeError(400, code="parameter_unknown", param=base, message=f"Unknown: {base}")

    def _fault(self, request: Request) -> Json | None:
        asked = f"{request.method} {request.url.path}"
        for place, fault in enumerate(self.faults):
            if asked.endswith(fault["on"]):
                return self.faults.pop(place)
        return None

    async def deliver(self) -> None:
        """Send each event until it is accepted, in the order they happened."""
        async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
            while True:
                self.pending = len(self.account.events) - self.told
                if not self.pending:
                    await asyncio.sleep(0.01)
                    continue
                body = json.dumps(self.account.events[self.told])
                if await self._accepted(client, body):
                    self.told += 1
                else:
                    await asyncio.sleep(0.1)

    async def _accepted(self, client: httpx.AsyncClient, body: str) -> bool:
        timestamp = int(time.time())
        mac = hmac.new(self.webhook_secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
        headers = {"stripe-signature": f"t={timestamp},v1={mac.hexdigest()},v0=old"}
        try:
            return (await client.post(self.webhook_url, content=body, headers=headers)).is_success
        except httpx.HTTPError:
            return False

    # What tests steer.

    async def order_faults(self, request: Request) -> Response:
        self.faults += await request.json()
        return JSONResponse(self.faults)

    async def clear_faults(self, _: Request) -> Response:
        self.faults.clear()
        return JSONResponse([])

    async def forget_keys(self, _: Request) -> Response:
        self.stored.clear()
        return JSONResponse({})

    async def moves(self, _: Request) -> Response:
        return JSONResponse(
            {
                "moves": self.account.moves,
                "intents": list(self.account.intents.values()),
                "versions": sorted(self.versions),
                "keys": sorted(self.stored),
            }
        )

    async def webhooks(self, _: Request) -> Response:
        waiting = len(self.account.events) - self.told if self.webhook_url else 0
        return JSONResponse({"pending": waiting})

    async def bank(self, request: Request) -> Response:
        decision = dict(parse_qsl((await request.body()).decode()))["decision"]
        self.account.at_the_bank(request.path_params["id"], is_confirmed=decision == "confirmed")
        return Response()

    async def checkout(self, request: Request) -> Response:
        token = dict(parse_qsl((await request.body()).decode()))["token"]
        return RedirectResponse(
            self.account.complete_session(request.path_params["id"], token), status_code=303
        )

    async def set_intent(self, request: Request) -> Response:
        """Set the state of a payment, as something else than our API may: a person in the dashboard, say."""
        self.account.intents[request.path_params["id"]] |= await request.json()
        return JSONResponse({})


def app_of(server: Server) -> Starlette:
    """Return the server as an ASGI application."""
    account = server.account

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        round_ = asyncio.create_task(server.deliver()) if server.webhook_url else None
        yield
        if round_:
            round_.cancel()

    routes = [
        server.post("/v1/customers", lambda _, form: account.create_customer(form)),
        server.post("/v1/setup_intents", lambda _, form: _expanded(account, form)),
        server.get("/v1/setup_intents/{id}", lambda request: account.setup(_id(request), _expand(request))),
        server.post("/v1/checkout/sessions", lambda _, form: account.create_session(form)),
        server.get(
            "/v1/checkout/sessions/{id}", lambda request: account.session(_id(request), _expand(request))
        ),
        server.post("/v1/payment_intents", lambda _, form: account.create_intent(form)),
        server.get(
            "/v1/payment_intents",
            lambda request: _list(account.intents_of(request.query_params["customer"]), request),
        ),
        server.get(
            "/v1/payment_intents/search",
            lambda request: _list(account.search_intents(request.query_params["query"]), request),
        ),
        server.get("/v1/payment_intents/{id}", lambda request: account.intent(_id(request))),
        server.post(
            "/v1/payment_intents/{id}/confirm",
            lambda request, form: account.confirm_intent(_id(request), form),
        ),
        server.post(
            "/v1/payment_intents/{id}/cancel", lambda request, _: account.cancel_intent(_id(request))
        ),
        server.post("/v1/refunds", lambda _, form: account.create_refund(form)),
        server.get(
            "/v1/refunds",
            lambda request: _list(account.refunds_of(request.query_params["payment_intent"]), request),
        ),
        Route("/_faults", server.order_faults, methods=["POST"]),
        Route("/_faults", server.clear_faults, methods=["DELETE"]),
        Route("/_forget_keys", server.forget_keys, methods=["POST"]),
        Route("/_moves", server.moves),
        Route("/_webhooks", server.webhooks),
        Route("/_bank/{id}", server.bank, methods=["POST"]),
        Route("/_checkout/{id}", server.checkout, methods=["POST"]),
        Route("/_intents/{id}", server.set_intent, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _guarded(answer: Callable[[Request], object]) -> Callable[[Request], object]:
    async def guarded(request: Request) -> Response:
        try:
            response: Response = await answer(request)  # type: ignore[misc]
        except StripeError as error:
            return _error(error)
        return response

    return guarded


def _expanded(account: Account, form: Form) -> Json:
    expand = {value for name, value in form.items() if name.startswith("expand")}
    return account.setup(account.create_setup(form)["id"], expand)


def _expand(request: Request) -> set[str]:
    return {value for name, value in request.query_params.multi_items() if name.startswith("expand")}


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _list(found: list[Json], request: Request) -> Json:
    limit = int(request.query_params.get("limit", "10"))
    return {"object": "list", "url": request.url.path, "has_more": len(found) > limit, "data": found[:limit]}


def _error(error: StripeError) -> Response:
    return JSONResponse({"error": error.error}, status_code=error.status)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser()
    for name in ("api-key", "webhook-url", "webhook-secret"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(Account(base_url=url), options.api_key, options.webhook_url, options.webhook_secret)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app_of(server), http=DroppableConnection, ws="none", access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()

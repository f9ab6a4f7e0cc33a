"""The provider's work, request by request: done as asked, or as the next fault says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from adapters.gateway.sandbox_provider.book import Book
from adapters.gateway.sandbox_provider.connections import cut
from adapters.gateway.sandbox_provider.faults import Fault, Faults, Target
from adapters.gateway.sandbox_provider.postman import Postman
from adapters.gateway.sandbox_provider.tokens import TOKENS, AfterCharge
from adapters.gateway.sandbox_provider.wire import (
    AttachOrder,
    ChargeOrder,
    CustomerOrder,
    PageOrder,
    RefundOrder,
    body_as,
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
            return json_response(self.book.create_customer(order, idempotency_key=key))

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

    async def give_up(self, request: Request) -> Response:
        """Take back a charge that waits for the customer; one that is decided stays as it is."""
        charge_id = request.path_params["id"]

        def act() -> Response:
            charge, is_new = self.book.decide(charge_id, "given_up")
            if is_new:
                self.postman.announce(charge)
            return json_response(charge)

        return await self._misbehaving(request, "give_up", act)

    async def refund(self, request: Request) -> Response:
        """Give back a part of a charge, once for each key."""
        key = idempotency_key(request)
        order = await body_as(request, RefundOrder)

        def act() -> Response:
            refund, is_new = self.book.refund(order, idempotency_key=key)
            if is_new:
                self.postman.announce(refund)
            return json_response(refund)

        return await self._misbehaving(request, "refund", act)

    async def open_page(self, request: Request) -> Response:
        """Make a hosted page for a payment method, once for each key."""
        key = idempotency_key(request)
        order = await body_as(request, PageOrder)

        def act() -> Response:
            return json_response(self.book.open_page(order, idempotency_key=key))

        return await self._misbehaving(request, "page", act)

    async def find_charges(self, request: Request) -> Response:
        """Return the provider's log, or the one charge of a key."""
        key = request.query_params.get("idempotency_key")

        def act() -> Response:
            return json_response({"charges": self.book.charges(idempotency_key=key)})

        # The whole log is for judges, who are not to be misled.
        return act() if key is None else await self._misbehaving(request, "find", act)

    async def find_refunds(self, _: Request) -> Response:
        """Return the provider's log of refunds, for judges."""
        return json_response({"refunds": self.book.refunds()})

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


def _failure(fault: Fault) -> Response:
    return refusal_response(fault.status, code="fault", message="This answer was ordered.")

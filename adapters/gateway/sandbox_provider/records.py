"""What the provider keeps, each a line of its journal. A charge that is decided later is written again, whole."""

from datetime import datetime
from typing import Literal

import msgspec

from adapters.gateway.sandbox_provider.tokens import Kind
from adapters.gateway.sandbox_provider.wire import ChargeOrder, PageOrder, RefundOrder


class Customer(msgspec.Struct, frozen=True, tag="customer", tag_field="object"):
    """Somebody who pays."""

    id: str
    name: str
    idempotency_key: str


class PaymentMethod(msgspec.Struct, frozen=True, tag="payment_method", tag_field="object"):
    """A way to pay, kept for a customer."""

    id: str
    customer: str
    token: str
    brand: str
    last4: str
    kind: Kind


class Charge(ChargeOrder, frozen=True, kw_only=True, tag="charge", tag_field="object"):
    """An order, decided or waiting for the customer at `url`."""

    id: str
    idempotency_key: str
    status: Literal["succeeded", "declined", "action_needed"]
    decline_code: str | None
    created_at: datetime
    url: str | None = None


class Refund(RefundOrder, frozen=True, kw_only=True, tag="refund", tag_field="object"):
    """A part of a charge that was given back, or not."""

    id: str
    idempotency_key: str
    status: Literal["succeeded", "refused"]
    refusal: str | None
    created_at: datetime


class Page(PageOrder, frozen=True, kw_only=True, tag="page", tag_field="object"):
    """A hosted page on which the customer picks a payment method."""

    id: str
    idempotency_key: str
    url: str


Record = Customer | PaymentMethod | Charge | Refund | Page

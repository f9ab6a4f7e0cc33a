"""What this product asks of a payment provider, and every way the provider may answer.

No card data passes through here: the provider's hosted page gives the browser a token, and only that token,
the brand and the last four digits are ever seen (rule book, section 11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class PaymentMethodKind(StrEnum):
    """How the customer pays. All of them are charged the same way."""

    CARD = "CARD"
    GOOGLE_PAY = "GOOGLE_PAY"
    APPLE_PAY = "APPLE_PAY"


@dataclass(frozen=True, slots=True)
class StoredPaymentMethod:
    """A payment method kept by the provider, charged later without the customer being there."""

    reference: str
    brand: str
    last4: str
    kind: PaymentMethodKind


@dataclass(frozen=True, slots=True)
class Charged:
    """The money was taken. `reference` is the provider's name for the charge."""

    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Declined:
    """The bank said no, for certain. A hard decline will not succeed until the payment method is changed."""

    reference: str
    code: str
    is_hard: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ActionNeeded:
    """The bank wants the customer to confirm the charge at `url`. Nothing was taken yet, and may still be."""

    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """The money is on its way back."""

    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """The provider will not give the money back, for certain. `reason` is in plain words."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified message from the provider.

    `idempotency_key` and `reference` name the charge or the refund it is about; with `outcome`, they are `None` for a
    kind of event that is about neither.
    The provider sends an event again until it is acknowledged, and promises no order: recording `id` in the
    transaction that has the effect makes it replay-safe.
    """

    id: str
    kind: str
    idempotency_key: str | None
    reference: str | None
    outcome: Charged | Declined | ActionNeeded | Refunded | RefundRefused | None
    created_at: datetime


class NoAnswer(Exception):
    """The provider gave no answer that can be acted on. `detail` is for the log, not for the customer."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class GatewayUnavailable(NoAnswer):
    """No connection could be made, so nothing was sent and surely nothing was charged."""


class OutcomeUnknown(NoAnswer):
    """The request may have been carried out. Ask again with the same idempotency key, never with a new one."""


class RequestRejected(OutcomeUnknown):
    """The provider refused the request itself: a wrong API key, an unknown reference, a key used for something else.

    This request charged nothing, but an earlier one under the same key may have. It is an `OutcomeUnknown` so that
    a caller which does not tell them apart keeps the attempt open and asks again with the same key.
    """

    def __init__(self, *, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class PaymentMethodRefused(Exception):
    """The provider will not keep this payment method. `reason` is in plain words, for the customer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebhookRefused(Exception):
    """The message is not proved to come from the provider, or not now. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Gateway(Protocol):
    """A payment provider.

    Every method that calls it raises `GatewayUnavailable` when surely nothing happened, and `OutcomeUnknown` when
    something may have. None may be called inside a database transaction.
    """

    async def aclose(self) -> None:
        """Close the connections. The gateway cannot be used after."""
        ...

    async def create_customer(self, *, name: str, idempotency_key: str) -> str:
        """Return the provider's reference of the customer; the same key returns the same one."""
        ...

    async def attach_payment_method(self, *, customer: str, token: str) -> StoredPaymentMethod:
        """Keep the payment method behind a hosted page's token. Raises `PaymentMethodRefused`."""
        ...

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
        """Take money from a stored payment method, once for each idempotency key however often it is asked."""
        ...

    async def give_up(self, *, reference: str) -> Charged | Declined:
        """Take back a charge that waits for the customer, and return what became of it; done twice it says the same."""
        ...

    async def refund(
        self, *, charge: str, amount_cents: int, idempotency_key: str
    ) -> Refunded | RefundRefused:
        """Give a part of a charge back, once for each idempotency key; `charge` is the reference of a `Charged`."""
        ...

    async def payment_method_page(self, *, customer: str, return_url: str, idempotency_key: str) -> str:
        """Return the address of the provider's own page on which the customer gives a payment method.

        The page sends the customer to `return_url` with `token=` added, which `attach_payment_method` takes.
        """
        ...

    async def find_charge(self, *, idempotency_key: str) -> Charged | Declined | ActionNeeded | None:
        """Return what became of a charge, or `None` if the provider has not seen it.

        `None` is no proof that it never will: a request may still be on its way. Asking again with the same key
        is safe, a new key is not.
        """
        ...

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """Return the event if the provider signed it within 300 seconds of `now`. Raises `WebhookRefused`.

        `body` is the bytes as received; `now` is the real moment, never that of a test clock.
        """
        ...

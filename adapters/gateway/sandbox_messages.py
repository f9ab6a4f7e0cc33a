"""The sandbox provider's JSON as this side reads it: only the fields that are used, each with its type."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from adapters.gateway.declines import declined
from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    PaymentMethodKind,
    Refunded,
    RefundRefused,
)


class CustomerAnswer(msgspec.Struct, frozen=True):
    """A customer of the provider."""

    id: str


class MethodAnswer(msgspec.Struct, frozen=True):
    """A stored payment method."""

    id: str
    brand: str
    last4: str
    kind: PaymentMethodKind


class ChargeAnswer(msgspec.Struct, frozen=True):
    """A charge that was decided, one way or the other, or waits for the customer at `url`."""

    id: str
    idempotency_key: str
    amount_cents: int
    status: Literal["succeeded", "declined", "action_needed"]
    decline_code: str | None
    url: str | None = None

    def outcome(self) -> Charged | Declined | ActionNeeded:
        """Return the charge in the gateway's terms."""
        if self.status == "action_needed":
            return ActionNeeded(reference=self.id, url=self.url or "")
        return self.decision()

    def decision(self) -> Charged | Declined:
        """Return a charge that does not wait in the gateway's terms."""
        if self.status == "succeeded":
            return Charged(reference=self.id, amount_cents=self.amount_cents)
        return declined(self.id, code=self.decline_code or "generic_decline")


class ChargesAnswer(msgspec.Struct, frozen=True):
    """The charges found: none or one when asked by idempotency key."""

    charges: tuple[ChargeAnswer, ...]


class RefundAnswer(msgspec.Struct, frozen=True):
    """A refund that was made or refused."""

    id: str
    idempotency_key: str
    amount_cents: int
    status: Literal["succeeded", "refused"]
    refusal: str | None

    def outcome(self) -> Refunded | RefundRefused:
        """Return the refund in the gateway's terms."""
        if self.status == "succeeded":
            return Refunded(reference=self.id, amount_cents=self.amount_cents)
        return RefundRefused(reference=self.id, reason=self.refusal or "The provider refused the refund.")


class PageAnswer(msgspec.Struct, frozen=True):
    """A hosted page."""

    url: str


class ErrorBody(msgspec.Struct, frozen=True):
    """What was wrong with a request."""

    code: str
    message: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of every answer from 400 on."""

    error: ErrorBody


class EventData(msgspec.Struct, frozen=True):
    """What an event is about. Other kinds of event carry other things, which are not read."""

    charge: ChargeAnswer | None = None
    refund: RefundAnswer | None = None


class Event(msgspec.Struct, frozen=True):
    """The body of a webhook. Its id is in the signed headers."""

    type: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    data: EventData

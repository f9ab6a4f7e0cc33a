"""The sandbox provider's JSON as this side reads it: only the fields that are used, each with its type."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from adapters.gateway.declines import declined
from adapters.gateway.protocol import Charged, Declined, PaymentMethodKind


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
    """A charge that was decided, one way or the other."""

    id: str
    idempotency_key: str
    amount_cents: int
    status: Literal["succeeded", "declined"]
    decline_code: str | None

    def outcome(self) -> Charged | Declined:
        """Return the charge in the gateway's terms."""
        if self.status == "succeeded":
            return Charged(reference=self.id, amount_cents=self.amount_cents)
        return declined(self.id, code=self.decline_code or "generic_decline")


class ChargesAnswer(msgspec.Struct, frozen=True):
    """The charges found: none or one when asked by idempotency key."""

    charges: tuple[ChargeAnswer, ...]


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


class Event(msgspec.Struct, frozen=True):
    """The body of a webhook. Its id is in the signed headers."""

    type: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    data: EventData

"""Stripe's JSON as this side reads it, in answers and webhooks alike: only the fields that are used.

Our idempotency key is kept in the metadata of what it made, so that a payment is known by it for good.
"""

from typing import Any, Final, TypeVar

import msgspec

from adapters.gateway.declines import declined
from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    OutcomeUnknown,
)

KEY: Final = "prorata_key"
LATEST: Final = 100
"""As many as a page of Stripe's lists holds."""
CANCELLED: Final = "not_confirmed"
WANTS_CONFIRMATION: Final = "authentication_required"
SAME_AS: Final = {
    "payment_intent_authentication_failure": "authentication_failed",
    "setup_intent_authentication_failure": "authentication_failed",
}

Shape = TypeVar("Shape")


class Reference(msgspec.Struct, frozen=True):
    """A thing of which only the id is read."""

    id: str


class Redirect(msgspec.Struct, frozen=True):
    """Where the customer confirms."""

    url: str


class NextAction(msgspec.Struct, frozen=True):
    """What the bank wants. Without an address it can only be done inside a frontend of the provider's making."""

    redirect_to_url: Redirect | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why the bank said no."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    payment_method: Reference | None = None

    def reason_code(self) -> str:
        """Return the most telling code, by the name it has in `declines`."""
        code = self.decline_code or self.code or "generic_decline"
        return SAME_AS.get(code, code)

    def declined(self, reference: str) -> Declined:
        """Return it as a decline. A bank that advises against trying again means it (rule book, section 11)."""
        return declined(reference, code=self.reason_code(), is_final=self.advice_code == "do_not_try_again")


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent: one payment that succeeds at most once."""

    id: str
    status: str
    amount: int
    currency: str
    amount_received: int = 0
    metadata: dict[str, str] = {}
    last_payment_error: Failure | None = None
    next_action: NextAction | None = None

    @property
    def key(self) -> str | None:
        """Our idempotency key, if it is ours."""
        return self.metadata.get(KEY)

    @property
    def wants_confirmation(self) -> bool:
        """Whether the bank refused only because the customer was not there."""
        error = self.last_payment_error
        return (
            self.status == "requires_payment_method"
            and error is not None
            and error.reason_code() == WANTS_CONFIRMATION
        )

    @property
    def url(self) -> str | None:
        """Where the customer confirms, while it waits for that."""
        redirect = self.next_action.redirect_to_url if self.next_action else None
        return redirect.url if redirect and self.status == "requires_action" else None

    def outcome(self) -> Charged | Declined | ActionNeeded | None:
        """Return what became of it, or `None` while nobody can tell."""
        if self.status == "succeeded":
            return Charged(reference=self.id, amount_cents=self.amount_received)
        if self.status == "canceled":
            return declined(self.id, code=CANCELLED)
        if self.url:
            return ActionNeeded(reference=self.id, url=self.url)
        if self.status == "requires_payment_method" and self.last_payment_error:
            return self.last_payment_error.declined(self.id)
        return None


class List(msgspec.Struct, frozen=True):
    """A page of a list."""

    data: list[dict[str, Any]]


class Problem(msgspec.Struct, frozen=True):
    """The error of an answer from 400 on."""

    type: str = ""
    code: str | None = None
    message: str = ""
    param: str | None = None
    charge: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    payment_intent: Intent | None = None

    def failure(self) -> Failure:
        """Return it as the reason of a decline."""
        return Failure(code=self.code, decline_code=self.decline_code, advice_code=self.advice_code)


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of an answer from 400 on."""

    error: Problem


class EventData(msgspec.Struct, frozen=True):
    """What an event is about: a thing of the kind that the event's type tells."""

    object: dict[str, Any]


class Event(msgspec.Struct, frozen=True):
    """The body of a webhook. `created` is in seconds since 1970."""

    id: str
    type: str
    created: int
    data: EventData


def read(content: object, shape: type[Shape]) -> Shape:
    """Return Stripe's object as `shape`. Raises `OutcomeUnknown` if it is not that."""
    try:
        return msgspec.convert(content, shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as unreadable:
        raise OutcomeUnknown(f"the provider's answer cannot be read: {unreadable}") from unreadable

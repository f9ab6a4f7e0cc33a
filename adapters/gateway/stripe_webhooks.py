"""Stripe's webhooks: the signature over moment and raw body, and what each kind of event tells.

| Event                                              | Tells                                                     |
|----------------------------------------------------|-----------------------------------------------------------|
| `payment_intent.succeeded`                         | `Charged`                                                 |
| `payment_intent.payment_failed`                    | `Declined`; nothing if the bank only wants a confirmation |
| `payment_intent.requires_action`                   | `ActionNeeded` if there is an address for it              |
| `payment_intent.canceled`                          | `Declined`, not confirmed                                 |
| `refund.created`, `refund.updated`, `refund.failed`, `charge.refund.updated` | `Refunded` or `RefundRefused`   |
| `charge.refunded`                                  | nothing more: it names the charge, not the refund         |
| `setup_intent.*`, `checkout.session.*`, all others | nothing about money                                       |

A confirmation that is only wanted is no decline: the answer to the charge, asked with the same key, leads the customer
to it. Were it taken for one, a second attempt would begin while the first may still succeed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
import stripe

from adapters.gateway.protocol import OutcomeUnknown, ProviderEvent, WebhookRefused
from adapters.gateway.stripe_messages import Event, Intent, read
from adapters.gateway.stripe_refunds import Refund
from adapters.gateway.webhooks import TIMESTAMP, TOLERANCE, Reason, only_header

SIGNATURE: Final = "stripe-signature"
INTENT_EVENTS: Final = frozenset(
    f"payment_intent.{kind}" for kind in ("succeeded", "payment_failed", "requires_action", "canceled")
)
REFUND_EVENTS: Final = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)


def verified(body: bytes, *, secret: str, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
    """Return the event if Stripe signed it within 300 seconds of `now`. Raises `WebhookRefused`."""
    _verify(body, secret=secret, header=only_header(headers, SIGNATURE), now=now)
    try:
        event = msgspec.json.decode(body, type=Event)
        created_at = datetime.fromtimestamp(event.created, UTC)
        return _told(event, created_at)
    except (
        msgspec.MsgspecError,
        OutcomeUnknown,
        OverflowError,
        OSError,
        ValueError,
        RecursionError,
    ) as error:
        raise WebhookRefused(Reason.ODD_BODY) from error


def _verify(body: bytes, *, secret: str, header: str, now: datetime) -> None:
    moments = [part[2:] for part in header.split(",") if part.startswith("t=")]
    if len(moments) != 1 or not TIMESTAMP.fullmatch(moments[0]) or str(int(moments[0])) != moments[0]:
        raise WebhookRefused(Reason.ODD_TIMESTAMP)
    age = now - datetime.fromtimestamp(int(moments[0]), UTC)
    if age > TOLERANCE:
        raise WebhookRefused(Reason.TOO_OLD)
    if age < -TOLERANCE:
        raise WebhookRefused(Reason.TOO_NEW)
    try:
        # The moment is checked above against the caller's clock, either way; the SDK would ask its own, one way.
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError) as error:
        raise WebhookRefused(Reason.WRONG_SIGNATURE) from error


def _told(event: Event, created_at: datetime) -> ProviderEvent:
    if event.type in INTENT_EVENTS:
        intent = read(event.data.object, Intent)
        outcome = None if intent.wants_confirmation else intent.outcome()
        return ProviderEvent(event.id, event.type, intent.key, intent.id, outcome, created_at)
    if event.type in REFUND_EVENTS:
        refund = read(event.data.object, Refund)
        return ProviderEvent(event.id, event.type, refund.key, refund.id, refund.outcome(), created_at)
    return ProviderEvent(event.id, event.type, None, None, None, created_at)

"""Signed messages by the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`.

A verified message may still be a replay: within the tolerance the same bytes verify again. Being replay-safe is
the caller's part, by recording the message id in the transaction that has the effect.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from adapters.gateway.protocol import WebhookRefused

TOLERANCE = timedelta(seconds=300)
SECRET_PREFIX = "whsec_"  # noqa: S105 - a public prefix, not a secret
SECRET_BYTES = range(24, 65)
# No dot: with one in the id, the same signed bytes could be read as another id, timestamp and body.
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# ASCII digits only, so that no "nan", "inf", sign, exponent or other script's digit is read as a moment.
TIMESTAMP = re.compile(r"[0-9]{1,10}")


class Reason(StrEnum):
    """Why a message is refused."""

    MISSING_HEADER = "a webhook header is missing"
    REPEATED_HEADER = "a webhook header is given more than once"
    ODD_ID = "the message id is not a plain word"
    ODD_TIMESTAMP = "the timestamp is not a whole number of seconds"
    TOO_OLD = "the message was signed too long ago"
    TOO_NEW = "the message was signed in the future"
    WRONG_SIGNATURE = "no signature matches"
    ODD_BODY = "the body is not an event"


class WebhookSecretError(ValueError):
    """The configured secret is not `whsec_` and base64 of 24 to 64 bytes."""


def signing_key(secret: str) -> bytes:
    """Return the bytes behind a `whsec_...` secret. Raises `WebhookSecretError`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookSecretError from error
    if not secret.startswith(SECRET_PREFIX) or len(key) not in SECRET_BYTES:
        raise WebhookSecretError
    return key


def sign(body: bytes, *, key: bytes, message_id: str, timestamp: int) -> str:
    """Return the `webhook-signature` of a message sent at `timestamp`, in seconds since 1970."""
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(body: bytes, *, key: bytes, headers: Mapping[str, str], now: datetime) -> str:
    """Return the id of a message signed with `key` within 300 seconds of `now`. Raises `WebhookRefused`.

    Several signatures, separated by spaces, are accepted while a secret is being changed: one must match.
    """
    message_id = only_header(headers, "webhook-id")
    timestamp = only_header(headers, "webhook-timestamp")
    signatures = only_header(headers, "webhook-signature")
    if not MESSAGE_ID.fullmatch(message_id):
        raise WebhookRefused(Reason.ODD_ID)
    if not TIMESTAMP.fullmatch(timestamp) or str(int(timestamp)) != timestamp:
        raise WebhookRefused(Reason.ODD_TIMESTAMP)
    age = now - datetime.fromtimestamp(int(timestamp), UTC)
    if age > TOLERANCE:
        raise WebhookRefused(Reason.TOO_OLD)
    if age < -TOLERANCE:
        raise WebhookRefused(Reason.TOO_NEW)

    expected = sign(body, key=key, message_id=message_id, timestamp=int(timestamp)).encode()
    # Every signature is compared, each in constant time, so that time tells nothing about how near one came.
    matches = [
        hmac.compare_digest(expected, given.encode(errors="replace")) for given in signatures.split(" ")
    ]
    if not any(matches):
        raise WebhookRefused(Reason.WRONG_SIGNATURE)
    return message_id


def only_header(headers: Mapping[str, str], name: str) -> str:
    """Return the one value of a header; two of them may be read differently by whoever stands in between.

    Raises `WebhookRefused`.
    """
    values = [value for key, value in headers.items() if key.lower() == name]
    if not values:
        raise WebhookRefused(Reason.MISSING_HEADER)
    if len(values) > 1:
        raise WebhookRefused(Reason.REPEATED_HEADER)
    return values[0]

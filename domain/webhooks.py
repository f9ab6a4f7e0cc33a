"""Webhooks out: what is told to endpoints, which addresses they may have, how long a delivery is tried.

Deliveries follow the Standard Webhooks specification; one that fails is tried again with growing waits over three
days, and an endpoint that has failed for five days on end is turned off.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.refusal import Refusal


class EventKind(StrEnum):
    """What can happen. PING happens only when somebody asks for it."""

    INVOICE_ISSUED = "invoice.issued"
    INVOICE_UPDATED = "invoice.updated"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_UNCOLLECTIBLE = "invoice.uncollectible"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_ACTION_NEEDED = "payment.action_needed"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SEAT_CHANGED = "seat.changed"
    ALERT_FIRED = "alert.fired"
    LIMIT_DISABLED = "limit.disabled"
    LIMIT_ENABLED = "limit.enabled"
    ACCOUNT_FROZEN = "account.frozen"
    ACCOUNT_RESTORED = "account.restored"
    PING = "ping"


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=9),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=14),
    timedelta(hours=17),
)
"""From each failed attempt to the next: twelve attempts over three days."""

JITTER_PERCENT: Final = range(90, 111)
"""A wait is this much of its length, so that what failed together is not tried again together."""

OFF_AFTER: Final = timedelta(days=5)
"""An endpoint none of whose deliveries came through for this long is turned off."""

GONE: Final = 410
"""The status by which a receiver asks that nothing more be sent."""

# Addresses that lead back inside, or through somebody else's gateway, though they count as global.
_INDIRECT: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "100.64.0.0/10",  # shared by a carrier's customers
            "192.0.0.0/24",  # the protocols' own
            "192.88.99.0/24",  # relays of 6to4
            "::/96",  # an IPv4 address in the oldest disguise
            "64:ff9b::/96",  # NAT64: an IPv4 address of the translator's side
            "64:ff9b:1::/48",  # NAT64 within one network
            "2001::/23",  # the protocols' own, Teredo among them
            "2002::/16",  # 6to4: an IPv4 address inside
            "fec0::/10",  # one site's own, as it was before
        ),
    )
)


@dataclass(eq=False)
class EndpointUrlRefused(Refusal):
    """The address cannot be an endpoint's."""

    template = "Webhooks cannot be sent to this address: {reason}."
    reason: str


@dataclass(eq=False)
class PayloadQueryRefused(Refusal):
    """The query cannot make a payload."""

    template = "The query cannot make a payload: {reason}"
    reason: str


def is_public(address: str) -> bool:
    """Tell whether an IP address is one that anybody on the Internet may be asked to connect to."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    is_indirect = any(ip.version == network.version and ip in network for network in _INDIRECT)
    return ip.is_global and not (is_indirect or ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_loopback(address: str) -> bool:
    """Tell whether an IP address leads back to this machine, by the plain names of it."""
    return ipaddress.ip_address(address).is_loopback


def wait_after(attempts: int, *, percent: int) -> timedelta | None:
    """Give the wait after the failure of the last of so many attempts; None when it was the last of all."""
    return None if attempts > len(WAITS) else WAITS[attempts - 1] * percent / 100


def is_endpoint_lost(*, failing_since: datetime, now: datetime, status: int | None) -> bool:
    """Tell whether nothing more is to be sent to an endpoint that has just failed, answering `status` or nothing."""
    return status == GONE or now - failing_since >= OFF_AFTER

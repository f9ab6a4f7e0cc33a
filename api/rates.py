"""What a caller may ask for over time: each request is paid for in points before it is served, out of the caller's bucket.

Failures to sign in have a bucket for each address, which is looked into before a key is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from starlette.requests import HTTPConnection

from adapters import metrics
from adapters.buckets import Buckets, Level, Mode, Rate
from api.errors import ApiError, ErrorCode
from services.callers import Caller

REQUEST_POINTS: Final = 1
"""The least that a request costs, also one that is refused."""
MUTATION_POINTS: Final = 10
FILE_POINTS: Final = 10
EXPORT_POINTS: Final = 50
ITEMS_A_POINT: Final = 10
"""Usage events, or other items of a list in the input of a mutation, that cost one point together."""

IPV6_NETWORK_BITS: Final = 64
"""Whoever has one address of IPv6 has all of its network."""


_FREE: Final = Rate(0, 1)


class OverRateError(ApiError):
    """The caller's bucket does not hold what the request costs; nothing of the request was done."""


def bucket_of(caller: Caller) -> str:
    """Name the bucket a caller pays from."""
    return f"caller:{caller.kind}:{caller.id}"


def items_points(number: int) -> int:
    """Give the points of so many usage events, or other items of a mutation's input."""
    return ceil(number / ITEMS_A_POINT)


def address_of(connection: HTTPConnection) -> str:
    """Name where a request comes from, as the server tells it: an address, or the network of one of IPv6."""
    if connection.client is None:
        return "unknown"
    try:
        address = ip_address(connection.client.host)
    except ValueError:
        return connection.client.host[:100]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            network = ip_network((int(address), IPV6_NETWORK_BITS), strict=False)
            return str(network)
        return str(address.ipv4_mapped)
    return str(address)


@dataclass(slots=True)
class Allowance:
    """What one request spends of its caller's points; without buckets it is free."""

    buckets: Buckets | None = None
    name: str = ""
    rate: Rate = _FREE
    charged: int = 0
    available: int = 0

    async def charge(self, points: int) -> None:
        """Make sure that the request has paid so many points in all; raises OverRateError if they are not there."""
        more = points - self.charged
        if self.buckets is None or more <= 0:
            return
        if points > self.rate.capacity:
            raise OverRateError(
                ErrorCode.TOO_LARGE,
                f"The request costs {points:,} points, and there are never more than {self.rate.capacity:,}. "
                "Ask for less at once.",
                facts={"limit": self.rate.capacity},
            )
        level = await self.buckets.use(self.name, more, self.rate)
        self.available = level.available
        if not level.is_granted:
            metrics.rate_refused("points")
            raise OverRateError(
                ErrorCode.TOO_MANY_REQUESTS,
                f"The request costs {points:,} points and {level.available:,} are left. "
                f"Send it again in {_seconds(level)} s, when they are back, or ask for less.",
                facts={"cost": self.cost(points)},
                headers=_retry_after(level),
            )
        self.charged = points

    def cost(self, requested: int) -> dict[str, float]:
        """Tell the client how it stands; nothing where requests are free."""
        if self.buckets is None:
            return {"requested": requested}
        return {"requested": requested, "available": self.available, "restoreRate": self.rate.per_second}


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of an installation; None for one that is not limited."""

    buckets: Buckets
    points: Rate | None
    sign_ins: Rate | None

    def allowance(self, caller: Caller) -> Allowance:
        """Give a request its allowance."""
        if self.points is None:
            return Allowance()
        return Allowance(self.buckets, bucket_of(caller), self.points)

    async def admit(self, address: str) -> None:
        """Raise TOO_MANY_REQUESTS if too many keys from the address were wrong."""
        if self.sign_ins is None:
            return
        level = await self.buckets.use(f"sign-in:{address}", 1, self.sign_ins, mode=Mode.LOOK)
        if not level.is_granted:
            metrics.rate_refused("sign_in")
            raise ApiError(
                ErrorCode.TOO_MANY_REQUESTS,
                "Too many keys sent from this address were not ours. "
                f"Check the key, then try again in {_seconds(level)} s.",
                headers=_retry_after(level),
            )

    async def blame(self, address: str) -> None:
        """Count a key from the address that opens nothing."""
        if self.sign_ins is not None:
            await self.buckets.use(f"sign-in:{address}", 1, self.sign_ins, mode=Mode.FORCE)


def _seconds(level: Level) -> int:
    return max(1, ceil(level.wait_seconds))


def _retry_after(level: Level) -> Mapping[str, str]:
    return {"retry-after": str(_seconds(level))}

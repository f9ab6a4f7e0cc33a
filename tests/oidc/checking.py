"""What tests of tokens and of keys have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.oidc.tokens import Issuer, Person


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def known(ours: Issuer, token: str) -> Person:
    """Say who a token is of now."""
    return await ours.person(token, now=datetime.now(UTC))

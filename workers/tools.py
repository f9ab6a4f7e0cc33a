"""What every job is given: a maker of sessions, the payment gateway and, where there is a mail server, the mailer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.gateway.protocol import Gateway
from adapters.mail import Mailer


@dataclass(frozen=True, slots=True)
class Tools:
    """The jobs' tools."""

    sessions: async_sessionmaker[AsyncSession]
    gateway: Gateway
    mailer: Mailer | None = None
    keys_last: timedelta = timedelta(days=30)
    """How long what was done under an idempotency key is remembered."""

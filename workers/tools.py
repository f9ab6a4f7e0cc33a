"""What every job is given: a maker of sessions, the payment gateway and, where there is a mail server, the mailer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.gateway.protocol import Gateway
from adapters.mail import Mailer


@dataclass(frozen=True, slots=True)
class Tools:
    """The jobs' tools."""

    sessions: async_sessionmaker[AsyncSession]
    gateway: Gateway
    mailer: Mailer | None = None

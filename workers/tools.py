"""What every job is given: a maker of sessions and the payment gateway."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.gateway.protocol import Gateway


@dataclass(frozen=True, slots=True)
class Tools:
    """The jobs' tools."""

    sessions: async_sessionmaker[AsyncSession]
    gateway: Gateway

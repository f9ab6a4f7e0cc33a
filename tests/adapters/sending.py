"""A workspace as a sender of usage sees it, for tests of the ingest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.ingest import EventRow, Recorded, record_events
from adapters.takebacks import TakeBackResult, take_back
from tests.adapters import rows


@dataclass(frozen=True)
class Sender:
    """Sends events to one workspace, each call in a transaction of its own."""

    sessions: async_sessionmaker[AsyncSession]
    account_id: UUID
    workspace_id: UUID

    async def send(self, *events: EventRow) -> tuple[Recorded, ...]:
        """Record the events, commit and return the outcomes."""
        async with self.sessions.begin() as session:
            return await self.send_in(session, *events)

    async def send_in(self, session: AsyncSession, *events: EventRow) -> tuple[Recorded, ...]:
        """Record the events in a transaction that somebody else ends."""
        where: dict[str, Any] = {"account_id": self.account_id, "workspace_id": self.workspace_id}
        return (await record_events(session, **where, rows=events, recorded_at=rows.NOW)).outcomes

    async def take_back(self, event_id: str) -> TakeBackResult:
        """Take an event back and commit."""
        async with self.sessions.begin() as session:
            return await self.take_back_in(session, event_id)

    async def take_back_in(self, session: AsyncSession, event_id: str) -> TakeBackResult:
        """Take an event back in a transaction that somebody else ends."""
        where: dict[str, Any] = {"account_id": self.account_id, "workspace_id": self.workspace_id}
        return await take_back(session, **where, event_id=event_id, reason="wrong", now=rows.NOW)

    async def totals(self) -> list[tuple[object, ...]]:
        """The totals that are kept: metric, day of September, channel, units, events."""
        return await self._read(
            "SELECT metric, extract(day FROM day)::int, channel, units::bigint, events FROM usage_days"
            " WHERE workspace_id = :workspace AND events > 0 ORDER BY 1, 2, 3"
        )

    async def totals_recomputed(self) -> list[tuple[object, ...]]:
        """The same from the events and what was taken back."""
        return await self._read(
            "SELECT metric, extract(day FROM day)::int, coalesce(channel, ''), sum(units)::bigint, count(*)"
            " FROM usage_events LEFT JOIN usage_takebacks USING (account_id, workspace_id, event_id)"
            " WHERE workspace_id = :workspace AND taken_back_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )

    async def standing(self) -> dict[object, object]:
        """The event that stands for each conversation."""
        found = await self._read(
            "SELECT conversation_id, event_id FROM standing_resolutions WHERE workspace_id = :workspace"
        )
        return {row[0]: row[1] for row in found}

    async def standing_recomputed(self) -> dict[object, object]:
        """The same from the events and what was taken back."""
        found = await self._read(
            "SELECT conversation_id, event_id FROM usage_events"
            " LEFT JOIN usage_takebacks USING (account_id, workspace_id, event_id)"
            " WHERE workspace_id = :workspace AND metric = 'FIN_RESOLUTION' AND taken_back_at IS NULL"
        )
        return {row[0]: row[1] for row in found}

    async def stored(self) -> list[object]:
        """The ids of the recorded events."""
        return [
            row[0]
            for row in await self._read(
                "SELECT event_id FROM usage_events WHERE workspace_id = :workspace ORDER BY event_id"
            )
        ]

    async def _read(self, query: str) -> list[tuple[object, ...]]:
        async with self.sessions() as session:
            return [
                tuple(row) for row in await session.execute(text(query), {"workspace": self.workspace_id})
            ]


async def new_sender(sessions: async_sessionmaker[AsyncSession]) -> Sender:
    """A sender to a new workspace of a new account."""
    owner = rows.account()
    desk = rows.workspace(owner.account_id)
    async with sessions.begin() as session:
        session.add_all([owner, desk])
    return Sender(sessions, owner.account_id, desk.id)


def event(event_id: str, *, day: int = 1, **given: Any) -> EventRow:
    """One SMS on a day of September, unless told otherwise."""
    usual: dict[str, Any] = {"metric": "SMS_SEGMENT", "quantity": 1, "channel": None, "conversation_id": None}
    chosen = usual | {"properties": None} | given
    row = EventRow(
        event_id=event_id,
        units=chosen.pop("units", chosen["quantity"]),
        at=rows.NOW + timedelta(days=day - rows.NOW.day),
        day=date(2026, 9, day),
        fingerprint=b"",
        **chosen,
    )
    return replace(row, fingerprint=sha256(repr(row).encode()).digest()[:16])


def resolution(event_id: str, conversation_id: str, *, day: int = 1) -> EventRow:
    """A resolution of a conversation."""
    return event(event_id, day=day, metric="FIN_RESOLUTION", conversation_id=conversation_id)


def sms(event_ids: Sequence[str]) -> list[EventRow]:
    """An SMS for each id."""
    return [event(each) for each in event_ids]

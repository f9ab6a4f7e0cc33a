"""A usage event undone: what it counted for is lowered in the statement that takes it back, so that it happens once."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.recording import note_created
from adapters.tables.usage import UsageTakeback


class TakeBack(StrEnum):
    """What became of the wish to take an event back."""

    TAKEN_BACK = "TAKEN_BACK"
    ALREADY_TAKEN_BACK = "ALREADY_TAKEN_BACK"
    UNKNOWN_EVENT = "UNKNOWN_EVENT"


@dataclass(frozen=True, slots=True)
class TakeBackResult:
    """The outcome and, of an event that is known, the day and metric it counted for."""

    outcome: TakeBack
    day: date | None = None
    metric: str | None = None


async def take_back(
    session: AsyncSession,
    *,
    account_id: UUID,
    workspace_id: UUID,
    event_id: str,
    reason: str,
    now: datetime,
) -> TakeBackResult:
    """Make an event count no longer: lower its day's total and free its conversation, once."""
    values = {
        "account": account_id,
        "workspace": workspace_id,
        "event": event_id,
        "reason": reason,
        "now": now,
    }
    original = (await session.execute(_TAKE_BACK, values)).one_or_none()
    if original is None:
        return TakeBackResult(TakeBack.UNKNOWN_EVENT)
    if original.is_taken:
        row = {"account_id": account_id, "workspace_id": workspace_id, "event_id": event_id}
        note_created(
            session, UsageTakeback, [{**row, "reason": reason, "taken_back_at": now, "recorded_at": now}]
        )
    outcome = TakeBack.TAKEN_BACK if original.is_taken else TakeBack.ALREADY_TAKEN_BACK
    return TakeBackResult(outcome, day=original.day, metric=original.metric)


_TAKE_BACK: Final = text("""
    WITH original AS (
        SELECT * FROM usage_events
        WHERE account_id = CAST(:account AS uuid) AND workspace_id = CAST(:workspace AS uuid) AND event_id = :event
    ), taken AS (
        INSERT INTO usage_takebacks (account_id, workspace_id, event_id, reason, taken_back_at, recorded_at)
        SELECT account_id, workspace_id, event_id, CAST(:reason AS text), CAST(:now AS timestamptz), :now
        FROM original
        ON CONFLICT (account_id, workspace_id, event_id) DO NOTHING
        RETURNING event_id
    ), freed AS (
        DELETE FROM standing_resolutions standing USING original, taken
        WHERE standing.account_id = original.account_id AND standing.workspace_id = original.workspace_id
            AND standing.conversation_id = original.conversation_id AND standing.event_id = taken.event_id
    ), lowered AS (
        UPDATE usage_days SET units = usage_days.units - original.units, events = usage_days.events - 1
        FROM original, taken
        WHERE usage_days.account_id = original.account_id AND usage_days.workspace_id = original.workspace_id
            AND usage_days.metric = original.metric AND usage_days.day = original.day
            AND usage_days.channel = coalesce(original.channel, '')
    )
    SELECT day, metric, EXISTS (SELECT FROM taken) AS is_taken FROM original
""")

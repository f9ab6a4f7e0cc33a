"""Usage (section 9): recording events with an outcome for each, taking them back, and reading a period's totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import ingest, pricebooks, takebacks
from adapters.ingest import EventRow, Recorded
from adapters.queries import histories as history_queries
from adapters.queries import locks
from adapters.queries import subscriptions as subscription_queries
from adapters.queries import usage as queries
from adapters.spans import traced
from adapters.tables.subscriptions import Subscription
from adapters.tables.workspaces import Workspace
from adapters.takebacks import TakeBack
from domain.billing import running_period
from domain.calendar import Period, days_of, local_day
from domain.events import (
    ADVICE,
    LATENESS,
    LONGEST_ID,
    Access,
    AlreadyTakenBack,
    BatchTooLarge,
    Rejection,
    SentEvent,
    UnknownEvent,
    UsageEvent,
    access,
    is_name,
    judge,
    units,
    well_formed,
    within,
)
from domain.phases import Phase, phase_on
from domain.pricebook import Metric
from domain.seats import full_seats
from domain.usage import Reading, read_metric
from services import histories, lateness, watching
from services.accounts import AccountNow
from services.histories import NoSubscription
from services.workspaces import find_workspace

LARGEST_BATCH = 1000

_encoder = msgspec.json.Encoder()


class EventStatus(StrEnum):
    """What became of one event that was sent."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one event; a rejection says why and what to do."""

    event_id: str
    status: EventStatus
    reason: Rejection | None = None

    @property
    def message(self) -> str | None:
        """The reason in a sentence."""
        return ADVICE[self.reason] if self.reason else None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Readings of every metric over a period, as of a moment, and the full seats held on each of its days."""

    period: Period
    phase: Phase
    as_of: datetime
    readings: tuple[Reading, ...]
    full_seats: tuple[tuple[date, int], ...]


@traced
async def record(
    session: AsyncSession,
    account: AccountNow,
    *,
    workspace_id: UUID,
    events: Sequence[SentEvent],
    limit: int = LARGEST_BATCH,
) -> list[Outcome]:
    """Record a batch and give each event its outcome, in order (section 9).

    Raises UnknownWorkspace, BatchTooLarge; then nothing is recorded.
    """
    if len(events) > limit:
        raise BatchTooLarge(len(events), limit)
    await locks.share_usage(session, account.id)
    workspace = await find_workspace(session, account_id=account.id, workspace_id=workspace_id)
    subscriptions = await subscription_queries.recent(
        session, account_id=account.id, ended_after=account.now - LATENESS
    )
    judged = await _judge(session, account, workspace, subscriptions, events)

    rows = [_row(account, event, sent) for sent, event in judged if isinstance(event, UsageEvent)]
    ingested = await ingest.record_events(
        session, account_id=account.id, workspace_id=workspace_id, rows=rows, recorded_at=account.now
    )
    running = next((row for row in subscriptions if row.status != "ENDED"), None)
    if ingested.earliest_day and (running is None or ingested.earliest_day < running.period_start):
        await lateness.note(session, account, day=ingested.earliest_day)
    raised = {
        row.metric
        for row, outcome in zip(rows, ingested.outcomes, strict=True)
        if outcome is Recorded.ACCEPTED
    }
    if raised:
        await watching.usage_changed(session, account, workspace_id=workspace_id, metrics=raised)

    recorded = iter(ingested.outcomes)
    return [
        _outcome(sent, next(recorded) if isinstance(event, UsageEvent) else event) for sent, event in judged
    ]


@traced
async def take_back(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, event_id: str, reason: str
) -> None:
    """Undo an event on its original's day, once, at any age (section 9).

    Raises UnknownWorkspace, UnknownEvent, AlreadyTakenBack.
    """
    await find_workspace(session, account_id=account.id, workspace_id=workspace_id)
    if not is_name(event_id):
        raise UnknownEvent(event_id[:LONGEST_ID])
    await locks.share_usage(session, account.id)

    result = await takebacks.take_back(
        session,
        account_id=account.id,
        workspace_id=workspace_id,
        event_id=event_id,
        reason=reason,
        now=account.now,
    )

    if result.outcome is TakeBack.UNKNOWN_EVENT:
        raise UnknownEvent(event_id)
    if result.outcome is TakeBack.ALREADY_TAKEN_BACK:
        raise AlreadyTakenBack(event_id)
    if result.day and result.metric:
        await lateness.note(session, account, day=result.day)
        await watching.usage_changed(session, account, workspace_id=workspace_id, metrics=[result.metric])


@traced
async def report(
    session: AsyncSession,
    account: AccountNow,
    *,
    workspace_id: UUID | None,
    on: date | None,
    metrics: Collection[Metric] | None = None,
) -> UsageReport:
    """Read every metric, or some, over the billing period that holds a date, today's when none is given.

    Of one workspace, or of all. Raises NoSubscription when no subscription ran on that date.
    """
    today = local_day(account.now, account.zone)
    wanted = on or today
    row = (await subscription_queries.latest(session, [account.id])).get(account.id)
    if row is None:
        raise NoSubscription
    found = (await histories.phases_of(session, [account], [row]))[row.id]
    phase = phase_on(found, wanted)
    if phase is None:
        raise NoSubscription
    period = running_period(phase, wanted)
    totals = await queries.day_totals(session, account_id=account.id, start=period.start, end=period.end)

    changes = await history_queries.seat_changes(session, [account.id], workspace_id=workspace_id)
    seats = full_seats(changes[account.id], account.zone, since=phase.opened)

    readings = _readings(
        phase,
        period,
        totals,
        workspace_id=workspace_id,
        today=today,
        zone=account.zone,
        metrics=[metric for metric in Metric if metrics is None or metric in metrics],
    )
    held = tuple((day, seats.on(day)) for day in days_of(period) if day <= today)
    return UsageReport(period, phase, account.now, readings, held)


async def _judge(
    session: AsyncSession,
    account: AccountNow,
    workspace: Workspace,
    subscriptions: Sequence[Subscription],
    events: Sequence[SentEvent],
) -> list[tuple[SentEvent, UsageEvent | Rejection]]:
    folded = await histories.phases_of(session, [account], subscriptions)
    spans = [access(folded[row.id], account.zone) for row in subscriptions]
    allowed = within(
        Access(
            tuple(span for found in spans for span in found.subscribed),
            tuple(span for found in spans for span in found.psp),
        ),
        since=workspace.joined_at,
        until=workspace.left_at,
    )
    today = local_day(account.now, account.zone)
    versions = [row.price_book_version for row in subscriptions]
    book = await (
        pricebooks.book(session, versions[-1]) if versions else pricebooks.current(session, on=today)
    )
    judged: list[tuple[SentEvent, UsageEvent | Rejection]] = []
    for sent in events:
        event = well_formed(sent)
        if isinstance(event, UsageEvent):
            event = judge(event, book=book, allowed=allowed, now=account.now) or event
        judged.append((sent, event))
    return judged


def _readings(
    phase: Phase,
    period: Period,
    totals: Sequence[queries.DayTotal],
    *,
    workspace_id: UUID | None,
    today: date,
    zone: ZoneInfo,
    metrics: Sequence[Metric],
) -> tuple[Reading, ...]:
    own: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[str, int] = defaultdict(int)
    channels: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in totals:
        whole[row.metric] += row.units
        if workspace_id is None or row.workspace_id == workspace_id:
            own[row.metric][row.day] += row.units
            if row.channel:
                channels[row.metric][row.channel] += row.units
    return tuple(
        read_metric(
            phase,
            period,
            metric,
            own=own[metric],
            whole=whole[metric],
            by_channel=channels[metric],
            today=today,
            zone=zone,
        )
        for metric in metrics
    )


def _row(account: AccountNow, event: UsageEvent, sent: SentEvent) -> EventRow:
    return EventRow(
        event_id=event.event_id,
        metric=event.metric.value,
        quantity=event.quantity,
        units=units(event.metric, event.quantity),
        at=event.at,
        day=local_day(event.at, account.zone),
        channel=event.channel.value if event.channel else None,
        conversation_id=event.conversation_id,
        properties=sent.properties,
        fingerprint=_fingerprint(event, sent),
    )


def _fingerprint(event: UsageEvent, sent: SentEvent) -> bytes:
    """Tell events of one id apart by their content, however it was written; its moment is in UTC already."""
    content = (
        event.metric,
        event.quantity,
        event.at,
        event.channel,
        event.conversation_id,
        sorted(sent.properties.items()) if sent.properties else (),
    )
    return blake2b(_encoder.encode(content), digest_size=16).digest()


def _outcome(sent: SentEvent, result: Recorded | Rejection) -> Outcome:
    match result:
        case Recorded.ACCEPTED:
            return Outcome(sent.event_id, EventStatus.ACCEPTED)
        case Recorded.DUPLICATE:
            return Outcome(sent.event_id, EventStatus.DUPLICATE)
        case Recorded.CONFLICT:
            return Outcome(sent.event_id, EventStatus.REJECTED, Rejection.OTHER_CONTENT)
        case Recorded.ALREADY_RESOLVED:
            return Outcome(sent.event_id, EventStatus.REJECTED, Rejection.ALREADY_RESOLVED)
        case Rejection():
            return Outcome(sent.event_id, EventStatus.REJECTED, result)

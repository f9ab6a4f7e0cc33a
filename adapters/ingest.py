"""The hot path: usage events of one workspace recorded as a set, their totals kept in the same transaction.

Whatever is sent twice, at once, or by two senders, an event counts once, and a conversation has one
standing resolution. Three habits make that so without any lock of our own: the primary keys decide who was
first, every statement takes its keys in sorted order (so that batches cannot wait for each other in a
circle), and what lost is looked up only after the winner's commit was waited for. The last one needs READ
COMMITTED, PostgreSQL's default.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

RESOLUTION: Final = "FIN_RESOLUTION"

PLAIN_FROM = 200
"""Rows from which an INSERT that fails over a known row is worth the savepoint it needs."""


class Recorded(StrEnum):
    """What became of one event that was sent."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    """The same event was recorded before; it counts once."""
    CONFLICT = "CONFLICT"
    """Another event was recorded under this id."""
    ALREADY_RESOLVED = "ALREADY_RESOLVED"
    """A resolution whose conversation has a standing one; it was not recorded."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the domain has judged it: `units` is what is billed, `day` its local date."""

    event_id: str
    metric: str
    quantity: int
    units: int
    at: datetime
    day: date
    channel: str | None
    conversation_id: str | None
    properties: Mapping[str, Any] | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Ingested:
    """One outcome for each row sent, in order, and the first day on which a total was raised."""

    outcomes: tuple[Recorded, ...]
    earliest_day: date | None


async def record_events(
    session: AsyncSession,
    *,
    account_id: UUID,
    workspace_id: UUID,
    rows: Sequence[EventRow],
    recorded_at: datetime,
) -> Ingested:
    """Record what is new among `rows` and raise the totals of its days.

    Of rows with one id the first is recorded, the others are compared with it. An id whose first row was
    turned away as ALREADY_RESOLVED may be sent again, but not with other content in the same batch.

    Raises IntegrityError for a workspace that does not exist. In rare cases (several batches in one
    transaction, a second look at a conversation given back) two senders may still wait for each other and
    PostgreSQL ends one with SQLSTATE 40P01: retry the whole transaction.
    """
    scope = {"account": account_id, "workspace": workspace_id}
    firsts: dict[str, EventRow] = {}
    for row in rows:
        firsts.setdefault(row.event_id, row)

    added = await _add(session, scope, firsts.values(), recorded_at=recorded_at)
    unclear = firsts.keys() - added
    known = await _fingerprints(session, scope, unclear) if unclear else {}

    outcomes: list[Recorded] = []
    for row in rows:
        first = firsts[row.event_id]
        if row is first and row.event_id in added:
            outcomes.append(Recorded.ACCEPTED)
        elif row.event_id not in added and row.event_id not in known and row.fingerprint == first.fingerprint:
            outcomes.append(Recorded.ALREADY_RESOLVED)
        elif row.fingerprint == known.get(row.event_id, first.fingerprint):
            outcomes.append(Recorded.DUPLICATE)
        else:
            outcomes.append(Recorded.CONFLICT)
    return Ingested(tuple(outcomes), min((firsts[event_id].day for event_id in added), default=None))


async def _add(
    session: AsyncSession, scope: Mapping[str, Any], rows: Collection[EventRow], *, recorded_at: datetime
) -> set[str]:
    """Insert the rows that are new and may stand; return their ids."""
    added: set[str] = set()
    while rows:
        resolutions = [row for row in rows if row.metric == RESOLUTION]
        claimed = await _claim(session, scope, resolutions) if resolutions else set()
        standing = [row for row in rows if row.metric != RESOLUTION or row.event_id in claimed]
        if standing:
            added |= await _insert(session, scope, standing, recorded_at=recorded_at)
        in_vain = claimed - added
        if not in_vain:
            break
        # The event was known: sent again after it was taken back, for another conversation, or recorded by
        # somebody else since the claim. Give the conversation back; a later row of ours may be waiting for it.
        freed = {row.conversation_id for row in resolutions if row.event_id in in_vain}
        await session.execute(_RELEASE, {**scope, "conversations": sorted(filter(None, freed))})
        rows = [row for row in resolutions if row.event_id not in claimed and row.conversation_id in freed]
    return added


async def _claim(
    session: AsyncSession, scope: Mapping[str, Any], resolutions: Iterable[EventRow]
) -> set[str]:
    """Claim the free conversations, first come first served; return the ids of the events that got theirs."""
    claims = [(row.event_id, row.conversation_id) for row in resolutions]
    events, conversations = map(list, zip(*claims, strict=True))
    values = {**scope, "events": events, "conversations": conversations}
    return set((await session.execute(_CLAIM, values)).scalars())


async def _insert(
    session: AsyncSession, scope: Mapping[str, Any], rows: Collection[EventRow], *, recorded_at: datetime
) -> set[str]:
    """Insert the rows whose ids are new, add them to the totals and return their ids."""
    columns = zip(*map(_said, rows), strict=True)
    values = {
        **scope,
        **dict(zip(_COLUMNS, map(list, columns), strict=True)),
        "recorded_at": recorded_at,
    }
    if len(rows) >= PLAIN_FROM and await _insert_new(session, scope, rows, values):
        return {row.event_id for row in rows}
    # One row with one array: a thousand rows of one column cost five times as much to fetch.
    return set(await session.scalar(_INSERT, values) or ())


async def _insert_new(
    session: AsyncSession, scope: Mapping[str, Any], rows: Iterable[EventRow], values: Mapping[str, Any]
) -> bool:
    """Insert rows that are probably all new, at four fifths of the cost; False, and nothing done, when one is not."""
    try:
        connection = await session.connection()
        async with connection.begin_nested():
            await connection.execute(_INSERT_NEW, values)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _KNOWN:
            raise
        return False
    totals: dict[tuple[str, date, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        total = totals[row.metric, row.day, row.channel or ""]
        total[0] += row.units
        total[1] += 1
    keys = map(list, zip(*totals, strict=True))
    sums = map(list, zip(*totals.values(), strict=True))
    values = dict(zip(("metrics", "days", "channels", "units", "events"), (*keys, *sums), strict=True))
    await session.execute(_COUNT, {**scope, **values})
    return True


def _said(row: EventRow) -> tuple[object, ...]:
    """Give what is stored of a row, in the order of the columns."""
    return (
        row.event_id,
        row.metric,
        row.quantity,
        row.units,
        row.at,
        row.day,
        row.channel,
        row.conversation_id,
        None if row.properties is None else orjson.dumps(row.properties).decode(),
        row.fingerprint,
    )


async def _fingerprints(
    session: AsyncSession, scope: Mapping[str, Any], event_ids: Iterable[str]
) -> dict[str, bytes]:
    """Return the fingerprints of those events that are recorded."""
    found = await session.execute(_FINGERPRINTS, {**scope, "events": list(event_ids)})
    return {row.event_id: row.fingerprint for row in found}


_COLUMNS: Final = (
    "events",
    "metrics",
    "quantities",
    "units",
    "ats",
    "days",
    "channels",
    "conversations",
    "properties",
    "fingerprints",
)

_KNOWN: Final = "23505"  # unique_violation

_COUNT: Final = text("""
    INSERT INTO usage_days (account_id, workspace_id, metric, day, channel, units, events)
    SELECT CAST(:account AS uuid), CAST(:workspace AS uuid), metric, day, channel, units, events
    FROM unnest(CAST(:metrics AS text[]), CAST(:days AS date[]), CAST(:channels AS text[]),
        CAST(:units AS bigint[]), CAST(:events AS bigint[])) AS total (metric, day, channel, units, events)
    ORDER BY metric COLLATE "C", day, channel COLLATE "C"
    ON CONFLICT (account_id, workspace_id, metric, day, channel) DO UPDATE
        SET units = usage_days.units + excluded.units, events = usage_days.events + excluded.events
""")

_NEW: Final = """
        INSERT INTO usage_events (account_id, workspace_id, event_id, metric, quantity, units, at, day, channel,
            conversation_id, properties, fingerprint, recorded_at)
        SELECT CAST(:account AS uuid), CAST(:workspace AS uuid), event_id, metric, quantity, units, at, day, channel,
            conversation_id, properties::jsonb, fingerprint, CAST(:recorded_at AS timestamptz)
        FROM unnest(CAST(:events AS text[]), CAST(:metrics AS text[]), CAST(:quantities AS bigint[]),
            CAST(:units AS bigint[]), CAST(:ats AS timestamptz[]), CAST(:days AS date[]), CAST(:channels AS text[]),
            CAST(:conversations AS text[]), CAST(:properties AS text[]), CAST(:fingerprints AS bytea[]))
            AS sent (event_id, metric, quantity, units, at, day, channel, conversation_id, properties, fingerprint)
        ORDER BY event_id COLLATE "C"
"""

_INSERT_NEW: Final = text(_NEW)

_INSERT: Final = text(
    f"""
    WITH added AS (
        {_NEW}
        ON CONFLICT (account_id, workspace_id, event_id) DO NOTHING
        RETURNING event_id, metric, day, channel, units
    ), counted AS (
        INSERT INTO usage_days (account_id, workspace_id, metric, day, channel, units, events)
        SELECT CAST(:account AS uuid), CAST(:workspace AS uuid), metric, day, coalesce(channel, ''),
            sum(units), count(*)
        FROM added GROUP BY metric, day, coalesce(channel, '')
        ORDER BY metric COLLATE "C", day, coalesce(channel, '') COLLATE "C"
        ON CONFLICT (account_id, workspace_id, metric, day, channel) DO UPDATE
            SET units = usage_days.units + excluded.units, events = usage_days.events + excluded.events
    )
    SELECT array_agg(event_id) FROM added
"""
)

_CLAIM: Final = text("""
    INSERT INTO standing_resolutions (account_id, workspace_id, conversation_id, event_id)
    SELECT CAST(:account AS uuid), CAST(:workspace AS uuid), sent.conversation_id, sent.event_id
    FROM unnest(CAST(:events AS text[]), CAST(:conversations AS text[]))
        WITH ORDINALITY AS sent (event_id, conversation_id, position)
    ORDER BY sent.conversation_id COLLATE "C", sent.position
    ON CONFLICT (account_id, workspace_id, conversation_id) DO NOTHING
    RETURNING event_id
""")

_RELEASE: Final = text("""
    DELETE FROM standing_resolutions
    WHERE account_id = :account AND workspace_id = :workspace
        AND conversation_id = ANY (CAST(:conversations AS text[]))
""")

_FINGERPRINTS: Final = text("""
    SELECT event_id, fingerprint FROM usage_events
    WHERE account_id = :account AND workspace_id = :workspace AND event_id = ANY (CAST(:events AS text[]))
""")

"""Alerts: found by scope, locked in the order of their keys before a total is read, and the levels of theirs passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, insert, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, DATE, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.tables.alerts import Alert, AlertLevel


class Span(NamedTuple):
    """The usage period `[start, end)` of an account."""

    account_id: UUID
    start: date
    end: date


Total = tuple[UUID, UUID, str]
"""An account, a workspace of its and a metric."""

_CONCERNS = text("""
    SELECT EXISTS (
        SELECT FROM alerts WHERE account_id = :account AND metric = ANY (:metrics)
            AND (workspace_id IS NULL OR workspace_id = :workspace)
            AND (threshold IS NOT NULL OR pending IS NOT NULL)
    ) OR EXISTS (
        SELECT FROM hard_limits WHERE account_id = :account AND metric = ANY (:metrics)
            AND (workspace_id IS NULL OR workspace_id = :workspace) AND units IS NOT NULL
    )
""").bindparams(bindparam("metrics", type_=ARRAY(TEXT)), bindparam("workspace", type_=PG_UUID))

_CONCERNED = text("""
    SELECT account_id FROM alerts WHERE account_id = ANY (:accounts)
    UNION SELECT account_id FROM hard_limits WHERE account_id = ANY (:accounts)
""").bindparams(bindparam("accounts", type_=ARRAY(PG_UUID)))

_TOTALS = text("""
    SELECT wanted.account_id, w.id AS workspace_id, metric, coalesce(used.units, 0)::bigint AS units
    FROM unnest(:accounts, :starts, :ends) AS wanted (account_id, start, "end")
    JOIN workspaces w ON w.account_id = wanted.account_id
    CROSS JOIN unnest(:metrics) AS metric
    CROSS JOIN LATERAL (
        SELECT sum(d.units) AS units FROM usage_days d
        WHERE d.account_id = w.account_id AND d.workspace_id = w.id AND d.metric = metric
            AND d.day >= wanted.start AND d.day < wanted."end"
    ) used
    WHERE used.units > 0
""").bindparams(
    bindparam("accounts", type_=ARRAY(PG_UUID)),
    bindparam("starts", type_=ARRAY(DATE)),
    bindparam("ends", type_=ARRAY(DATE)),
    bindparam("metrics", type_=ARRAY(TEXT)),
)


_FULL_SEATS = text("""
    SELECT account_id, workspace_id, count(*) AS held FROM teammates
    WHERE account_id = ANY (:accounts) AND status = 'ACTIVE' AND seat = 'FULL'
    GROUP BY account_id, workspace_id
""").bindparams(bindparam("accounts", type_=ARRAY(PG_UUID)))


async def concerns(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, metrics: Iterable[str]
) -> bool:
    """Tell whether an alert or a limit of the account or the workspace looks at one of the metrics."""
    values = {"account": account_id, "workspace": workspace_id, "metrics": sorted(metrics)}
    return bool(await session.scalar(_CONCERNS, values))


async def concerned(session: AsyncSession, account_ids: Iterable[UUID]) -> set[UUID]:
    """Name those of the accounts that have an alert or a limit."""
    return set((await session.execute(_CONCERNED, {"accounts": list(account_ids)})).scalars())


async def lock(
    session: AsyncSession,
    account_ids: Iterable[UUID],
    *,
    metrics: Iterable[str] | None = None,
    workspace_id: UUID | None = None,
) -> list[Alert]:
    """Lock alerts in the order of their keys: all of the accounts, or those on metrics that a workspace's facts concern.

    A total read after this, in a statement of its own, holds what every earlier holder of the lock has recorded.
    """
    query = (
        select(Alert)
        .where(col(Alert.account_id).in_(list(account_ids)))
        .order_by(col(Alert.account_id), col(Alert.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if metrics is not None:
        query = query.where(
            col(Alert.metric).in_(list(metrics)),
            col(Alert.workspace_id).is_(None) | (col(Alert.workspace_id) == workspace_id),
        )
    return list(await session.scalars(query))


async def lock_one(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID | None, metric: str
) -> Alert | None:
    """Lock the alert on a metric of one scope."""
    query = (
        select(Alert)
        .where(
            col(Alert.account_id) == account_id,
            col(Alert.workspace_id).is_not_distinct_from(workspace_id),
            col(Alert.metric) == metric,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one_or_none()


async def of_accounts(session: AsyncSession, account_ids: Iterable[UUID]) -> list[Alert]:
    """Give the alerts of accounts in the order in which they were first set."""
    query = (
        select(Alert)
        .where(col(Alert.account_id).in_(list(account_ids)))
        .order_by(col(Alert.account_id), col(Alert.id))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def levels(
    session: AsyncSession, alerts: Iterable[Alert], *, since: Mapping[UUID, date]
) -> dict[UUID, list[AlertLevel]]:
    """Give the levels passed in the usage period of each alert, by alert, in the order they passed.

    That is the period kept with the alert or, by account, one that has begun `since`.
    """
    rows = list(alerts)
    wanted = [
        (row.account_id, row.id, max(row.cycle_start, since.get(row.account_id, row.cycle_start)))
        for row in rows
    ]
    query = (
        select(AlertLevel)
        .where(
            tuple_(col(AlertLevel.account_id), col(AlertLevel.alert_id), col(AlertLevel.cycle_start)).in_(
                wanted
            )
        )
        .order_by(col(AlertLevel.at), col(AlertLevel.version), col(AlertLevel.level))
    )
    found: dict[UUID, list[AlertLevel]] = {row.id: [] for row in rows}
    for level in await session.scalars(query):
        found[level.alert_id].append(level)
    return found


async def find_level(
    session: AsyncSession, *, account_id: UUID, alert_id: UUID, cycle_start: date, version: int, level: int
) -> tuple[Alert, AlertLevel] | None:
    """Find a level that is over for a period, and its alert."""
    query = (
        select(Alert, AlertLevel)
        .join(
            AlertLevel,
            and_(
                col(AlertLevel.account_id) == col(Alert.account_id), col(AlertLevel.alert_id) == col(Alert.id)
            ),
        )
        .where(
            col(Alert.account_id) == account_id,
            col(Alert.id) == alert_id,
            col(AlertLevel.cycle_start) == cycle_start,
            col(AlertLevel.version) == version,
            col(AlertLevel.level) == level,
        )
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def add_levels(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note levels that are over for a period; IntegrityError when one is over already."""
    if rows:
        await session.execute(insert(AlertLevel), list(rows))


async def totals(session: AsyncSession, spans: Sequence[Span], *, metrics: Iterable[str]) -> dict[Total, int]:
    """Add up units over each account's running period, by workspace and metric; what is 0 is absent."""
    values = {
        "accounts": [span.account_id for span in spans],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
        "metrics": sorted(metrics),
    }
    found = await session.execute(_TOTALS, values)
    return {(row.account_id, row.workspace_id, row.metric): row.units for row in found}


async def full_seats(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Count the full seats held now, by account and workspace."""
    found = await session.execute(_FULL_SEATS, {"accounts": list(account_ids)})
    return {(row.account_id, row.workspace_id): row.held for row in found}


async def fired_with(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, metric: str, recorded_at: datetime
) -> list[AlertLevel]:
    """Give the levels of a metric's alerts that fired as events of a moment were recorded in a workspace."""
    query = (
        select(AlertLevel)
        .join(
            Alert,
            and_(
                col(Alert.account_id) == col(AlertLevel.account_id), col(Alert.id) == col(AlertLevel.alert_id)
            ),
        )
        .where(
            col(Alert.account_id) == account_id,
            col(Alert.metric) == metric,
            or_(col(Alert.workspace_id).is_(None), col(Alert.workspace_id) == workspace_id),
            col(AlertLevel.passing) == "FIRED",
            col(AlertLevel.at) == recorded_at,
        )
        .order_by(col(AlertLevel.level))
    )
    return list(await session.scalars(query))

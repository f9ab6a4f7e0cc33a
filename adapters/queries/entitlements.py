"""All that decides about a workspace's channels now, in one statement: the product's runtime asks this often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.facts import fact_of
from adapters.tables.subscriptions import SubscriptionFact
from domain.facts import Fact
from domain.limits import Limit
from domain.pricebook import Metric

_FOUND = text("""
    SELECT a.time_zone, a.frozen_at, coalesce(c.now_at, CAST(:wall AS timestamptz)) AS now, s.price_book_version,
        (SELECT jsonb_agg(jsonb_build_object(
                'account_id', f.account_id, 'subscription_id', f.subscription_id, 'position', f.position,
                'kind', f.kind, 'at', f.at, 'recorded_at', f.recorded_at, 'payload', f.payload) ORDER BY f.position)
            FROM subscription_facts f
            WHERE f.account_id = a.account_id AND f.subscription_id = s.id) AS facts,
        (SELECT jsonb_agg(jsonb_build_object(
                'metric', l.metric, 'is_workspace', l.workspace_id IS NOT NULL, 'units', l.units,
                'is_disabled', l.is_disabled, 'cycle', l.cycle_start))
            FROM hard_limits l
            WHERE l.account_id = a.account_id AND l.units IS NOT NULL
                AND (l.workspace_id IS NULL OR l.workspace_id = w.id)) AS limits,
        (SELECT jsonb_object_agg(metric, units) FROM (
            SELECT d.metric, sum(d.units) AS units FROM usage_days d
            WHERE s.status = 'TRIAL' AND d.account_id = a.account_id
                AND d.day >= s.period_start AND d.day < s.period_end
            GROUP BY d.metric) used) AS trial_units
    FROM workspaces w
    JOIN accounts a ON a.account_id = w.account_id
    LEFT JOIN test_clocks c ON c.id = a.test_clock_id
    LEFT JOIN LATERAL (
        SELECT * FROM subscriptions latest WHERE latest.account_id = a.account_id
        ORDER BY latest.started_at DESC, latest.id DESC LIMIT 1
    ) s ON true
    WHERE w.account_id = :account AND w.id = :workspace
""")


@dataclass(frozen=True, slots=True)
class Found:
    """An account's clock and standing, the facts of its latest subscription, its trial's units and its limits."""

    now: datetime
    time_zone: str
    is_frozen: bool
    book_version: int | None
    facts: tuple[Fact, ...]
    trial_units: Mapping[Metric, int]
    account_limits: Mapping[Metric, Limit]
    workspace_limits: Mapping[Metric, Limit]


async def find(
    session: AsyncSession, *, account_id: UUID, workspace_id: UUID, wall: datetime
) -> Found | None:
    """Give what decides about a workspace's channels; None when the account has no such workspace."""
    values = {"account": account_id, "workspace": workspace_id, "wall": wall}
    row = (await session.execute(_FOUND, values)).one_or_none()
    if row is None:
        return None
    return Found(
        now=row.now,
        time_zone=row.time_zone,
        is_frozen=row.frozen_at is not None,
        book_version=row.price_book_version,
        facts=tuple(fact_of(SubscriptionFact(**fact)) for fact in row.facts or ()),
        trial_units={Metric(metric): int(units) for metric, units in (row.trial_units or {}).items()},
        account_limits=_limits(row.limits, is_workspace=False),
        workspace_limits=_limits(row.limits, is_workspace=True),
    )


def _limits(rows: list[dict[str, Any]] | None, *, is_workspace: bool) -> dict[Metric, Limit]:
    return {
        Metric(row["metric"]): Limit(row["units"], row["is_disabled"], date.fromisoformat(row["cycle"]))
        for row in rows or ()
        if row["is_workspace"] is is_workspace
    }

"""Alerts, and the levels of theirs that are over for a usage period."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from adapters.tables.accounts import Account
from adapters.tables.columns import (
    Bigint,
    Key,
    OptionalBigint,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
    stored_default,
)
from adapters.tables.usage import METRICS
from adapters.tables.workspaces import Workspace

ALERT_METRICS: Final = (*METRICS, "FULL_SEATS", "TOTAL_SPEND")
PASSINGS: Final = ("FIRED", "COVERED", "SKIPPED")


class Alert(Record, table=True):
    """What is watched, in a workspace or, without one, in all of the account.

    Thresholds are in units, seats or whole dollars; each carries the version it was set as, `versions` counts them.
    What is pending is in force in the periods after the one that began on `cycle_start`.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        reference("accounts"),
        reference("workspaces", workspace_id="id"),
        UniqueConstraint(
            "account_id", "workspace_id", "metric", name="uq_alerts_scope", postgresql_nulls_not_distinct=True
        ),
        one_of("metric", ALERT_METRICS),
        check("threshold", "threshold >= 1 AND (threshold IS NULL) = (version IS NULL)"),
        check("pending", "pending >= 1 AND (pending IS NULL) = (pending_version IS NULL)"),
        check("versions", "versions >= greatest(version, pending_version, 0)"),
        check("spend", "metric <> 'TOTAL_SPEND' OR workspace_id IS NULL"),
    )

    account_id: Key
    id: Key
    workspace_id: UUID | None = None
    metric: String
    threshold: OptionalBigint = None
    version: int | None = None
    pending: OptionalBigint = None
    pending_version: int | None = None
    also_at_50_and_80: bool = stored_default("false", python=False)
    versions: int = stored_default("0", python=0)
    cycle_start: date
    created_at: datetime

    account: Account = parent(Account)
    workspace: Workspace | None = parent(Workspace, overlaps="account")


class AlertLevel(Record, table=True):
    """A level of a threshold that is over for a period: told, covered by a higher one, or skipped. Never changed.

    The key is the promise that a level tells once. `total` is what it was passed at, spend in cents.
    """

    __tablename__ = "alert_levels"
    __table_args__ = (
        reference("alerts", alert_id="id"),
        one_of("passing", PASSINGS),
        check("level", "level IN (50, 80, 100)"),
        check("threshold", "threshold >= 1"),
    )

    account_id: Key
    alert_id: Key
    cycle_start: date = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    threshold: Bigint
    passing: String
    total: Bigint
    at: datetime

    alert: Alert = parent(Alert)

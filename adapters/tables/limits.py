"""Hard limits, whether each has turned its channel off, and every switch."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

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
    where,
)
from adapters.tables.usage import METRICS
from adapters.tables.workspaces import Workspace

SWITCH_CAUSES: Final = ("USAGE", "LIMIT_SET", "LIMIT_TURNED_OFF", "NEW_PERIOD")


class HardLimit(Record, table=True):
    """A limit on a metric of a workspace or, without one, of the account's pool; without `units` it is off.

    `is_disabled` is as of the usage period that began on `cycle_start`.
    """

    __tablename__ = "hard_limits"
    __table_args__ = (
        reference("accounts"),
        reference("workspaces", workspace_id="id"),
        UniqueConstraint(
            "account_id",
            "workspace_id",
            "metric",
            name="uq_hard_limits_scope",
            postgresql_nulls_not_distinct=True,
        ),
        one_of("metric", METRICS),
        check("units", "units >= 0"),
        check("is_disabled", "NOT is_disabled OR units IS NOT NULL"),
    )

    account_id: Key
    id: Key
    workspace_id: UUID | None = None
    metric: String
    units: OptionalBigint = None
    is_disabled: bool = stored_default("false", python=False)
    cycle_start: date
    created_at: datetime

    account: Account = parent(Account)
    workspace: Workspace | None = parent(Workspace, overlaps="account")


class LimitSwitch(Record, table=True):
    """A channel turned off or on under a limit. Appended, never changed; ids grow with time.

    Of one limit, direction and local day, one is mailed.
    """

    __tablename__ = "limit_switches"
    __table_args__ = (
        reference("hard_limits", limit_id="id"),
        one_of("cause", SWITCH_CAUSES),
        Index(
            "uq_limit_switches_mailed",
            "account_id",
            "limit_id",
            "is_disabled",
            "day",
            unique=True,
            postgresql_where=where("is_mailed"),
        ),
    )

    account_id: Key
    id: Key
    limit_id: UUID
    is_disabled: bool
    cause: String
    units: OptionalBigint = None
    total: Bigint
    at: datetime
    day: date
    is_mailed: bool

    limit: HardLimit = parent(HardLimit)

"""Alerts (section 9): set, turned off and read; looked at in the transaction of whatever may have reached a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import alerts as queries
from adapters.queries import locks
from adapters.spans import traced
from adapters.tables import alerts as tables
from domain.alerts import (
    Alert,
    AlertMetric,
    AlertNotSet,
    Mark,
    Passed,
    Passing,
    Threshold,
    Watched,
    check_scope,
    check_threshold,
    in_cycle,
    label_of,
    notice,
    notice_facts,
    price_of_threshold,
    set_threshold,
    turn_off,
    watch,
)
from services import cycles
from services.accounts import AccountNow
from services.cycles import Counted, Cycle
from services.histories import NoSubscription
from services.notifications import Notice, NoticeKind, places


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as of the running usage period: its value, the levels passed, and what its threshold costs, in cents.

    Without a running subscription there is no price.
    """

    account_id: UUID
    workspace_id: UUID | None
    alert: Alert
    passed: tuple[tables.AlertLevel, ...]
    price: int | None


async def set_alert(
    session: AsyncSession,
    account: AccountNow,
    *,
    workspace_id: UUID | None,
    metric: AlertMetric,
    threshold: int,
    also_at_50_and_80: bool,
) -> None:
    """Set an alert of a workspace or of the locked account (section 9).

    Usage waits meanwhile, so that none can pass unseen. Raises SpendIsPerAccount, ThresholdOutOfRange, NoSubscription.
    """
    check_scope(metric, is_workspace=workspace_id is not None)
    check_threshold(threshold)
    await locks.stop_usage(session, [account.id])
    row = await queries.lock_one(
        session, account_id=account.id, workspace_id=workspace_id, metric=metric.value
    )
    running = await cycles.running(session, [account], reached=cycles.reached([row] if row else []))
    if account.id not in running:
        raise NoSubscription
    start = running[account.id].period.start
    counted = await cycles.count(session, [account], cycles=running, metrics={metric.value})
    current = counted.total(account.id, workspace_id, metric.value)

    row = row or _row(account, workspace_id=workspace_id, metric=metric, cycle=start)
    levels = await queries.levels(session, [row], since={account.id: start})
    alert = in_cycle(_alert(row, levels[row.id]), start)
    watched = set_threshold(alert, threshold, also_at_50_and_80=also_at_50_and_80, current=current)

    _keep(row, watched.alert)
    session.add(row)
    await session.flush()
    await queries.add_levels(session, _level_rows(account, row, watched))


async def turn_off_alert(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID | None, metric: AlertMetric
) -> None:
    """Turn an alert of a workspace or of the locked account off, at once (section 9); raises AlertNotSet."""
    await locks.stop_usage(session, [account.id])
    row = await queries.lock_one(
        session, account_id=account.id, workspace_id=workspace_id, metric=metric.value
    )
    if row is None:
        raise AlertNotSet(metric)

    _keep(row, turn_off(_alert(row, [])))
    await session.flush()


@traced
async def look(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    rows: Sequence[tables.Alert],
    *,
    running: Mapping[UUID, Cycle],
    rise: int = 0,
) -> list[Notice]:
    """Look at locked alerts, note the levels their accounts have reached, and give what is to be told.

    `rise` is by how many full seats the one change looked at has raised the number.
    """
    going = [row for row in rows if row.account_id in running]
    if not going:
        return []
    starts = {account_id: cycle.period.start for account_id, cycle in running.items()}
    levels = await queries.levels(session, going, since=starts)
    alerts = {row.id: in_cycle(_alert(row, levels[row.id]), starts[row.account_id]) for row in going}
    waiting = {row.metric for row in going if _is_waiting(alerts[row.id])}
    counted = await cycles.count(session, accounts, cycles=running, metrics=waiting)

    fired: list[tuple[tables.Alert, Passed]] = []
    passed: list[dict[str, Any]] = []
    owners = {account.id: account for account in accounts}
    for row in going:
        watched = _look(alerts[row.id], row, counted, rise=rise)
        _keep(row, watched.alert)
        passed += _level_rows(owners[row.account_id], row, watched)
        if watched.fired:
            fired.append((row, watched.fired))
    await session.flush()
    await queries.add_levels(session, passed)
    for level in passed:
        if level["passing"] == Passing.FIRED:
            touch(session, Touched.ALERT, level["account_id"], level_name(level))
    return await _notices(session, owners, fired, running)


async def read(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, list[AlertView]]:
    """Give the alerts of accounts that are on, as of their running usage periods."""
    rows = await queries.of_accounts(session, [account.id for account in accounts])
    running = await cycles.running(session, accounts, reached=cycles.reached(rows))
    starts = {account_id: cycle.period.start for account_id, cycle in running.items()}
    levels = await queries.levels(session, rows, since=starts)
    zones = {account.id: account.zone for account in accounts}
    found: dict[UUID, list[AlertView]] = {account.id: [] for account in accounts}
    for row in rows:
        alert = in_cycle(_alert(row, levels[row.id]), starts.get(row.account_id, row.cycle_start))
        if alert.is_enabled:
            price = _price(alert, running.get(row.account_id), zones[row.account_id])
            view = AlertView(row.account_id, row.workspace_id, alert, tuple(levels[row.id]), price)
            found[row.account_id].append(view)
    return found


async def find_fired(
    session: AsyncSession, *, account_id: UUID, name: str
) -> tuple[tables.Alert, tables.AlertLevel] | None:
    """Find a level that was told, and its alert, by the name it is touched by."""
    alert_id, cycle_start, version, level = name.split()
    return await queries.find_level(
        session,
        account_id=account_id,
        alert_id=UUID(alert_id),
        cycle_start=date.fromisoformat(cycle_start),
        version=int(version),
        level=int(level),
    )


def level_name(level: Mapping[str, Any]) -> str:
    """Name a level of an account's alerts by the rest of its key."""
    return f"{level['alert_id']} {level['cycle_start']} {level['version']} {level['level']}"


def _look(alert: Alert, row: tables.Alert, counted: Counted, *, rise: int) -> Watched:
    if not _is_waiting(alert):
        return Watched(alert)
    total = counted.total(row.account_id, row.workspace_id, row.metric)
    return watch(alert, total, before=total - rise if alert.metric is AlertMetric.FULL_SEATS else None)


async def _notices(
    session: AsyncSession,
    owners: Mapping[UUID, AccountNow],
    fired: Sequence[tuple[tables.Alert, Passed]],
    running: Mapping[UUID, Cycle],
) -> list[Notice]:
    if not fired:
        return []
    names = await places(session, [owners[account_id] for account_id in {row.account_id for row, _ in fired}])
    notices = []
    for row, passed in fired:
        metric, cycle, owner = AlertMetric(row.metric), running[row.account_id], owners[row.account_id]
        label, where = label_of(metric, cycle.phase.book), names[row.workspace_id or row.account_id]
        price = price_of_threshold(
            metric, passed.threshold.value, phase=cycle.phase, period=cycle.period, zone=owner.zone
        )
        title, body = notice(metric, passed, label=label, where=where, period=cycle.period)
        facts = notice_facts(metric, passed, label=label, where=where, period=cycle.period, price=price)
        notices.append(Notice(owner, row.workspace_id, NoticeKind.ALERT, title, body, facts=facts))
    return notices


def _is_waiting(alert: Alert) -> bool:
    """Tell whether some level may still be told in this period; if none, what is used need not be counted."""
    threshold = alert.in_force
    return threshold is not None and any(
        Mark(threshold.version, level) not in alert.done for level in alert.levels
    )


def _price(alert: Alert, cycle: Cycle | None, zone: ZoneInfo) -> int | None:
    """Price the threshold asked for last: the one pending, or the one in force."""
    threshold = alert.pending or alert.in_force
    if cycle is None or threshold is None:
        return None
    return price_of_threshold(
        alert.metric, threshold.value, phase=cycle.phase, period=cycle.period, zone=zone
    )


def _alert(row: tables.Alert, levels: Sequence[tables.AlertLevel]) -> Alert:
    return Alert(
        metric=AlertMetric(row.metric),
        in_force=_threshold(row.threshold, row.version),
        pending=_threshold(row.pending, row.pending_version),
        also_at_50_and_80=row.also_at_50_and_80,
        versions=row.versions,
        cycle=row.cycle_start,
        done=frozenset(
            Mark(level.version, level.level) for level in levels if level.cycle_start == row.cycle_start
        ),
    )


def _threshold(value: int | None, version: int | None) -> Threshold | None:
    return None if value is None or version is None else Threshold(value, version)


def _keep(row: tables.Alert, alert: Alert) -> None:
    in_force, pending = alert.in_force, alert.pending
    row.threshold, row.version = (in_force.value, in_force.version) if in_force else (None, None)
    row.pending, row.pending_version = (pending.value, pending.version) if pending else (None, None)
    row.also_at_50_and_80, row.versions = alert.also_at_50_and_80, alert.versions
    row.cycle_start = alert.cycle or row.cycle_start


def _row(account: AccountNow, *, workspace_id: UUID | None, metric: AlertMetric, cycle: date) -> tables.Alert:
    return tables.Alert(
        account_id=account.id,
        id=new_id(),
        workspace_id=workspace_id,
        metric=metric.value,
        cycle_start=cycle,
        created_at=account.now,
    )


def _level_rows(account: AccountNow, row: tables.Alert, watched: Watched) -> list[dict[str, Any]]:
    return [
        {
            "account_id": row.account_id,
            "alert_id": row.id,
            "cycle_start": row.cycle_start,
            "version": passed.threshold.version,
            "level": passed.level,
            "threshold": passed.threshold.value,
            "passing": passed.passing.value,
            "total": passed.total,
            "at": account.now,
        }
        for passed in watched.passed
    ]

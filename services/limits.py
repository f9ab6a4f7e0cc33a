"""Hard limits (section 9): set, turned off and read; held to usage in the transaction that records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import limits as queries
from adapters.queries import locks
from adapters.spans import traced
from adapters.tables import limits as tables
from domain.calendar import local_day, show_day
from domain.limits import (
    Held,
    Limit,
    LimitNotSet,
    Switch,
    Use,
    hold,
    is_disabled_in,
    notice,
    notice_facts,
    set_limit,
    turn_off,
)
from domain.pricebook import Metric
from services import cycles
from services.accounts import AccountNow
from services.cycles import Cycle
from services.histories import NoSubscription
from services.notifications import Notice, NoticeKind, places, tell


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit as of the running usage period, and whether its channel is off now."""

    account_id: UUID
    workspace_id: UUID | None
    metric: Metric
    units: int
    is_disabled: bool


async def set_hard_limit(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID | None, metric: Metric, units: int
) -> None:
    """Set a limit of a workspace or of the locked account's pool; usage waits meanwhile (section 9).

    Raises LimitOutOfRange, NoSubscription.
    """
    row, running = await _lock(session, account, workspace_id=workspace_id, metric=metric)
    if account.id not in running:
        raise NoSubscription
    use = await _use(session, account, running, workspace_id=workspace_id, metric=metric)
    row = row or _row(account, workspace_id=workspace_id, metric=metric, cycle=use.cycle)

    held = set_limit(_limit(row), units, use)

    _keep(row, held)
    session.add(row)
    await session.flush()
    await tell(session, await _switched(session, {account.id: account}, [(row, held)], running))


async def turn_off_limit(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID | None, metric: Metric
) -> None:
    """Turn a limit of a workspace or of the locked account off; its channel is on again. Raises LimitNotSet."""
    row, running = await _lock(session, account, workspace_id=workspace_id, metric=metric)
    if row is None:
        raise LimitNotSet(metric)
    total = 0
    if account.id in running:
        total = (await _use(session, account, running, workspace_id=workspace_id, metric=metric)).total

    held = turn_off(_limit(row), metric=metric, total=total)

    _keep(row, held)
    await session.flush()
    await tell(session, await _switched(session, {account.id: account}, [(row, held)], running))


@traced
async def look(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    rows: Sequence[tables.HardLimit],
    *,
    running: Mapping[UUID, Cycle],
) -> list[Notice]:
    """Hold locked limits to what is used now, log the switches, and give what is to be told."""
    going = [row for row in rows if row.account_id in running and row.units is not None]
    if not going:
        return []
    metrics = {row.metric for row in going}
    counted = await cycles.count(session, accounts, cycles=running, metrics=metrics)
    looked = []
    for row in going:
        total = counted.total(row.account_id, row.workspace_id, row.metric)
        held = hold(_limit(row), _use_of(running[row.account_id], total))
        _keep(row, held)
        looked.append((row, held))
    await session.flush()
    return await _switched(session, {account.id: account for account in accounts}, looked, running)


async def read(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, list[LimitView]]:
    """Give the limits of accounts that are on, as of their running usage periods."""
    rows = await queries.of_accounts(session, [account.id for account in accounts])
    running = await cycles.running(session, accounts)
    found: dict[UUID, list[LimitView]] = {account.id: [] for account in accounts}
    for row in rows:
        if row.units is None:
            continue
        cycle = running.get(row.account_id)
        is_disabled = cycle is not None and is_disabled_in(
            _limit(row), cycle.period.start, is_trial=cycle.is_trial
        )
        view = LimitView(row.account_id, row.workspace_id, Metric(row.metric), row.units, is_disabled)
        found[row.account_id].append(view)
    return found


async def _lock(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID | None, metric: Metric
) -> tuple[tables.HardLimit | None, dict[UUID, Cycle]]:
    await locks.stop_usage(session, [account.id])
    row = await queries.lock_one(
        session, account_id=account.id, workspace_id=workspace_id, metric=metric.value
    )
    return row, await cycles.running(session, [account], reached=cycles.reached([row] if row else []))


async def _use(
    session: AsyncSession,
    account: AccountNow,
    running: Mapping[UUID, Cycle],
    *,
    workspace_id: UUID | None,
    metric: Metric,
) -> Use:
    counted = await cycles.count(session, [account], cycles=running, metrics={metric.value})
    return _use_of(running[account.id], counted.total(account.id, workspace_id, metric.value))


def _use_of(cycle: Cycle, total: int) -> Use:
    return Use(cycle.period.start, total, is_trial=cycle.is_trial)


async def _switched(
    session: AsyncSession,
    owners: Mapping[UUID, AccountNow],
    looked: Sequence[tuple[tables.HardLimit, Held]],
    running: Mapping[UUID, Cycle],
) -> list[Notice]:
    """Log every switch and give its notice; of one limit, direction and day the first is mailed."""
    changed = [(row, held.switches) for row, held in looked if held.switches]
    if not changed:
        return []
    days = {account_id: local_day(owner.now, owner.zone) for account_id, owner in owners.items()}
    mailed = await queries.mailed(session, [row for row, _ in changed], days=days)
    names = await places(
        session, [owners[account_id] for account_id in {row.account_id for row, _ in changed}]
    )
    log: list[dict[str, Any]] = []
    notices: list[Notice] = []
    for row, switches in changed:
        owner = owners[row.account_id]
        for switch in switches:
            is_mailed = (row.id, switch.is_disabled) not in mailed
            mailed.add((row.id, switch.is_disabled))
            log.append(_switch_row(row, switch, owner, day=days[row.account_id], is_mailed=is_mailed))
            where = names[row.workspace_id or row.account_id]
            title, body, facts = _words(switch, row, where=where, cycle=running.get(row.account_id))
            kind = NoticeKind.LIMIT_DISABLED if switch.is_disabled else NoticeKind.LIMIT_ENABLED
            notices.append(Notice(owner, row.workspace_id, kind, title, body, is_mailed, facts))
    await queries.add_switches(session, log)
    for entry in log:
        touch(session, Touched.SWITCH, entry["account_id"], entry["id"])
    return notices


def _words(
    switch: Switch, row: tables.HardLimit, *, where: str, cycle: Cycle | None
) -> tuple[str, str, dict[str, str]]:
    metric = Metric(row.metric)
    label = cycle.phase.book.metrics[metric].label if cycle else metric.value
    period_end = show_day(cycle.period.end) if cycle else ""
    title, body = notice(switch, metric=metric, label=label, where=where, period_end=period_end)
    return title, body, notice_facts(switch, label=label, where=where)


def _switch_row(
    row: tables.HardLimit, switch: Switch, owner: AccountNow, *, day: date, is_mailed: bool
) -> dict[str, Any]:
    return {
        "account_id": row.account_id,
        "id": new_id(),
        "limit_id": row.id,
        "is_disabled": switch.is_disabled,
        "cause": switch.cause.value,
        "units": switch.value,
        "total": switch.total,
        "at": owner.now,
        "day": day,
        "is_mailed": is_mailed,
    }


def _limit(row: tables.HardLimit) -> Limit:
    return Limit(row.units, row.is_disabled, row.cycle_start)


def _keep(row: tables.HardLimit, held: Held) -> None:
    row.units, row.is_disabled = held.limit.value, held.limit.is_disabled
    row.cycle_start = held.limit.cycle or row.cycle_start


def _row(account: AccountNow, *, workspace_id: UUID | None, metric: Metric, cycle: date) -> tables.HardLimit:
    return tables.HardLimit(
        account_id=account.id,
        id=new_id(),
        workspace_id=workspace_id,
        metric=metric.value,
        cycle_start=cycle,
        created_at=account.now,
    )

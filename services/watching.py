"""Whoever records a fact calls here, in the same transaction, so that no alert is missed and no limit is late.

Accounts without an alert or limit on what changed pay one indexed read. Rows are locked before totals are read, so of
batches recorded at once the last to look sees them all; a row is looked at in no other order than that of its key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.live import Touched, touch
from adapters.queries import alerts as queries
from adapters.queries import limits as limit_queries
from adapters.tables.alerts import Alert
from adapters.tables.limits import HardLimit
from domain.alerts import AlertMetric
from services import alerts, cycles, limits
from services.accounts import AccountNow
from services.notifications import tell

SPEND = AlertMetric.TOTAL_SPEND.value


async def usage_changed(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, metrics: Collection[str]
) -> None:
    """Look at what concerns a workspace's usage of some metrics, after units were recorded or taken back."""
    touch(session, Touched.USAGE, account.id, workspace_id)
    await _changed(session, account, workspace_id=workspace_id, metrics={*metrics, SPEND})


async def seats_changed(session: AsyncSession, account: AccountNow, *, workspace_id: UUID, rise: int) -> None:
    """Look at what concerns a workspace's seats, after one change raised the number of full seats by `rise`, or lowered it."""
    touch(session, Touched.USAGE, account.id, workspace_id)
    metrics = {AlertMetric.FULL_SEATS.value, SPEND}
    await _changed(session, account, workspace_id=workspace_id, metrics=metrics, rise=rise)


async def terms_changed(session: AsyncSession, account: AccountNow) -> None:
    """Look at total spend, after a change of the subscription that the next invoice prorates."""
    touch(session, Touched.USAGE, account.id, account.id)
    await _changed(session, account, workspace_id=None, metrics={SPEND})


async def periods_opened(session: AsyncSession, accounts: Sequence[AccountNow]) -> None:
    """Carry the alerts and limits of locked accounts into their new usage periods: thresholds pending, channels on again.

    Accounts are a set; done again, or later than somebody else has looked, it finds nothing to do.
    """
    for account in accounts:
        touch(session, Touched.USAGE, account.id, account.id)
    concerned = await queries.concerned(session, [account.id for account in accounts])
    wanted = [account for account in accounts if account.id in concerned]
    if wanted:
        ids = [account.id for account in wanted]
        await _look(session, wanted, await queries.lock(session, ids), await limit_queries.lock(session, ids))


async def _changed(
    session: AsyncSession,
    account: AccountNow,
    *,
    workspace_id: UUID | None,
    metrics: Collection[str],
    rise: int = 0,
) -> None:
    if not await queries.concerns(session, account_id=account.id, workspace_id=workspace_id, metrics=metrics):
        return
    watched = await queries.lock(session, [account.id], metrics=metrics, workspace_id=workspace_id)
    held = await limit_queries.lock(session, [account.id], metrics=metrics, workspace_id=workspace_id)
    await _look(session, [account], watched, held, rise=rise)


async def _look(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    watched: Sequence[Alert],
    held: Sequence[HardLimit],
    *,
    rise: int = 0,
) -> None:
    running = await cycles.running(session, accounts, reached=cycles.reached([*watched, *held]))
    notices = await alerts.look(session, accounts, watched, running=running, rise=rise)
    notices += await limits.look(session, accounts, held, running=running)
    await tell(session, notices)

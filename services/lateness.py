"""Facts that arrive after their period was billed: the next close is told how far back to look (sections 5 and 10)."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import subscriptions as queries
from adapters.queries import usage as usage_queries
from adapters.tables.subscriptions import Subscription
from domain.calendar import local_day, month_of
from services.accounts import AccountNow
from services.invoices import schedule_close


async def note(session: AsyncSession, account: AccountNow, *, day: date, is_reopened: bool = False) -> None:
    """Note that a fact of a day is known now; of a subscription that has ended, one more invoice will fall due.

    `is_reopened` tells that what was billed for the day is not any more, be it of the running period.
    """
    await usage_queries.mark_late(session, account_id=account.id, day=day, is_reopened=is_reopened)
    for row in await queries.ended_after(session, account_id=account.id, day=day):
        if row.ended_at is None or local_day(row.ended_at, account.zone) <= day:
            continue
        if local_day(row.started_at, account.zone) <= day:
            await _invoice_once_more(session, account, row, day=day)


async def _invoice_once_more(
    session: AsyncSession, account: AccountNow, row: Subscription, *, day: date
) -> None:
    """Let an ended subscription fall due once more, on its next anchor day."""
    today = local_day(account.now, account.zone)
    if row.dirty_from is None:
        row.period_end = month_of(row.anchor_on, today).end
    row.dirty_from = min(day, row.dirty_from or day)
    await schedule_close(session, account, row)

"""Renewal reminders (section 7): sixty, thirty and seven days before a yearly term renews, with what it will cost."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import duework
from adapters.queries.duework import Due
from adapters.spans import traced
from adapters.tables.subscriptions import Subscription
from domain.billing import at_moment
from domain.calendar import Period, local_day, opening, show_day
from domain.invoicing import next_lines, total
from domain.money import show_cents
from domain.phases import Phase, PhaseKind
from domain.sections import Section
from domain.yearly import next_reminder
from services import histories
from services.accounts import AccountNow
from services.histories import Running
from services.notifications import Notice, NoticeKind, tell


async def schedule(
    session: AsyncSession, account: AccountNow, row: Subscription, phase: Phase, *, after: date
) -> None:
    """Make the next reminder of a yearly subscription fall due."""
    due_at = opening(next_reminder(phase, after), account.zone)
    await session.flush()
    await duework.schedule(session, [Due(account.id, "REMINDER", row.id, due_at)])


@traced
async def remind(session: AsyncSession, account: AccountNow, due: Due) -> None:
    """Announce the renewal that is near, and wait for the next one; one that was cancelled is not announced."""
    row = await histories.running_row(session, account)
    if row is None or row.id != due.subject_id or row.billing != PhaseKind.YEARLY:
        await duework.unschedule(
            session, account_id=account.id, subject_id=due.subject_id, kinds=["REMINDER"]
        )
        return
    running = (await histories.load(session, [account], [row]))[account.id]
    now = at_moment(running.history, account.now)
    if now is None:
        return
    today = local_day(account.now, account.zone)
    if row.ends_on is None:
        await tell(session, [_notice(account, running, now.phase.term_of(today))])
    await schedule(session, account, row, now.phase, after=today)


def _notice(account: AccountNow, running: Running, term: Period) -> Notice:
    lines = next_lines(running.history, running.loaded.billed, on=term.end, since=running.loaded.since)
    ahead = [line for line in lines if line.section is Section.SUBSCRIPTION]
    return Notice(
        account,
        None,
        NoticeKind.RENEWAL_REMINDER,
        title=f"{account.row.name}: the yearly subscription renews on {show_day(term.end)}",
        body=(
            f"It renews on {show_day(term.end)} for {show_cents(total(ahead))}, as things stand: "
            f"{'; '.join(line.explanation for line in ahead)}. "
            "Until then you can set fewer seats, another plan or monthly payment for the renewal, or cancel."
        ),
        facts={
            "date": show_day(term.end),
            "amount": show_cents(total(ahead)),
            "lines": "\n".join(line.explanation for line in ahead),
        },
    )

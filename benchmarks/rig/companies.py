"""Companies to bill: one is made by the use cases, month by month, and the others are copies of its rows.

Every key begins with the account, so a copy differs from its original in that alone; subscriptions take the new account's
id for their own as well, because a few reads are by subscription.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from adapters.ids import new_id
from adapters.tables import metadata
from benchmarks.rig.installation import Pool, Store
from domain.calendar import add_months
from domain.permissions import Role
from domain.pricebook import Channel, Metric, Plan
from domain.seats import SeatType
from services import accounts, seats, subscriptions, workspaces
from services.callers import Caller, CallerKind

DAILY_UNITS = {
    Metric.MESSAGES_SENT: 90,
    Metric.BULK_EMAIL: 900,
    Metric.SMS_SEGMENT: 40,
    Metric.WHATSAPP_SENT: 30,
    Metric.PHONE_MINUTE: 25,
    Metric.FIN_RESOLUTION: 12,
}
"""Enough of each metric to be billed every month."""

_DAYS = """
    INSERT INTO usage_days (account_id, workspace_id, metric, day, channel, units, events)
    SELECT $1, $2, metric, day, channel, units, units
    FROM unnest($3::text[], $4::text[], $5::bigint[]) AS daily (metric, channel, units),
        generate_series($6::date, $7::date, '1 day') AS day
"""


NOBODY = Caller(kind=CallerKind.SYSTEM, id="rig")


async def make_company(store: Store, *, started_at: datetime, months: int) -> UUID:
    """Make a company that started then and hires a teammate each month, with its usage of every day; give its id."""
    async with store.sessions.begin() as session:
        row = await accounts.create_account(
            session, name="Acme", time_zone_name="UTC", test_clock_id=None, wall=started_at
        )
        account = await accounts.lock_account(session, account_id=row.account_id, wall=started_at)
        desk = await workspaces.create_workspace(
            session, account, name="Desk", creator_name="Ada", creator_email="ada@acme.test"
        )
        await subscriptions.start(session, account, plan=Plan.ADVANCED, is_psp=True)
        for month in range(months):
            middle = account_day(started_at, months=month) + timedelta(days=14)
            later = replace(account, now=middle)
            invited = await seats.invite(
                session,
                later,
                workspace_id=desk.id,
                name=f"Teammate {month}",
                email=f"teammate{month}@acme.test",
                seat=SeatType.FULL,
                role=Role.MEMBER,
                by=NOBODY,
            )
            await seats.accept(session, later, teammate_id=invited.id)
    daily = [(metric.value, "", units) for metric, units in DAILY_UNITS.items()]
    daily[0] = (Metric.MESSAGES_SENT.value, Channel.POST.value, DAILY_UNITS[Metric.MESSAGES_SENT])
    last = account_day(started_at, months=months) - timedelta(days=1)
    await store.pool.execute(
        _DAYS, account.id, desk.id, *map(list, zip(*daily, strict=True)), started_at.date(), last.date()
    )
    return account.id


def account_day(started_at: datetime, *, months: int) -> datetime:
    """Give the moment at which a period of the company begins, some months after it started."""
    return datetime.combine(add_months(started_at.date(), months), started_at.timetz())


async def copy_company(pool: Pool, original: UUID, *, times: int) -> list[UUID]:
    """Copy an account with all its rows; give the ids of the copies.

    Triggers and foreign keys are not asked: the original's rows have passed them.
    """
    copies = [new_id() for _ in range(times)]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns]
            if "account_id" not in names or table.name == "api_keys":
                continue
            own = {"account_id": "copy", "subscription_id": "copy"}
            if table.name == "subscriptions":
                own["id"] = "copy"
            if table.name == "due_work":
                own["subject_id"] = "CASE kind WHEN 'CLOSE' THEN copy ELSE subject_id END"
            values = ", ".join(own.get(name, f'"{name}"') for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            await connection.execute(
                f"INSERT INTO {table.name} ({columns}) SELECT {values}"  # noqa: S608  names of our own tables
                f" FROM {table.name}, unnest($2::uuid[]) AS copy WHERE account_id = $1",
                original,
                copies,
            )
    await pool.execute("VACUUM ANALYZE")
    return copies

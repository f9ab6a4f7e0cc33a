"""Billing accounts: opening one, and holding one still, with the time on its clock, while a change is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import accounts as queries
from adapters.spans import traced
from adapters.tables.accounts import Account
from domain.calendar import time_zone
from domain.refusal import Refusal


@dataclass(eq=False)
class UnknownAccount(Refusal):
    """No billing account of the caller has the id."""

    template = "No billing account has this id; accounts of others look the same as none."


@dataclass(eq=False)
class UnknownTestClock(Refusal):
    """No test clock has the id."""

    template = "No test clock has this id."


@dataclass(frozen=True, slots=True)
class AccountNow:
    """An account with the time on its clock: the wall's, or that of its test clock."""

    row: Account
    now: datetime
    zone: ZoneInfo

    @property
    def id(self) -> UUID:
        """The account's id, which leads every key of its data."""
        return self.row.account_id

    def next_position(self) -> int:
        """Take the next place in the account's record of facts; the account must be locked."""
        taken = self.row.next_position
        self.row.next_position = taken + 1
        return taken


async def create_account(
    session: AsyncSession, *, name: str, time_zone_name: str, test_clock_id: UUID | None, wall: datetime
) -> Account:
    """Open a billing account (section 1); raises UnknownTimeZone, UnknownTestClock."""
    zone = time_zone(time_zone_name)
    now = await clock_time(session, test_clock_id, wall=wall)

    account = Account(
        account_id=new_id(),
        name=name,
        time_zone=zone.key,
        test_clock_id=test_clock_id,
        created_at=now,
    )

    session.add(account)
    await session.flush()
    return account


@traced
async def lock_account(
    session: AsyncSession, *, account_id: UUID, wall: datetime, unknown: type[Refusal] = UnknownAccount
) -> AccountNow:
    """Lock an account and read its clock; raises `unknown`, the refusal for the thing that led to the account."""
    row = await queries.lock(session, account_id)
    return await _at_its_time(session, row, wall=wall, unknown=unknown)


@traced
async def lock_accounts(
    session: AsyncSession, *, account_ids: Iterable[UUID], wall: datetime
) -> list[AccountNow]:
    """Lock many accounts and read their clocks, leaving out those that another transaction holds."""
    rows = await queries.lock_many(session, account_ids)
    return list((await accounts_now(session, rows, wall=wall)).values())


@traced
async def read_account(
    session: AsyncSession, *, account_id: UUID, wall: datetime, unknown: type[Refusal] = UnknownAccount
) -> AccountNow:
    """Give an account and the time on its clock without locking; raises `unknown`, as `lock_account` does."""
    row = await queries.find(session, account_id)
    return await _at_its_time(session, row, wall=wall, unknown=unknown)


async def clock_time(session: AsyncSession, test_clock_id: UUID | None, *, wall: datetime) -> datetime:
    """Give the time on a test clock, or the wall's; raises UnknownTestClock."""
    if test_clock_id is None:
        return wall
    found = await queries.clocks(session, [test_clock_id])
    if test_clock_id not in found:
        raise UnknownTestClock
    return found[test_clock_id].now_at


async def accounts_now(
    session: AsyncSession, rows: Mapping[UUID, Account], *, wall: datetime
) -> dict[UUID, AccountNow]:
    """Give accounts with the times on their clocks, in one read."""
    clocks = await queries.clocks(session, {row.test_clock_id for row in rows.values() if row.test_clock_id})
    return {
        account_id: AccountNow(
            row, clocks[row.test_clock_id].now_at if row.test_clock_id else wall, time_zone(row.time_zone)
        )
        for account_id, row in rows.items()
    }


async def _at_its_time(
    session: AsyncSession, row: Account | None, *, wall: datetime, unknown: type[Refusal]
) -> AccountNow:
    if row is None:
        raise unknown
    return (await accounts_now(session, {row.account_id: row}, wall=wall))[row.account_id]

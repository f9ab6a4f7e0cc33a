"""Small companies on real servers, driven through the services the way the API drives them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.gateway.protocol import Gateway
from adapters.tables.invoices import Invoice
from domain.events import SentEvent
from domain.permissions import Role
from domain.pricebook import Metric, Plan
from domain.seats import SeatType
from services import accounts, paymentmethods, seats, subscriptions, testclocks, usage, workspaces
from services.accounts import AccountNow
from services.callers import Caller, CallerKind
from services.usage import EventStatus, Outcome
from workers import payment_retries, period_close
from workers.tools import Tools

NOBODY = Caller(kind=CallerKind.SYSTEM, id="world")
NUMBERS = count(1)


def moment(day: str, hour: int = 12) -> datetime:
    """Give a moment of a day, `2026-09-01`, in UTC."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=hour)


@dataclass(frozen=True, slots=True)
class Company:
    """A billing account with one workspace, whose creator holds a full seat."""

    account_id: UUID
    workspace_id: UUID
    clock_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What a test does to companies. `wall` is the moment on the wall; companies on a test clock do not look at it."""

    sessions: async_sessionmaker[AsyncSession]
    gateway: Gateway
    wall: datetime

    @property
    def tools(self) -> Tools:
        """What the worker's jobs are given."""
        return Tools(self.sessions, self.gateway)

    def at(self, wall: datetime) -> World:
        """Give the same world at another moment."""
        return replace(self, wall=wall)

    async def clock(self) -> UUID:
        """Make a test clock that stands at the moment on the wall."""
        async with self.sessions.begin() as session:
            return (await testclocks.create_clock(session, name="Ahead", now_at=self.wall, wall=self.wall)).id

    async def company(
        self, *, clock_id: UUID | None = None, token: str | None = None, zone: str = "UTC"
    ) -> Company:
        """Open an account with a workspace and, with a token, a payment method."""
        name = f"Company {next(NUMBERS)}"
        async with self.sessions.begin() as session:
            row = await accounts.create_account(
                session, name=name, time_zone_name=zone, test_clock_id=clock_id, wall=self.wall
            )
            account = await accounts.lock_account(session, account_id=row.account_id, wall=self.wall)
            desk = await workspaces.create_workspace(
                session, account, name="Desk", creator_name="Ada", creator_email="ada@acme.test"
            )
            company = Company(row.account_id, desk.id, clock_id)
        if token:
            await self.give_card(company, token)
        return company

    async def give_card(self, company: Company, token: str) -> None:
        """Store a payment method."""
        attached = await paymentmethods.attach(
            self.sessions, self.gateway, account_id=company.account_id, token=token, wall=self.wall
        )
        async with self.sessions.begin() as session:
            await paymentmethods.keep(session, attached, account_id=company.account_id, wall=self.wall)

    @asynccontextmanager
    async def locked(self, company: Company) -> AsyncIterator[tuple[AsyncSession, AccountNow]]:
        """Open a transaction that holds the account, as every change to a bill does."""
        async with self.sessions.begin() as session:
            yield (
                session,
                await accounts.lock_account(session, account_id=company.account_id, wall=self.wall),
            )

    async def start(
        self, company: Company, *, plan: Plan = Plan.ESSENTIAL, is_psp: bool = False
    ) -> list[Invoice]:
        """Start a paid subscription."""
        async with self.locked(company) as (session, account):
            return (await subscriptions.start(session, account, plan=plan, is_psp=is_psp))[1]

    async def customer(self, *, token: str | None = "tok_visa", **terms: Any) -> Company:
        """Open an account and start its subscription now."""
        company = await self.company(token=token)
        await self.start(company, **terms)
        return company

    async def invite(self, company: Company, *, seat: SeatType = SeatType.FULL) -> UUID:
        """Invite somebody new."""
        number = next(NUMBERS)
        async with self.locked(company) as (session, account):
            teammate = await seats.invite(
                session,
                account,
                workspace_id=company.workspace_id,
                name=f"Teammate {number}",
                email=f"t{number}@acme.test",
                seat=seat,
                role=Role.MEMBER,
                by=NOBODY,
            )
            return teammate.id

    async def accept(self, company: Company, teammate_id: UUID) -> None:
        """Accept an invite."""
        async with self.locked(company) as (session, account):
            await seats.accept(session, account, teammate_id=teammate_id)

    async def hire(self, company: Company, number: int, *, seat: SeatType = SeatType.FULL) -> list[UUID]:
        """Invite and accept that many teammates."""
        hired = [await self.invite(company, seat=seat) for _ in range(number)]
        for teammate_id in hired:
            await self.accept(company, teammate_id)
        return hired

    async def remove(self, company: Company, teammate_id: UUID) -> None:
        """Remove a teammate."""
        async with self.locked(company) as (session, account):
            await seats.remove(session, account, teammate_id=teammate_id, by=NOBODY)

    async def send(self, company: Company, events: Sequence[SentEvent]) -> list[Outcome]:
        """Record usage as the API does: without the account's lock."""
        async with self.sessions.begin() as session:
            account = await accounts.read_account(session, account_id=company.account_id, wall=self.wall)
            return await usage.record(session, account, workspace_id=company.workspace_id, events=events)

    async def use(self, company: Company, quantity: int, *, at: datetime) -> str:
        """Record one event of text messages, which must be accepted, and give its id."""
        event = sms(quantity, at=at)
        outcomes = await self.send(company, [event])
        assert [outcome.status for outcome in outcomes] == [EventStatus.ACCEPTED], outcomes
        return event.event_id

    async def take_back(self, company: Company, event_id: str) -> None:
        """Take a usage event back."""
        async with self.sessions.begin() as session:
            account = await accounts.read_account(session, account_id=company.account_id, wall=self.wall)
            await usage.take_back(
                session, account, workspace_id=company.workspace_id, event_id=event_id, reason="wrong"
            )

    async def advance(self, clock_id: UUID, to: datetime) -> None:
        """Advance a test clock."""
        await testclocks.advance(self.sessions, self.gateway, clock_id=clock_id, to=to, wall=self.wall)

    async def work(self) -> None:
        """Do what a worker's tick does, at the moment on the wall."""
        tools, wall = self.tools, self.wall
        await period_close.finish_advances(tools, wall=wall)
        await period_close.end_trials(tools, wall=wall)
        await period_close.close_periods(tools, wall=wall)
        await payment_retries.collect(tools, wall=wall)
        await payment_retries.freeze(tools, wall=wall)
        await payment_retries.pay_back(tools, wall=wall)

    async def run(self, sql: str, **values: object) -> Sequence[Row[Any]]:
        """Run SQL, and give its rows if it has any."""
        async with self.sessions.begin() as session:
            result = await session.execute(text(sql), values)
            return result.all() if result.returns_rows else []  # type: ignore[attr-defined]

    async def row(self, sql: str, **values: object) -> Row[Any]:
        """Run SQL and give the one row it has."""
        (found,) = await self.run(sql, **values)
        return found

    async def value(self, sql: str, **values: object) -> Any:
        """Run SQL and give the one value it has."""
        return (await self.row(sql, **values))[0]

    async def expire_leases(self) -> None:
        """Let time pass for everything that a process took and did not give back."""
        await self.run(
            "UPDATE due_work SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"
        )
        await self.run(
            "UPDATE test_clocks SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"
        )

    async def invoices(self, company: Company) -> Sequence[Row[Any]]:
        """Give the invoices of a company by number."""
        return await self.run(
            "SELECT * FROM invoices WHERE account_id = :account ORDER BY number", account=company.account_id
        )

    async def credit(self, company: Company) -> int:
        """Give the balance by the ledger, in cents."""
        return int(
            await self.value(
                "SELECT coalesce(-sum(amount_cents), 0) FROM ledger_entries "
                "WHERE account_id = :account AND ledger_account = 'CREDIT'",
                account=company.account_id,
            )
        )


def sms(quantity: int, *, at: datetime, event_id: str | None = None) -> SentEvent:
    """Make a usage event of text message segments; the first 500 of a month cost six cents each."""
    name = event_id or f"sms-{next(NUMBERS)}"
    return SentEvent(event_id=name, metric=Metric.SMS_SEGMENT, quantity=quantity, at=at.isoformat())

"""The dated facts of many subscriptions in five set reads, ready for the rules, with what was billed for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.facts import fact_of
from adapters.seatfacts import seat_facts
from adapters.tables.subscriptions import Subscription, SubscriptionFact
from adapters.tables.teammates import SeatChange
from domain.calendar import Period
from domain.charges import History
from domain.facts import Fact
from domain.folding import phases
from domain.invoicing import Billed
from domain.phases import Phase, PhaseKind
from domain.pricebook import Metric, PriceBook
from domain.seats import SeatChange as SeatFact
from domain.sections import Section


@dataclass(frozen=True, slots=True)
class Loaded:
    """A subscription's history and what was billed for periods beginning no earlier than `since`."""

    history: History
    billed: Mapping[str, Billed]
    since: date


_USAGE = text("""
    SELECT d.account_id, d.metric, period.opens, sum(d.units)::bigint AS units
    FROM unnest(:accounts, :starts, :ends) AS period (account_id, opens, closes)
    JOIN usage_days d ON d.account_id = period.account_id AND d.day >= period.opens AND d.day < period.closes
    GROUP BY d.account_id, d.metric, period.opens
""").bindparams(
    bindparam("accounts", type_=ARRAY(PG_UUID)),
    bindparam("starts", type_=ARRAY(DATE)),
    bindparam("ends", type_=ARRAY(DATE)),
)

_BILLED = text("""
    SELECT DISTINCT ON (l.account_id, l.key)
           l.account_id, l.key, l.section, l.description, l.change_key,
           l.period_start, l.period_end, l.service_start, l.service_end,
           (sum(l.amount_cents) OVER (PARTITION BY l.account_id, l.key))::bigint AS amount
    FROM unnest(:accounts, :subscriptions, :sinces) AS wanted(account_id, subscription_id, since)
    JOIN invoice_lines l ON l.account_id = wanted.account_id AND l.subscription_id = wanted.subscription_id
                        AND l.period_start >= wanted.since
    JOIN invoices i ON i.account_id = l.account_id AND i.id = l.invoice_id AND i.status <> 'VOID'
    ORDER BY l.account_id, l.key, i.number
""").bindparams(
    bindparam("accounts", type_=ARRAY(PG_UUID)),
    bindparam("subscriptions", type_=ARRAY(PG_UUID)),
    bindparam("sinces", type_=ARRAY(DATE)),
)


async def load(
    session: AsyncSession,
    subscriptions: Sequence[Subscription],
    *,
    zones: Mapping[UUID, ZoneInfo],
    books: Mapping[int, PriceBook],
    since: Mapping[UUID, date],
    through: Mapping[UUID, date],
) -> dict[UUID, Loaded]:
    """Load subscriptions, at most one of each account, by account; `since` bounds usage and billed lines.

    Usage is read up to `through` and given as totals of whole billing periods, each on its first day.
    """
    accounts = [row.account_id for row in subscriptions]
    ids = [row.id for row in subscriptions]
    subscription_of = {row.account_id: row.id for row in subscriptions}
    sinces = [since[row.account_id] for row in subscriptions]
    stated = await facts(session, subscriptions)
    seats = await seat_changes(session, accounts)
    paid = {
        account_id: _usage_periods(
            phases(stated[subscription_of[account_id]], zones[account_id], books),
            since=since[account_id],
            through=through[account_id],
        )
        for account_id in accounts
    }
    usage = await _usage(session, paid)
    billed: dict[UUID, dict[str, Billed]] = defaultdict(dict)
    parameters = {"accounts": accounts, "subscriptions": ids, "sinces": sinces}
    for row in await session.execute(_BILLED, parameters):
        billed[row.account_id][row.key] = _billed(row)
    return {
        account_id: Loaded(
            History(
                zone=zones[account_id],
                facts=tuple(stated[subscription_of[account_id]]),
                seat_changes=tuple(seats[account_id]),
                usage=usage[account_id],
                books=books,
            ),
            billed[account_id],
            since[account_id],
        )
        for account_id in accounts
    }


async def facts(session: AsyncSession, subscriptions: Sequence[Subscription]) -> dict[UUID, list[Fact]]:
    """Give the facts of subscriptions in the order they were recorded, by subscription."""
    query = (
        select(SubscriptionFact)
        .where(
            col(SubscriptionFact.account_id).in_([row.account_id for row in subscriptions]),
            col(SubscriptionFact.subscription_id).in_([row.id for row in subscriptions]),
        )
        .order_by(col(SubscriptionFact.position))
    )
    found: dict[UUID, list[Fact]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.subscription_id].append(fact_of(row))
    return found


async def seat_changes(
    session: AsyncSession, accounts: Iterable[UUID], *, workspace_id: UUID | None = None
) -> dict[UUID, list[SeatFact]]:
    """Give the seat changes of accounts, or of one workspace of theirs, by account."""
    query = select(
        col(SeatChange.account_id),
        col(SeatChange.teammate_id),
        col(SeatChange.seat),
        col(SeatChange.at),
        col(SeatChange.position),
        col(SeatChange.corrects),
    ).where(col(SeatChange.account_id).in_(list(accounts)))
    if workspace_id is not None:
        query = query.where(col(SeatChange.workspace_id) == workspace_id)
    stored: dict[UUID, list[Any]] = defaultdict(list)
    for row in await session.execute(query):
        stored[row.account_id].append(row)
    return defaultdict(list, {account_id: seat_facts(rows) for account_id, rows in stored.items()})


async def _usage(
    session: AsyncSession, periods: Mapping[UUID, Iterable[Period]]
) -> dict[UUID, dict[tuple[Metric, date], int]]:
    """Give the units of each usage period, on its first day.

    A close needs no single day, and a company has a hundred and eighty a month.
    """
    wanted = [(account_id, period.start, period.end) for account_id, own in periods.items() for period in own]
    found: dict[UUID, dict[tuple[Metric, date], int]] = defaultdict(dict)
    if wanted:
        accounts, starts, ends = map(list, zip(*wanted, strict=True))
        for row in await session.execute(_USAGE, {"accounts": accounts, "starts": starts, "ends": ends}):
            found[row.account_id][Metric(row.metric), row.opens] = row.units
    return found


def _usage_periods(found: Iterable[Phase], *, since: date, through: date) -> list[Period]:
    """Give the usage periods of the paid phases that begin no earlier than `since` and before `through`."""
    periods = [
        phase.within(month)
        for phase in found
        if phase.kind is not PhaseKind.TRIAL
        for month in phase.months(through)
    ]
    return [period for period in periods if since <= period.start < through]


def _billed(row: Row[tuple[object, ...]]) -> Billed:
    return Billed(
        section=Section(row.section),
        description=row.description,
        period=Period(row.period_start, row.period_end),
        service=Period(row.service_start, row.service_end),
        amount=row.amount,
        change=row.change_key,
    )

"""Loading a subscription's dated facts for a decision, and appending new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.facts import kind_of, payload_of
from adapters.queries import histories as queries
from adapters.queries import subscriptions as subscription_queries
from adapters.spans import traced
from adapters.tables.subscriptions import Subscription, SubscriptionFact
from domain.billing import look_back
from domain.calendar import local_day, month_of
from domain.charges import History
from domain.facts import Fact
from domain.folding import phases
from domain.phases import Phase
from domain.refusal import Refusal
from services.accounts import AccountNow


@dataclass(eq=False)
class NoSubscription(Refusal):
    """The account has no running subscription."""

    template = "The account has no running subscription; start one first."


@dataclass(frozen=True, slots=True)
class Running:
    """An account's subscription with its facts and what was billed for them, back to `loaded.since`."""

    row: Subscription
    loaded: queries.Loaded

    @property
    def history(self) -> History:
        """The facts the rules decide on."""
        return self.loaded.history


@traced
async def load(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    rows: Sequence[Subscription],
    *,
    through: Mapping[UUID, date] | None = None,
    whole: bool = False,
) -> dict[UUID, Running]:
    """Load the subscriptions of accounts by account; usage and billed lines only as far back as can still matter.

    Of usage there are totals by billing period, up to the date in `through`, or to the end of the period that runs today.
    `whole` loads all from the beginning.
    """
    zones = {account.id: account.zone for account in accounts}
    versions = {row.price_book_version for row in rows}
    books = await pricebooks.books_of(session, versions)
    since = {row.account_id: date.min if whole else _look_back(row) for row in rows}
    ends = through or {
        account.id: _end_of_today(account, row) for account, row in zip(accounts, rows, strict=True)
    }
    loaded = await queries.load(session, rows, zones=zones, books=books, since=since, through=ends)
    return {row.account_id: Running(row, loaded[row.account_id]) for row in rows}


async def running_row(session: AsyncSession, account: AccountNow) -> Subscription | None:
    """Give the account's running subscription."""
    return (await subscription_queries.live(session, [account.id])).get(account.id)


async def running(session: AsyncSession, account: AccountNow) -> Running:
    """Load the account's running subscription; raises NoSubscription."""
    row = await running_row(session, account)
    if row is None:
        raise NoSubscription
    return (await load(session, [account], [row]))[account.id]


async def phases_of(
    session: AsyncSession, accounts: Sequence[AccountNow], rows: Sequence[Subscription]
) -> dict[UUID, tuple[Phase, ...]]:
    """Fold the facts alone of subscriptions of accounts into phases, for decisions that need no seats and no usage."""
    zones = {account.id: account.zone for account in accounts}
    facts = await queries.facts(session, rows)
    books = await pricebooks.books_of(session, {row.price_book_version for row in rows})
    return {row.id: phases(facts[row.id], zones[row.account_id], books) for row in rows}


async def append(session: AsyncSession, account: AccountNow, row: Subscription, fact: Fact) -> Fact:
    """Append a fact to a subscription under the account's lock and give it back with its place in the record."""
    placed = replace(fact, order=account.next_position())
    session.add(
        SubscriptionFact(
            account_id=account.id,
            subscription_id=row.id,
            position=placed.order,
            kind=kind_of(placed),
            at=placed.at,
            recorded_at=account.now,
            payload=payload_of(placed),
        )
    )
    await session.flush()
    return placed


def _look_back(row: Subscription) -> date:
    return look_back(
        anchor=row.anchor_on,
        period_start=row.period_start,
        billing_months=row.billing_months,
        dirty_from=row.dirty_from,
    )


def _end_of_today(account: AccountNow, row: Subscription) -> date:
    """Give the end of the period that runs: a late close may have left the subscription's own behind."""
    today = max(local_day(account.now, account.zone), row.anchor_on)
    return max(row.period_end, month_of(row.anchor_on, today).end)

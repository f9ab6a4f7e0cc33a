"""Subscriptions (sections 6, 7, 8 and 10): what an account pays for, as it stands and as a change leaves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import strawberry

from api.changes import Change, make
from api.context import Info
from api.enumerated import enumerated
from api.enums import Metric, PhaseKind, Plan, SeatType
from api.invoices import Invoice, invoice
from api.nodes import Node, node_id
from api.periods import Period, period
from api.scalars import BigInt, Money, UnitPrice, money
from api.upcoming import UpcomingInvoice, upcoming_invoice
from domain.commitments import commitment_price, seat_price
from services import previews
from services.accounts import read_account
from services.histories import NoSubscription
from services.previews import Overview


@enumerated(
    "Where a running subscription stands.",
    TRIAL="It is free and becomes paid, or ends with the trial.",
    ACTIVE="It is paid for.",
)
class SubscriptionStatus(StrEnum):
    """Where a running subscription stands."""

    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"


@strawberry.type(description="Proactive Support Plus: the add-on that Messages Sent needs.")
class PspAddOn:
    """The add-on as it stands."""

    added_at: datetime = strawberry.field(description="Since when it is active.")
    ends_on: date | None = strawberry.field(
        description="The day its access ends after a removal; null while it goes on."
    )


@strawberry.type(description="What is set to change as a yearly term renews; what is null stays.")
class RenewalChanges:
    """A schedule for the renewal."""

    renews_on: date = strawberry.field(description="The date of the renewal.")
    seats: int | None = strawberry.field(description="Seats to purchase then.")
    plan: Plan | None = strawberry.field(description="The plan then.")
    psp: bool | None = strawberry.field(description="Whether Proactive Support Plus goes on.")
    monthly: bool = strawberry.field(description="Whether it is paid monthly from then on.")


@strawberry.type(description="Usage committed to.")
class CommittedUsage:
    """A commitment of a contract."""

    metric: Metric = strawberry.field(description="The metric.")
    units: BigInt = strawberry.field(description="Units a month.")
    monthly_price: UnitPrice = strawberry.field(description="Price a month, in dollars.")


@strawberry.type(description="What a contract commits to.")
class Contract:
    """The terms in force."""

    months: int = strawberry.field(
        description="Its length in months; it renews for as long unless it was ended."
    )
    billing_months: int = strawberry.field(description="Months billed ahead at a time: 1, 3 or 12.")
    seats: int = strawberry.field(description="Committed full seats.")
    seat_price: UnitPrice = strawberry.field(description="Price of a committed seat a month, in dollars.")
    usage: list[CommittedUsage] = strawberry.field(description="Committed usage.")
    psp_from: date | None = strawberry.field(description="Since when it has Proactive Support Plus.")
    psp_until: date | None = strawberry.field(description="Until when, exclusive; null for the whole term.")


@strawberry.type(description="An account's running subscription.")
class Subscription(Node):
    """A subscription."""

    status: SubscriptionStatus = strawberry.field(description="Whether it is a trial.")
    plan: Plan = strawberry.field(description="The plan in force.")
    psp: PspAddOn | None = strawberry.field(description="Proactive Support Plus, while it is active.")
    price_book_version: int = strawberry.field(description="The price book it was signed under.")
    started_at: datetime = strawberry.field(description="When it started.")
    anchor_on: date = strawberry.field(description="The date whose day of the month its periods begin on.")
    current_period: Period = strawberry.field(description="The period that runs; a trial is one period.")
    run_rate: Money = strawberry.field(
        description="What is subscribed to now, for a full period: seats and add-on."
    )
    next_invoice: UpcomingInvoice | None = strawberry.field(
        description="The next invoice if nothing more happens; null if there will be none: a trial that will not become paid, or an end with nothing left to bill."
    )
    lite_seats_included: int = strawberry.field(description="Lite seats the plan includes.")
    billing: PhaseKind = strawberry.field(description="How it is billed.")
    term: Period = strawberry.field(
        description="What is paid or signed for: a month, a year, or a contract's length."
    )
    ends_on: date | None = strawberry.field(
        description="The date it ends, once it is cancelled or not renewed."
    )
    purchased_seats: int | None = strawberry.field(
        description="Seats bought for the year; null unless paid yearly."
    )
    renewal: RenewalChanges | None = strawberry.field(
        description="What is set to change as the yearly term renews."
    )
    contract: Contract | None = strawberry.field(description="What was signed, while it is a contract.")
    as_of: datetime = strawberry.field(description="The moment this is true of.")
    account_key: strawberry.Private[UUID]

    @strawberry.field(
        description=(
            "The next invoice if usage goes on as it has: each metric's total x days of the period / days begun; "
            "seats and the rest as they are. Null in a trial."
        )
    )
    async def forecast(self, info: Info) -> UpcomingInvoice | None:
        """Forecast the next invoice."""
        async with info.context.sessions() as session:
            account = await read_account(session, account_id=self.account_key, wall=info.context.wall)
            found = await previews.forecast(session, account)
        return upcoming_invoice(found)

    @strawberry.field(description="Full seats held now; at least one is billed.")
    async def full_seats_held(self, info: Info) -> int:
        """Count full seats."""
        return (await info.context.loaders.seats_held.load(self.account_key) or {}).get(SeatType.FULL, 0)

    @strawberry.field(description="Lite seats held now.")
    async def lite_seats_held(self, info: Info) -> int:
        """Count lite seats."""
        return (await info.context.loaders.seats_held.load(self.account_key) or {}).get(SeatType.LITE, 0)


def subscription(overview: Overview) -> Subscription:
    """Show a running subscription."""
    row, psp = overview.row, overview.psp
    return Subscription(
        id=node_id("Subscription", row.account_id, row.id),
        status=SubscriptionStatus(row.status),
        plan=overview.plan,
        psp=PspAddOn(added_at=psp.added[0], ends_on=psp.until) if psp else None,
        price_book_version=overview.phase.book.version,
        started_at=row.started_at,
        anchor_on=row.anchor_on,
        current_period=period(overview.period),
        run_rate=money(overview.run_rate),
        next_invoice=upcoming_invoice(overview.next_invoice),
        lite_seats_included=overview.lite_seats_included,
        billing=overview.phase.kind,
        term=period(overview.term),
        ends_on=row.ends_on,
        purchased_seats=overview.phase.purchases[-1][1] if overview.phase.purchases else None,
        renewal=_renewal(overview),
        contract=_contract(overview),
        as_of=overview.as_of,
        account_key=row.account_id,
    )


def _renewal(overview: Overview) -> RenewalChanges | None:
    wanted = overview.renewal
    if wanted is None or wanted == replace(wanted, seats=None, plan=None, is_psp=None, is_monthly=False):
        return None
    return RenewalChanges(
        renews_on=overview.term.end,
        seats=wanted.seats,
        plan=wanted.plan,
        psp=wanted.is_psp,
        monthly=wanted.is_monthly,
    )


def _contract(overview: Overview) -> Contract | None:
    phase = overview.phase
    if not phase.terms:
        return None
    terms = phase.terms[-1][1]
    return Contract(
        months=terms.months,
        billing_months=terms.billing_months,
        seats=terms.seats,
        seat_price=UnitPrice(seat_price(phase, terms)),
        usage=[
            CommittedUsage(
                metric=one.metric,
                units=BigInt(one.units),
                monthly_price=UnitPrice(commitment_price(phase, one)),
            )
            for one in terms.usage
        ],
        psp_from=terms.psp_from,
        psp_until=terms.psp_until,
    )


async def changed(info: Info, change: Change, *, token: str | None) -> tuple[Subscription, list[Invoice]]:
    """Make a change, and show the subscription and the invoices it issued as they are then."""
    _, issued = await make(info, change, token=token)
    overview = await info.context.loaders.overviews.load(change.account_id)
    if overview is None:
        raise NoSubscription
    return subscription(overview), [invoice(row) for row in issued]


def first(issued: list[Invoice]) -> Invoice | None:
    """Give the one invoice a change issued, if it did."""
    return issued[0] if issued else None

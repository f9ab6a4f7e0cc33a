"""Subscriptions (sections 6 and 10): what an account pays for, and the mutations that change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.tables import invoices as tables
from api.context import Info
from api.enums import Plan, SeatType
from api.invoices import Invoice, UpcomingInvoice, invoice, upcoming_invoice
from api.nodes import Node, must_reach, node_id
from api.periods import Period, period
from api.results import mutation
from api.scalars import Money, money
from domain.seats import TooManyLiteSeats
from domain.subscriptions import (
    AlreadyOnPlan,
    NotInTrial,
    PspAlreadyActive,
    PspNotActive,
    TrialExtendedAlready,
    TrialRunning,
)
from services import subscriptions
from services.accounts import AccountNow, UnknownAccount, lock_account
from services.histories import NoSubscription
from services.previews import Overview
from services.subscriptions import AlreadySubscribed, NoWorkspace

R = TypeVar("R")


@strawberry.enum(description="How a running subscription is billed.")
class SubscriptionStatus(StrEnum):
    """Where a running subscription stands."""

    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"


@strawberry.enum(description="When a trial becomes a paid subscription.")
class ConvertWhen(StrEnum):
    """When a trial becomes paid."""

    NOW = "NOW"
    AT_TRIAL_END = "AT_TRIAL_END"


@strawberry.type(description="Proactive Support Plus: the add-on that Messages Sent needs.")
class PspAddOn:
    """The add-on as it stands."""

    added_at: datetime = strawberry.field(description="Since when it is active.")
    ends_on: date | None = strawberry.field(
        description="The day its access ends after a removal; null while it goes on."
    )


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
        description="The next invoice if nothing more happens; null for a trial that will not become paid."
    )
    lite_seats_included: int = strawberry.field(description="Lite seats the plan includes.")
    account_key: strawberry.Private[UUID]

    @strawberry.field(description="Full seats held now; at least one is billed.")
    async def full_seats_held(self, info: Info) -> int:
        """Count full seats."""
        return (await info.context.loaders.seats_held.load(self.account_key) or {}).get(SeatType.FULL, 0)

    @strawberry.field(description="Lite seats held now.")
    async def lite_seats_held(self, info: Info) -> int:
        """Count lite seats."""
        return (await info.context.loaders.seats_held.load(self.account_key) or {}).get(SeatType.LITE, 0)


@strawberry.input(description="A monthly subscription to start now.")
class SubscriptionStartInput:
    """Input of subscriptionStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan.")
    psp: bool = strawberry.field(
        default=False, description="Whether it has Proactive Support Plus from the start."
    )


@strawberry.input(description="A free trial to start now.")
class TrialStartInput:
    """Input of trialStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan to try.")


@strawberry.input(description="A trial.")
class TrialExtendInput:
    """Input of trialExtend."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.input(description="What a trial is to become.")
class TrialConvertInput:
    """Input of trialConvert."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan to pay for.")
    psp: bool = strawberry.field(default=False, description="Whether it has Proactive Support Plus.")
    when: ConvertWhen = strawberry.field(
        default=ConvertWhen.AT_TRIAL_END,
        description="Now, or as the trial ends, if there is a payment method then.",
    )


@strawberry.input(description="Another plan.")
class PlanChangeInput:
    """Input of planChange."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan from today.")


@strawberry.input(description="The account that wants the add-on.")
class PspAddInput:
    """Input of pspAdd."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.input(description="The account that gives the add-on up.")
class PspRemoveInput:
    """Input of pspRemove."""

    account_id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.type(description="The subscription started.")
class SubscriptionStartPayload:
    """Payload of subscriptionStart."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoice: Invoice | None = strawberry.field(description="Its first invoice.")


@strawberry.type(description="The trial started.")
class TrialStartPayload:
    """Payload of trialStart."""

    subscription: Subscription = strawberry.field(description="The subscription.")


@strawberry.type(description="The trial extended.")
class TrialExtendPayload:
    """Payload of trialExtend."""

    subscription: Subscription = strawberry.field(description="The subscription.")


@strawberry.type(description="The trial converted, now or later.")
class TrialConvertPayload:
    """Payload of trialConvert."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoice: Invoice | None = strawberry.field(description="Its first invoice, if it was converted now.")


@strawberry.type(description="The subscription on another plan.")
class PlanChangePayload:
    """Payload of planChange."""

    subscription: Subscription = strawberry.field(description="The subscription.")


@strawberry.type(description="The subscription with the add-on.")
class PspAddPayload:
    """Payload of pspAdd."""

    subscription: Subscription = strawberry.field(description="The subscription.")


@strawberry.type(description="The subscription whose add-on will end.")
class PspRemovePayload:
    """Payload of pspRemove."""

    subscription: Subscription = strawberry.field(description="The subscription.")


def subscription(overview: Overview) -> Subscription:
    """Show a running subscription."""
    row, psp = overview.row, overview.psp
    return Subscription(
        id=node_id("Subscription", row.account_id, row.id),
        status=SubscriptionStatus(row.status),
        plan=overview.plan,
        psp=PspAddOn(added_at=psp.added[0], ends_on=psp.until) if psp else None,
        price_book_version=row.price_book_version,
        started_at=row.started_at,
        anchor_on=row.anchor_on,
        current_period=period(overview.period),
        run_rate=money(overview.run_rate),
        next_invoice=upcoming_invoice(overview.next_invoice) if overview.next_invoice else None,
        lite_seats_included=overview.lite_seats_included,
        account_key=row.account_id,
    )


@mutation(
    payload=SubscriptionStartPayload,
    refusals=(UnknownAccount, AlreadySubscribed, NoWorkspace, TooManyLiteSeats),
    description="Start a monthly subscription now: the seats held are billed ahead, and the first invoice is issued.",
)
async def subscription_start(info: Info, input: SubscriptionStartInput) -> SubscriptionStartPayload:
    """Start a subscription."""

    async def start(session: AsyncSession, account: AccountNow) -> list[tables.Invoice]:
        _, issued = await subscriptions.start(session, account, plan=input.plan, is_psp=input.psp)
        return issued

    shown, issued = await _change(info, input.account_id, start)
    return SubscriptionStartPayload(subscription=shown, invoice=invoice(issued[0]) if issued else None)


@mutation(
    payload=TrialStartPayload,
    refusals=(UnknownAccount, AlreadySubscribed, NoWorkspace, TooManyLiteSeats),
    description="Start a free trial of a plan, with all add-ons and free usage up to a cap.",
)
async def trial_start(info: Info, input: TrialStartInput) -> TrialStartPayload:
    """Start a trial."""
    shown, _ = await _change(
        info, input.account_id, lambda s, a: subscriptions.start_trial(s, a, plan=input.plan)
    )
    return TrialStartPayload(subscription=shown)


@mutation(
    payload=TrialExtendPayload,
    refusals=(UnknownAccount, NoSubscription, NotInTrial, TrialExtendedAlready),
    description="Give a trial its one extension of 7 days.",
)
async def trial_extend(info: Info, input: TrialExtendInput) -> TrialExtendPayload:
    """Extend a trial."""
    shown, _ = await _change(info, input.account_id, subscriptions.extend_trial)
    return TrialExtendPayload(subscription=shown)


@mutation(
    payload=TrialConvertPayload,
    refusals=(UnknownAccount, NoSubscription, NotInTrial, TooManyLiteSeats),
    description="Turn a trial into a paid subscription, now or as it ends.",
)
async def trial_convert(info: Info, input: TrialConvertInput) -> TrialConvertPayload:
    """Convert a trial."""

    async def convert(session: AsyncSession, account: AccountNow) -> list[tables.Invoice]:
        if input.when is ConvertWhen.AT_TRIAL_END:
            await subscriptions.choose_conversion(session, account, plan=input.plan, is_psp=input.psp)
            return []
        _, issued = await subscriptions.convert_now(session, account, plan=input.plan, is_psp=input.psp)
        return issued

    shown, issued = await _change(info, input.account_id, convert)
    return TrialConvertPayload(subscription=shown, invoice=invoice(issued[0]) if issued else None)


@mutation(
    payload=PlanChangePayload,
    refusals=(UnknownAccount, NoSubscription, AlreadyOnPlan, TooManyLiteSeats),
    description="Change the plan from today, either way; the next invoice has the pair of lines.",
)
async def plan_change(info: Info, input: PlanChangeInput) -> PlanChangePayload:
    """Change the plan."""
    shown, _ = await _change(
        info, input.account_id, lambda s, a: subscriptions.change_plan(s, a, plan=input.plan)
    )
    return PlanChangePayload(subscription=shown)


@mutation(
    payload=PspAddPayload,
    refusals=(UnknownAccount, NoSubscription, TrialRunning, PspAlreadyActive),
    description="Add Proactive Support Plus from today, or take its removal back.",
)
async def psp_add(info: Info, input: PspAddInput) -> PspAddPayload:
    """Add the add-on."""
    shown, _ = await _change(info, input.account_id, subscriptions.add_psp)
    return PspAddPayload(subscription=shown)


@mutation(
    payload=PspRemovePayload,
    refusals=(UnknownAccount, NoSubscription, TrialRunning, PspNotActive),
    description="Remove Proactive Support Plus: access lasts to the period's end, without credit.",
)
async def psp_remove(info: Info, input: PspRemoveInput) -> PspRemovePayload:
    """Remove the add-on."""
    shown, _ = await _change(info, input.account_id, subscriptions.remove_psp)
    return PspRemovePayload(subscription=shown)


async def _change(
    info: Info, account: str, change: Callable[[AsyncSession, AccountNow], Awaitable[R]]
) -> tuple[Subscription, R]:
    """Make a change under the account's lock, ring for the work it made due, and show the subscription as it is then."""
    ctx = info.context
    account_id, _ = must_reach(info, account, "BillingAccount", UnknownAccount)
    async with ctx.sessions.begin() as session:
        locked = await lock_account(session, account_id=account_id, wall=ctx.wall)
        result = await change(session, locked)
    await ctx.ring()
    ctx.loaders.forget()
    overview = await ctx.loaders.overviews.load(account_id)
    if overview is None:
        raise NoSubscription
    return subscription(overview), result

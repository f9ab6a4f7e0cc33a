"""What a subscription is for (section 10): starting one, changing its plan, adding and removing the add-on."""

from __future__ import annotations

import strawberry

from api.changes import Change, alone, token_field
from api.context import Info
from api.enums import Plan
from api.idempotency import key_field
from api.invoices import Invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.subscriptions import Subscription, changed, first
from domain.seats import TooManyLiteSeats
from domain.subscriptions import (
    AlreadyOnPlan,
    BundledSeats,
    ContractManaged,
    PspAlreadyActive,
    PspNotActive,
    TrialRunning,
    WaitsForRenewal,
)
from services import subscriptions
from services.accounts import UnknownAccount
from services.beginnings import AlreadySubscribed, NoWorkspace
from services.changes import PriceChanged
from services.histories import NoSubscription


@strawberry.input(description="A monthly subscription to start now.")
class SubscriptionStartInput:
    """Input of subscriptionStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan.")
    psp: bool = strawberry.field(
        default=False, description="Whether it has Proactive Support Plus from the start."
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The subscription started.")
class SubscriptionStartPayload:
    """Payload of subscriptionStart."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoice: Invoice | None = strawberry.field(description="Its first invoice.")


@strawberry.input(description="Another plan.")
class PlanChangeInput:
    """Input of planChange."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan from today.")
    invoice_now: bool = strawberry.field(
        default=False,
        description="Paid yearly: invoice the change at once instead of with the next monthly invoice.",
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The subscription on another plan.")
class PlanChangePayload:
    """Payload of planChange."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoice: Invoice | None = strawberry.field(
        description="The invoice of the change, if it was invoiced at once."
    )


@strawberry.input(description="The account that wants the add-on.")
class PspAddInput:
    """Input of pspAdd."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    invoice_now: bool = strawberry.field(
        default=False,
        description="Paid yearly: invoice the change at once instead of with the next monthly invoice.",
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The subscription with the add-on.")
class PspAddPayload:
    """Payload of pspAdd."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoice: Invoice | None = strawberry.field(
        description="The invoice of the change, if it was invoiced at once."
    )


@strawberry.input(description="The account that gives the add-on up.")
class PspRemoveInput:
    """Input of pspRemove."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The subscription whose add-on will end.")
class PspRemovePayload:
    """Payload of pspRemove."""

    subscription: Subscription = strawberry.field(description="The subscription.")


def subscription_start_change(info: Info, input: SubscriptionStartInput) -> Change:
    """Plan to start a subscription."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: subscriptions.start(s, a, plan=input.plan, is_psp=input.psp))


@mutation(
    payload=SubscriptionStartPayload,
    refusals=(UnknownAccount, AlreadySubscribed, NoWorkspace, TooManyLiteSeats, PriceChanged),
    description="Start a monthly subscription now: the seats held are billed ahead, and the first invoice is issued.",
)
async def subscription_start(info: Info, input: SubscriptionStartInput) -> SubscriptionStartPayload:
    """Start a subscription."""
    shown, issued = await changed(info, subscription_start_change(info, input), token=input.preview_token)
    return SubscriptionStartPayload(subscription=shown, invoice=first(issued))


def plan_change_change(info: Info, input: PlanChangeInput) -> Change:
    """Plan to change the plan."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id,
        lambda s, a: subscriptions.change_plan(s, a, plan=input.plan, invoice_now=input.invoice_now),
    )


@mutation(
    payload=PlanChangePayload,
    refusals=(
        UnknownAccount,
        NoSubscription,
        AlreadyOnPlan,
        TooManyLiteSeats,
        ContractManaged,
        BundledSeats,
        WaitsForRenewal,
        PriceChanged,
    ),
    description="Change the plan from today: either way when paid monthly, upward when paid yearly.",
)
async def plan_change(info: Info, input: PlanChangeInput) -> PlanChangePayload:
    """Change the plan."""
    shown, issued = await changed(info, plan_change_change(info, input), token=input.preview_token)
    return PlanChangePayload(subscription=shown, invoice=first(issued))


def psp_add_change(info: Info, input: PspAddInput) -> Change:
    """Plan to add the add-on."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: subscriptions.add_psp(s, a, invoice_now=input.invoice_now))


@mutation(
    payload=PspAddPayload,
    refusals=(
        UnknownAccount,
        NoSubscription,
        TrialRunning,
        PspAlreadyActive,
        ContractManaged,
        BundledSeats,
        PriceChanged,
    ),
    description="Add Proactive Support Plus from today, or take its removal back.",
)
async def psp_add(info: Info, input: PspAddInput) -> PspAddPayload:
    """Add the add-on."""
    shown, issued = await changed(info, psp_add_change(info, input), token=input.preview_token)
    return PspAddPayload(subscription=shown, invoice=first(issued))


def psp_remove_change(info: Info, input: PspRemoveInput) -> Change:
    """Plan to remove the add-on."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(subscriptions.remove_psp(s, a)))


@mutation(
    payload=PspRemovePayload,
    refusals=(
        UnknownAccount,
        NoSubscription,
        TrialRunning,
        PspNotActive,
        ContractManaged,
        BundledSeats,
        WaitsForRenewal,
        PriceChanged,
    ),
    description="Remove Proactive Support Plus: access lasts to the period's end, without credit.",
)
async def psp_remove(info: Info, input: PspRemoveInput) -> PspRemovePayload:
    """Remove the add-on."""
    shown, _issued = await changed(info, psp_remove_change(info, input), token=input.preview_token)
    return PspRemovePayload(subscription=shown)

"""Trials (section 10): started, extended once, and turned into a paid subscription now or as they end."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from api.changes import Change, alone, token_field
from api.context import Info
from api.enumerated import enumerated
from api.enums import Plan
from api.idempotency import key_field
from api.invoices import Invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.subscriptions import Subscription, changed, first
from domain.seats import TooManyLiteSeats
from domain.subscriptions import (
    NotInTrial,
    TrialExtendedAlready,
)
from services import subscriptions
from services.accounts import UnknownAccount
from services.beginnings import AlreadySubscribed, NoWorkspace
from services.changes import PriceChanged
from services.histories import NoSubscription


@enumerated(
    "When a trial becomes a paid subscription.",
    NOW="At once.",
    AT_TRIAL_END="On the day the trial ends.",
)
class ConvertWhen(StrEnum):
    """When a trial becomes paid."""

    NOW = "NOW"
    AT_TRIAL_END = "AT_TRIAL_END"


@strawberry.input(description="A free trial to start now.")
class TrialStartInput:
    """Input of trialStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan to try.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="A trial.")
class TrialExtendInput:
    """Input of trialExtend."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


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
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


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


def trial_start_change(info: Info, input: TrialStartInput) -> Change:
    """Plan to start a trial."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(subscriptions.start_trial(s, a, plan=input.plan)))


@mutation(
    payload=TrialStartPayload,
    refusals=(UnknownAccount, AlreadySubscribed, NoWorkspace, TooManyLiteSeats, PriceChanged),
    description="Start a free trial of a plan, with all add-ons and free usage up to a cap.",
)
async def trial_start(info: Info, input: TrialStartInput) -> TrialStartPayload:
    """Start a trial."""
    shown, _issued = await changed(info, trial_start_change(info, input), token=input.preview_token)
    return TrialStartPayload(subscription=shown)


def trial_extend_change(info: Info, input: TrialExtendInput) -> Change:
    """Plan to extend a trial."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(subscriptions.extend_trial(s, a)))


@mutation(
    payload=TrialExtendPayload,
    refusals=(UnknownAccount, NoSubscription, NotInTrial, TrialExtendedAlready, PriceChanged),
    description="Give a trial its one extension of 7 days.",
)
async def trial_extend(info: Info, input: TrialExtendInput) -> TrialExtendPayload:
    """Extend a trial."""
    shown, _issued = await changed(info, trial_extend_change(info, input), token=input.preview_token)
    return TrialExtendPayload(subscription=shown)


def trial_convert_change(info: Info, input: TrialConvertInput) -> Change:
    """Plan to convert a trial."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    plan, is_psp = input.plan, input.psp
    if input.when is ConvertWhen.NOW:
        return Change(account_id, lambda s, a: subscriptions.convert_now(s, a, plan=plan, is_psp=is_psp))
    return Change(
        account_id, lambda s, a: alone(subscriptions.choose_conversion(s, a, plan=plan, is_psp=is_psp))
    )


@mutation(
    payload=TrialConvertPayload,
    refusals=(UnknownAccount, NoSubscription, NotInTrial, TooManyLiteSeats, PriceChanged),
    description="Turn a trial into a paid subscription, now or as it ends.",
)
async def trial_convert(info: Info, input: TrialConvertInput) -> TrialConvertPayload:
    """Convert a trial."""
    shown, issued = await changed(info, trial_convert_change(info, input), token=input.preview_token)
    return TrialConvertPayload(subscription=shown, invoice=first(issued))

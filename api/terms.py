"""Paying yearly, ending, and moving between price books (sections 7 and 10)."""

from __future__ import annotations

from datetime import date

import strawberry

from api.changes import Change, alone, token_field
from api.context import Info
from api.enums import Plan
from api.idempotency import key_field
from api.invoices import Invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.subscriptions import Subscription, changed
from domain.seats import TooManyLiteSeats
from domain.subscriptions import (
    AlreadyCancelled,
    ContractManaged,
    NoSeats,
    NotAPurchase,
    NotCancelled,
    NotMonthly,
    NotYearly,
    TooFewSeats,
    TrialRunning,
    UnknownBook,
)
from services import terms
from services.accounts import UnknownAccount
from services.beginnings import AlreadySubscribed, NoWorkspace
from services.changes import PriceChanged
from services.histories import NoSubscription


@strawberry.input(description="A yearly subscription to start, or to switch the monthly one to, now.")
class YearlyStartInput:
    """Input of yearlyStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    plan: Plan = strawberry.field(description="The plan.")
    seats: int = strawberry.field(description="Full seats to purchase: at least those held.")
    psp: bool = strawberry.field(default=False, description="Whether it has Proactive Support Plus.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="Purchased seats of a yearly subscription.")
class SeatsBuyInput:
    """Input of seatsBuy."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    seats: int = strawberry.field(description="All purchased seats from today, more than before.")
    invoice_now: bool = strawberry.field(
        default=False, description="Invoice the change at once instead of with the next monthly invoice."
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(
    description="What changes as the yearly term renews. It replaces what was set before; nothing set takes that back."
)
class RenewalSetInput:
    """Input of renewalSet."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    seats: int | None = strawberry.field(default=None, description="Seats to purchase then.")
    plan: Plan | None = strawberry.field(default=None, description="The plan then.")
    psp: bool | None = strawberry.field(
        default=None, description="False: Proactive Support Plus ends with the term."
    )
    monthly: bool = strawberry.field(default=False, description="Pay monthly from then on.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="The subscription to end with its paid period.")
class SubscriptionCancelInput:
    """Input of subscriptionCancel."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="The cancelled subscription that is to go on.")
class SubscriptionResumeInput:
    """Input of subscriptionResume."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="The account that joins the Early Stage programme.")
class EarlyStageStartInput:
    """Input of earlyStageStart."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="Another price book.")
class BookMigrateInput:
    """Input of bookMigrate."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    version: int = strawberry.field(description="Its version.")
    on: date | None = strawberry.field(
        default=None,
        description="Paid monthly: the date, as it opens; today at once unless told. Others: at renewal.",
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The yearly subscription.")
class YearlyStartPayload:
    """Payload of yearlyStart."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription with its seats.")
class SeatsBuyPayload:
    """Payload of seatsBuy."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription with what is set for its renewal.")
class RenewalSetPayload:
    """Payload of renewalSet."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription with its end.")
class SubscriptionCancelPayload:
    """Payload of subscriptionCancel."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription that goes on.")
class SubscriptionResumePayload:
    """Payload of subscriptionResume."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription in the programme.")
class EarlyStageStartPayload:
    """Payload of earlyStageStart."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The subscription under its price book.")
class BookMigratePayload:
    """Payload of bookMigrate."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


def yearly_start_change(info: Info, input: YearlyStartInput) -> Change:
    """Plan: pay yearly."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id,
        lambda s, a: terms.start_yearly(s, a, plan=input.plan, seats=input.seats, is_psp=input.psp),
    )


@mutation(
    payload=YearlyStartPayload,
    refusals=(
        UnknownAccount,
        NoWorkspace,
        NoSeats,
        TooFewSeats,
        TooManyLiteSeats,
        ContractManaged,
        NotMonthly,
        PriceChanged,
    ),
    description="Pay yearly from now: a term of purchased seats is invoiced. A monthly subscription is cut today, its unused time given back.",
)
async def yearly_start(info: Info, input: YearlyStartInput) -> YearlyStartPayload:
    """Pay yearly."""
    shown, invoices = await changed(info, yearly_start_change(info, input), token=input.preview_token)
    return YearlyStartPayload(subscription=shown, invoices=invoices)


def seats_buy_change(info: Info, input: SeatsBuyInput) -> Change:
    """Plan: buy seats."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id, lambda s, a: terms.buy_seats(s, a, seats=input.seats, invoice_now=input.invoice_now)
    )


@mutation(
    payload=SeatsBuyPayload,
    refusals=(UnknownAccount, NoSubscription, NotYearly, NotAPurchase, PriceChanged),
    description="Buy seats for the rest of the yearly term.",
)
async def seats_buy(info: Info, input: SeatsBuyInput) -> SeatsBuyPayload:
    """Buy seats."""
    shown, invoices = await changed(info, seats_buy_change(info, input), token=input.preview_token)
    return SeatsBuyPayload(subscription=shown, invoices=invoices)


def renewal_set_change(info: Info, input: RenewalSetInput) -> Change:
    """Plan: set the renewal."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id,
        lambda s, a: alone(
            terms.set_renewal(
                s, a, seats=input.seats, plan=input.plan, is_psp=input.psp, is_monthly=input.monthly
            )
        ),
    )


@mutation(
    payload=RenewalSetPayload,
    refusals=(UnknownAccount, NoSubscription, NotYearly, NoSeats, TooManyLiteSeats, PriceChanged),
    description="Set, replace or take back what changes as the yearly term renews.",
)
async def renewal_set(info: Info, input: RenewalSetInput) -> RenewalSetPayload:
    """Set the renewal."""
    shown, invoices = await changed(info, renewal_set_change(info, input), token=input.preview_token)
    return RenewalSetPayload(subscription=shown, invoices=invoices)


def subscription_cancel_change(info: Info, input: SubscriptionCancelInput) -> Change:
    """Plan: cancel."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(terms.cancel(s, a)))


@mutation(
    payload=SubscriptionCancelPayload,
    refusals=(UnknownAccount, NoSubscription, TrialRunning, ContractManaged, AlreadyCancelled, PriceChanged),
    description="End the subscription with its paid month or term; it can be resumed until then.",
)
async def subscription_cancel(info: Info, input: SubscriptionCancelInput) -> SubscriptionCancelPayload:
    """Cancel."""
    shown, invoices = await changed(info, subscription_cancel_change(info, input), token=input.preview_token)
    return SubscriptionCancelPayload(subscription=shown, invoices=invoices)


def subscription_resume_change(info: Info, input: SubscriptionResumeInput) -> Change:
    """Plan: resume."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(terms.resume(s, a)))


@mutation(
    payload=SubscriptionResumePayload,
    refusals=(UnknownAccount, NoSubscription, ContractManaged, NotCancelled, PriceChanged),
    description="Take a cancellation back before its day.",
)
async def subscription_resume(info: Info, input: SubscriptionResumeInput) -> SubscriptionResumePayload:
    """Resume."""
    shown, invoices = await changed(info, subscription_resume_change(info, input), token=input.preview_token)
    return SubscriptionResumePayload(subscription=shown, invoices=invoices)


def early_stage_start_change(info: Info, input: EarlyStageStartInput) -> Change:
    """Plan: join Early Stage."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, terms.start_early_stage)


@mutation(
    payload=EarlyStageStartPayload,
    refusals=(UnknownAccount, AlreadySubscribed, NoWorkspace, TooManyLiteSeats, PriceChanged),
    description="Join the Early Stage programme: Advanced with 6 seats and Proactive Support Plus for one price. Needs an operator's key.",
)
async def early_stage_start(info: Info, input: EarlyStageStartInput) -> EarlyStageStartPayload:
    """Join Early Stage."""
    shown, invoices = await changed(info, early_stage_start_change(info, input), token=input.preview_token)
    return EarlyStageStartPayload(subscription=shown, invoices=invoices)


def book_migrate_change(info: Info, input: BookMigrateInput) -> Change:
    """Plan: move to another price book."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: terms.migrate_book(s, a, version=input.version, on=input.on))


@mutation(
    payload=BookMigratePayload,
    refusals=(UnknownAccount, NoSubscription, TrialRunning, UnknownBook, PriceChanged),
    description="Move the subscription to another price book. Needs an operator's key.",
)
async def book_migrate(info: Info, input: BookMigrateInput) -> BookMigratePayload:
    """Move to another price book."""
    shown, invoices = await changed(info, book_migrate_change(info, input), token=input.preview_token)
    return BookMigratePayload(subscription=shown, invoices=invoices)

"""Contracts (section 8), for account managers: operators' keys sign, amend and end them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import strawberry

from api.changes import Change, alone, token_field
from api.context import Info
from api.enums import Metric, Plan
from api.idempotency import key_field
from api.invoices import Invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import BigInt, SafeString
from api.subscriptions import Subscription, changed
from domain.facts import Commitment, ContractTerms
from domain.money import price
from domain.seats import TooManyLiteSeats
from domain.subscriptions import AlreadyCancelled, BadContractTerms, NotOnContract
from services import contracts
from services.accounts import UnknownAccount
from services.beginnings import NoWorkspace
from services.changes import PriceChanged
from services.histories import NoSubscription


@strawberry.input(description="Usage to commit to.")
class CommittedUsageInput:
    """A commitment of a contract."""

    metric: Metric = strawberry.field(description="The metric.")
    units: BigInt = strawberry.field(description="Units a month.")
    monthly_price: Decimal | None = strawberry.field(
        default=None, description="Price a month, in dollars; the list price of the units unless told."
    )


@strawberry.input(description="What a contract commits to.")
class ContractTermsInput:
    """The terms of a contract."""

    plan: Plan = strawberry.field(description="The plan.")
    months: int = strawberry.field(description="Its length in months, a whole number of billing periods.")
    billing_months: int = strawberry.field(description="Months billed ahead at a time: 1, 3 or 12.")
    seats: int = strawberry.field(description="Committed full seats.")
    seat_price: Decimal | None = strawberry.field(
        default=None, description="Price of a seat a month, in dollars; the monthly list price unless told."
    )
    usage: list[CommittedUsageInput] = strawberry.field(
        default_factory=list, description="Committed usage, each metric once."
    )
    lite_seats: int | None = strawberry.field(
        default=None, description="Lite seats included; the plan's number unless told."
    )
    psp_from: date | None = strawberry.field(
        default=None, description="Since when it has Proactive Support Plus; never unless told."
    )
    psp_until: date | None = strawberry.field(
        default=None, description="Until when, exclusive; the whole term unless told."
    )


@strawberry.input(description="A contract to sign now.")
class ContractSignInput:
    """Input of contractSign."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    terms: ContractTermsInput = strawberry.field(description="The whole terms.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="The terms as amended from today.")
class ContractAmendInput:
    """Input of contractAmend."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    terms: ContractTermsInput = strawberry.field(description="The whole terms.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.input(description="The contract not to renew.")
class ContractEndInput:
    """Input of contractEnd."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The contract signed.")
class ContractSignPayload:
    """Payload of contractSign."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The contract amended.")
class ContractAmendPayload:
    """Payload of contractAmend."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


@strawberry.type(description="The contract with its end.")
class ContractEndPayload:
    """Payload of contractEnd."""

    subscription: Subscription = strawberry.field(description="The subscription.")
    invoices: list[Invoice] = strawberry.field(description="What was invoiced at once.")


def contract_sign_change(info: Info, input: ContractSignInput) -> Change:
    """Plan: sign a contract."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: contracts.sign(s, a, terms=_terms(input.terms)))


@mutation(
    payload=ContractSignPayload,
    refusals=(UnknownAccount, NoWorkspace, TooManyLiteSeats, BadContractTerms, PriceChanged),
    description="Sign a contract that starts now, over whatever runs. Needs an operator's key.",
)
async def contract_sign(info: Info, input: ContractSignInput) -> ContractSignPayload:
    """Sign a contract."""
    shown, invoices = await changed(info, contract_sign_change(info, input), token=input.preview_token)
    return ContractSignPayload(subscription=shown, invoices=invoices)


def contract_amend_change(info: Info, input: ContractAmendInput) -> Change:
    """Plan: amend a contract."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(contracts.amend(s, a, terms=_terms(input.terms))))


@mutation(
    payload=ContractAmendPayload,
    refusals=(
        UnknownAccount,
        NoSubscription,
        NotOnContract,
        TooManyLiteSeats,
        BadContractTerms,
        PriceChanged,
    ),
    description="Change the commitment: seats from today, usage from the next usage month. Needs an operator's key.",
)
async def contract_amend(info: Info, input: ContractAmendInput) -> ContractAmendPayload:
    """Amend a contract."""
    shown, invoices = await changed(info, contract_amend_change(info, input), token=input.preview_token)
    return ContractAmendPayload(subscription=shown, invoices=invoices)


def contract_end_change(info: Info, input: ContractEndInput) -> Change:
    """Plan: end a contract."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(account_id, lambda s, a: alone(contracts.end(s, a)))


@mutation(
    payload=ContractEndPayload,
    refusals=(UnknownAccount, NoSubscription, NotOnContract, AlreadyCancelled, PriceChanged),
    description="Let the contract end with its term instead of renewing. Needs an operator's key.",
)
async def contract_end(info: Info, input: ContractEndInput) -> ContractEndPayload:
    """End a contract."""
    shown, invoices = await changed(info, contract_end_change(info, input), token=input.preview_token)
    return ContractEndPayload(subscription=shown, invoices=invoices)


def _terms(given: ContractTermsInput) -> ContractTerms:
    return ContractTerms(
        plan=given.plan,
        months=given.months,
        billing_months=given.billing_months,
        seats=given.seats,
        seat_price=_price(given.seat_price),
        usage=tuple(Commitment(one.metric, one.units, _price(one.monthly_price)) for one in given.usage),
        psp_from=given.psp_from,
        psp_until=given.psp_until,
        lite_seats=given.lite_seats,
    )


def _price(dollars: Decimal | None) -> int | None:
    if dollars is None:
        return None
    try:
        return price(str(dollars))
    except ValueError as wrong:
        raise BadContractTerms(str(wrong)) from None

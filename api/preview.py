"""A change of a bill previewed (section 10): what it invoices at once, and the next invoice without it and with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Final

import strawberry

from api import contracts, seats, subscriptions, terms, trials
from api.changes import Change, measure
from api.context import Info
from api.invoices import (
    InvoiceLine,
    UpcomingInvoice,
    issued_as_upcoming,
    lines_of,
    upcoming_invoice,
)
from api.results import UserError
from domain.refusal import Refusal
from services.changes import Effect
from services.previews import NextInvoice

PLANNERS: Final[dict[str, Callable[[Info, Any], Change]]] = {
    "subscription_start": subscriptions.subscription_start_change,
    "trial_convert": trials.trial_convert_change,
    "plan_change": subscriptions.plan_change_change,
    "psp_add": subscriptions.psp_add_change,
    "psp_remove": subscriptions.psp_remove_change,
    "yearly_start": terms.yearly_start_change,
    "seats_buy": terms.seats_buy_change,
    "renewal_set": terms.renewal_set_change,
    "subscription_cancel": terms.subscription_cancel_change,
    "subscription_resume": terms.subscription_resume_change,
    "early_stage_start": terms.early_stage_start_change,
    "book_migrate": terms.book_migrate_change,
    "contract_sign": contracts.contract_sign_change,
    "contract_amend": contracts.contract_amend_change,
    "contract_end": contracts.contract_end_change,
    "seat_accept": seats.seat_accept_change,
    "seat_switch": seats.seat_switch_change,
    "teammate_remove": seats.teammate_remove_change,
    "seat_dates_correct": seats.seat_dates_correct_change,
}


@strawberry.input(one_of=True, description="The change to preview: the input of its mutation.")
class ChangeInput:
    """One change of a bill."""

    subscription_start: subscriptions.SubscriptionStartInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `subscriptionStart` would."
    )
    trial_convert: trials.TrialConvertInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `trialConvert` would."
    )
    plan_change: subscriptions.PlanChangeInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `planChange` would."
    )
    psp_add: subscriptions.PspAddInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `pspAdd` would."
    )
    psp_remove: subscriptions.PspRemoveInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `pspRemove` would."
    )
    yearly_start: terms.YearlyStartInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `yearlyStart` would."
    )
    seats_buy: terms.SeatsBuyInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `seatsBuy` would."
    )
    renewal_set: terms.RenewalSetInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `renewalSet` would."
    )
    subscription_cancel: terms.SubscriptionCancelInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `subscriptionCancel` would."
    )
    subscription_resume: terms.SubscriptionResumeInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `subscriptionResume` would."
    )
    early_stage_start: terms.EarlyStageStartInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `earlyStageStart` would."
    )
    book_migrate: terms.BookMigrateInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `bookMigrate` would."
    )
    contract_sign: contracts.ContractSignInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `contractSign` would."
    )
    contract_amend: contracts.ContractAmendInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `contractAmend` would."
    )
    contract_end: contracts.ContractEndInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `contractEnd` would."
    )
    seat_accept: seats.SeatAcceptInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `seatAccept` would."
    )
    seat_switch: seats.SeatSwitchInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `seatSwitch` would."
    )
    teammate_remove: seats.TeammateRemoveInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `teammateRemove` would."
    )

    seat_dates_correct: seats.SeatDatesCorrectInput | None = strawberry.field(
        default=strawberry.UNSET, description="As `seatDatesCorrect` would."
    )


@strawberry.type(description="What a change would bill.")
class ChangePreview:
    """The difference a change makes."""

    due_now: list[UpcomingInvoice] = strawberry.field(description="What it would invoice at once.")
    next_invoice_without: UpcomingInvoice | None = strawberry.field(
        description="The next invoice as it stands."
    )
    next_invoice_with: UpcomingInvoice | None = strawberry.field(
        description="The next invoice after the change."
    )
    added_lines: list[InvoiceLine] = strawberry.field(
        description="Lines the change would add, at once or to the next invoice."
    )
    dropped_lines: list[InvoiceLine] = strawberry.field(
        description="Lines of the next invoice that the change would take away or replace."
    )
    preview_token: str = strawberry.field(
        description="Give it to the mutation: it then refuses if the change would bill anything else."
    )


@strawberry.type(description="The change would be refused.")
class ChangeRefused(UserError):
    """Why a change cannot be previewed."""

    refusal: str = strawberry.field(description="The type of the refusal that the mutation would answer.")


ChangePreviewResult = Annotated[
    ChangePreview | ChangeRefused,
    strawberry.union("ChangePreviewResult", description="A preview, or why the change would be refused."),
]


async def preview(info: Info, change: ChangeInput) -> ChangePreviewResult:
    """Make the one change that is given, look at what it bills, and take it back."""
    given = {
        field.name: value
        for field in fields(change)
        if (value := getattr(change, field.name)) is not strawberry.UNSET and value is not None
    }
    ((name, wanted),) = given.items()
    try:
        effect = await measure(info, PLANNERS[name](info, wanted))
    except Refusal as refusal:
        return ChangeRefused(message=refusal.message, refusal=type(refusal).__name__)
    return _shown(effect)


def _shown(effect: Effect[Any]) -> ChangePreview:
    before, after = _lines(effect.without), _lines(effect.after)
    due_now = [issued_as_upcoming(row, lines) for row, lines in effect.issued]
    known, kept = {_same(line) for line in before}, {_same(line) for line in after}
    at_once = [line for upcoming in due_now for line in lines_of(upcoming)]
    return ChangePreview(
        due_now=due_now,
        next_invoice_without=upcoming_invoice(effect.without) if effect.without else None,
        next_invoice_with=upcoming_invoice(effect.after) if effect.after else None,
        added_lines=[*at_once, *(line for line in after if _same(line) not in known)],
        dropped_lines=[line for line in before if _same(line) not in kept],
        preview_token=effect.token,
    )


def _lines(preview: NextInvoice | None) -> list[InvoiceLine]:
    return lines_of(upcoming_invoice(preview)) if preview else []


def _same(line: InvoiceLine) -> tuple[object, ...]:
    return line.description, line.service_period.start, line.service_period.end, line.amount.amount

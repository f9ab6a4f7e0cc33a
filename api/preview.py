"""A change of a bill previewed (section 10): what it invoices at once, and the next invoice without it and with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from api import contracts, corrections, events, plans, refunds, seatdates, seats, terms, trials, workspaces
from api.authority import authorise
from api.changes import Change, measure
from api.context import Info
from api.lines import InvoiceLine
from api.results import UserError
from api.scalars import Money, money
from api.upcoming import UpcomingInvoice, issued_as_upcoming, upcoming_invoice
from domain.refusal import Refusal
from services.changes import Difference, Effect, Standing

PLANNERS: Final[dict[str, Callable[[Info, Any], Change]]] = {
    "subscription_start": plans.subscription_start_change,
    "trial_start": trials.trial_start_change,
    "trial_extend": trials.trial_extend_change,
    "trial_convert": trials.trial_convert_change,
    "plan_change": plans.plan_change_change,
    "psp_add": plans.psp_add_change,
    "psp_remove": plans.psp_remove_change,
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
    "seat_dates_correct": seatdates.seat_dates_correct_change,
    "workspace_create": workspaces.workspace_create_change,
    "workspace_move": workspaces.workspace_move_change,
    "usage_record": events.usage_record_change,
    "usage_take_back": events.usage_take_back_change,
    "credit_note_create": corrections.credit_note_create_change,
    "invoice_void": corrections.invoice_void_change,
    "invoice_write_off": corrections.invoice_write_off_change,
    "refund_create": refunds.refund_create_change,
}


def _as(mutation: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=f"As `{mutation}` would.")


@strawberry.input(one_of=True, description="The change to preview: the input of its mutation.")
class ChangeInput:
    """One change of a bill."""

    subscription_start: plans.SubscriptionStartInput | None = _as("subscriptionStart")
    trial_start: trials.TrialStartInput | None = _as("trialStart")
    trial_extend: trials.TrialExtendInput | None = _as("trialExtend")
    trial_convert: trials.TrialConvertInput | None = _as("trialConvert")
    plan_change: plans.PlanChangeInput | None = _as("planChange")
    psp_add: plans.PspAddInput | None = _as("pspAdd")
    psp_remove: plans.PspRemoveInput | None = _as("pspRemove")
    yearly_start: terms.YearlyStartInput | None = _as("yearlyStart")
    seats_buy: terms.SeatsBuyInput | None = _as("seatsBuy")
    renewal_set: terms.RenewalSetInput | None = _as("renewalSet")
    subscription_cancel: terms.SubscriptionCancelInput | None = _as("subscriptionCancel")
    subscription_resume: terms.SubscriptionResumeInput | None = _as("subscriptionResume")
    early_stage_start: terms.EarlyStageStartInput | None = _as("earlyStageStart")
    book_migrate: terms.BookMigrateInput | None = _as("bookMigrate")
    contract_sign: contracts.ContractSignInput | None = _as("contractSign")
    contract_amend: contracts.ContractAmendInput | None = _as("contractAmend")
    contract_end: contracts.ContractEndInput | None = _as("contractEnd")
    seat_accept: seats.SeatAcceptInput | None = _as("seatAccept")
    seat_switch: seats.SeatSwitchInput | None = _as("seatSwitch")
    teammate_remove: seats.TeammateRemoveInput | None = _as("teammateRemove")
    seat_dates_correct: seatdates.SeatDatesCorrectInput | None = _as("seatDatesCorrect")
    workspace_create: workspaces.WorkspaceCreateInput | None = _as("workspaceCreate")
    workspace_move: workspaces.WorkspaceMoveInput | None = _as("workspaceMove")
    usage_record: events.UsageRecordInput | None = _as("usageRecord")
    usage_take_back: events.UsageTakeBackInput | None = _as("usageTakeBack")
    credit_note_create: corrections.CreditNoteCreateInput | None = _as("creditNoteCreate")
    invoice_void: corrections.InvoiceVoidInput | None = _as("invoiceVoid")
    invoice_write_off: corrections.InvoiceWriteOffInput | None = _as("invoiceWriteOff")
    refund_create: refunds.RefundCreateInput | None = _as("refundCreate")


@strawberry.type(description="How an account stands.")
class AccountStanding:
    """What an account owes and holds."""

    due: Money = strawberry.field(description="What its open invoices leave to pay.")
    credit: Money = strawberry.field(
        description="Credit that lowers what is due next; below zero it is owed."
    )


@strawberry.type(description="What a change would do to the bill of one account.")
class BillDifference:
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
    standing_without: AccountStanding = strawberry.field(description="How the account stands.")
    standing_with: AccountStanding = strawberry.field(
        description="How the account would stand after the change."
    )


@strawberry.type(description="What a change would bill.")
class ChangePreview:
    """The differences a change makes."""

    bill: BillDifference = strawberry.field(
        description="What it would do to the account's bill; needs the permission billing.view."
    )
    other_bill: BillDifference | None = strawberry.field(
        description="What it would do to the bill of the account that a workspace moves to; else null."
    )
    preview_token: str = strawberry.field(
        description="Give it to the mutation: it then refuses if the change would bill anything else."
    )
    account_id: strawberry.Private[UUID]


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
    await authorise(info, to_camel_case(name), wanted)
    try:
        planned = PLANNERS[name](info, wanted)
        effect = await measure(info, planned)
    except Refusal as refusal:
        return ChangeRefused(message=refusal.message, refusal=type(refusal).__name__)
    return _shown(effect, account_id=planned.account_id)


def _shown(effect: Effect, *, account_id: UUID) -> ChangePreview:
    bill, *others = [_difference(each) for each in effect.differences]
    return ChangePreview(
        bill=bill,
        other_bill=others[0] if others else None,
        preview_token=effect.token,
        account_id=account_id,
    )


def _difference(found: Difference) -> BillDifference:
    without, after = (upcoming_invoice(each.next_invoice) for each in (found.without, found.after))
    before, later = _lines(without), _lines(after)
    due_now = [issued_as_upcoming(row, lines) for row, lines in found.issued]
    known, kept = {_same(line) for line in before}, {_same(line) for line in later}
    at_once = [line for upcoming in due_now for line in _lines(upcoming)]
    return BillDifference(
        due_now=due_now,
        next_invoice_without=without,
        next_invoice_with=after,
        added_lines=[*at_once, *(line for line in later if _same(line) not in known)],
        dropped_lines=[line for line in before if _same(line) not in kept],
        standing_without=_standing(found.without.standing),
        standing_with=_standing(found.after.standing),
    )


def _standing(standing: Standing) -> AccountStanding:
    return AccountStanding(due=money(standing.due), credit=money(standing.credit))


def _lines(upcoming: UpcomingInvoice | None) -> list[InvoiceLine]:
    return [line for section in upcoming.sections for line in section.lines] if upcoming else []


def _same(line: InvoiceLine) -> tuple[object, ...]:
    return line.description, line.service_period.start, line.service_period.end, line.amount.amount

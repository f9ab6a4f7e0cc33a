"""The notices of invoices, payments and invites: their words, and the facts that their mails show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from adapters.tables.teammates import Teammate
from adapters.tables.workspaces import Workspace
from domain.calendar import local_day, show_day
from domain.invoicing import Settlement
from domain.money import show_cents
from domain.sections import Section
from services.accounts import AccountNow
from services.notifications import Notice, NoticeKind


def invoice_issued(
    account: AccountNow,
    *,
    number: int,
    on: date,
    total: int,
    sections: Mapping[Section, int],
    settlement: Settlement,
) -> Notice:
    """Announce an invoice, with what becomes of it: charged, paid by credit, or nothing to pay."""
    facts = {section.value.lower(): show_cents(amount) for section, amount in sections.items()}
    facts |= {"invoice": str(number), "date": show_day(on), "total": show_cents(total)}
    if settlement.applied > 0:
        facts["credit"] = show_cents(-settlement.applied)
    if settlement.applied < 0:
        facts["carried"] = show_cents(-settlement.applied)
    facts["due"] = show_cents(settlement.due)
    return Notice(
        account,
        None,
        NoticeKind.INVOICE_ISSUED,
        title=f"{account.row.name}: invoice {number} for {show_cents(total)}",
        body=f"Invoice {number} of {show_day(on)} comes to {show_cents(total)}. "
        f"{_what_becomes(account, total, settlement)}",
        facts=facts,
    )


def payment_failed(
    account: AccountNow,
    *,
    number: int,
    due: int,
    reason: str,
    next_attempt: date | None,
    freeze_on: date | None,
) -> Notice:
    """Announce that a charge failed, why, and what happens next; without a next attempt, retries have stopped."""
    facts = {"invoice": str(number), "due": show_cents(due), "reason": reason}
    ahead = "It is not tried again by itself: give another payment method or pay by hand."
    if next_attempt is not None:
        facts["next_attempt"] = show_day(next_attempt)
        ahead = f"The next attempt is on {show_day(next_attempt)}; another payment method is charged at once."
    return Notice(
        account,
        None,
        NoticeKind.PAYMENT_FAILED,
        title=f"{account.row.name}: the payment of invoice {number} failed",
        body=f"{show_cents(due)} for invoice {number} could not be charged: {reason} {ahead}{_freeze(facts, freeze_on)}",
        facts=facts,
    )


def action_needed(
    account: AccountNow, *, number: int, due: int, action_url: str, freeze_on: date | None
) -> Notice:
    """Announce that the payer's bank wants the payment confirmed, at an address."""
    facts = {"invoice": str(number), "due": show_cents(due), "action_url": action_url}
    return Notice(
        account,
        None,
        NoticeKind.ACTION_NEEDED,
        title=f"{account.row.name}: confirm the payment of invoice {number}",
        body=f"Your bank asks you to confirm the payment of {show_cents(due)} for invoice {number}. "
        f"Until then nothing is charged.{_freeze(facts, freeze_on)}",
        facts=facts,
    )


def frozen(account: AccountNow, *, number: int, due: int) -> Notice:
    """Announce that access is frozen because of an invoice."""
    return Notice(
        account,
        None,
        NoticeKind.FROZEN,
        title=f"{account.row.name}: access is frozen",
        body=f"Invoice {number} was not paid in time, so access is frozen. Pay {show_cents(due)}, and whatever else is "
        "open, and it is restored at once.",
        facts={"invoice": str(number), "due": show_cents(due)},
    )


def restored(account: AccountNow) -> Notice:
    """Announce that access is back."""
    return Notice(
        account,
        None,
        NoticeKind.RESTORED,
        title=f"{account.row.name}: access is restored",
        body="Every open invoice is paid, and everything works again. Thank you.",
    )


def invited(account: AccountNow, workspace: Workspace, teammate: Teammate) -> Notice:
    """Ask a person in; nobody else gets it."""
    until = show_day(local_day(teammate.invite_expires_at, account.zone))
    seat = teammate.seat.lower()
    return Notice(
        account,
        workspace.id,
        NoticeKind.INVITE,
        title=f"{account.row.name} invites you to {workspace.name}",
        body=f"{teammate.name}, you are invited to {workspace.name} of {account.row.name}, with a {seat} seat. "
        f"The invite is open until {until}.",
        facts={"where": workspace.name, "seat": seat.capitalize(), "until": until},
        to=(teammate.email,),
    )


def _what_becomes(account: AccountNow, total: int, settlement: Settlement) -> str:
    if total < 0:
        return f"{show_cents(-total)} is kept as credit for what comes next; there is nothing to pay."
    if settlement.due == 0 and settlement.balance < 0:
        return "That is too little to charge and waits on the account's balance; there is nothing to pay now."
    if settlement.due == 0:
        return (
            "It is paid from the account's credit; there is nothing to pay."
            if total
            else "There is nothing to pay."
        )
    due = "It" if settlement.due == total else f"{show_cents(settlement.due)} of it"
    if settlement.due > total:
        due = f"With what was owed before, {show_cents(settlement.due)}"
    if account.row.payment_method is None:
        return f"{due} is due. No payment method is on file: add one, and it is charged at once."
    brand = (account.row.card_brand or "payment method").replace("_", " ").title()
    return f"{due} is charged to the {brand} that ends in {account.row.card_last4}."


def _freeze(facts: dict[str, str], freeze_on: date | None) -> str:
    """Note the day of the freeze, and give the sentence that tells it."""
    if freeze_on is None:
        return ""
    facts["freeze_on"] = show_day(freeze_on)
    return f" If the invoice is still open on {show_day(freeze_on)}, access is frozen."

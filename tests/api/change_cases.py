"""Every change that can be previewed, each in a situation in which it is allowed: what to arrange, and its input."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.database import session_maker
from tests.api.refusal_cases import NOW, Installation, bare, pending
from tests.scenarios.books import NEXT_VERSION, publish_next_book
from tests.scenarios.player import Player, Sent

MIDDLE = datetime(2026, 9, 20, 15, tzinfo=UTC)
TERMS: dict[str, Any] = {"plan": "ADVANCED", "months": 12, "billingMonths": 1, "seats": 3}

Arranged = tuple[Player, dict[str, Any]]
Arrange = Callable[[Installation], Awaitable[Arranged]]


@dataclass(frozen=True, slots=True)
class Situation:
    """A change that is allowed: its mutation, and what makes it so."""

    mutation: str
    arrange: Arrange


SITUATIONS: dict[str, Situation] = {}


def situation(mutation: str, sentence: str) -> Callable[[Arrange], Arrange]:
    """Register a situation in which a mutation is allowed."""

    def register(arrange: Arrange) -> Arrange:
        assert sentence not in SITUATIONS
        SITUATIONS[sentence] = Situation(mutation, arrange)
        return arrange

    return register


async def people(at: Installation, seats: int = 3) -> Player:
    """Open an account whose workspace has some people with full seats."""
    player = await bare(at)
    for number in range(2, seats + 1):
        await player.seat(f"mate-{number}")
    return player


async def monthly(at: Installation, plan: str = "ESSENTIAL", *, psp: bool = False) -> Player:
    """Three people, a monthly subscription, some usage and a seat more, ten days on."""
    player = await people(at)
    await player.do("subscriptionStart", accountId=player.account_id, plan=plan, psp=psp)
    return await later(player)


async def yearly(at: Installation, *, psp: bool = False) -> Player:
    """Three purchased seats of Advanced, some usage and one seat of overage, ten days on."""
    player = await people(at)
    await player.do("yearlyStart", accountId=player.account_id, plan="ADVANCED", seats=3, psp=psp)
    return await later(player)


async def contract(at: Installation) -> Player:
    """A contract of three seats, some usage and one seat above the commitment, ten days on."""
    player = await people(at)
    await player.do("contractSign", accountId=player.account_id, terms=TERMS)
    return await later(player)


async def later(player: Player) -> Player:
    """Let one more accept and send some emails, and go on to the middle of the period."""
    await player.go_to(NOW + timedelta(days=3))
    await player.seat("one-more")
    await player.use([Sent("emails", "BULK_EMAIL", 2_000, player.now)])
    await player.go_to(MIDDLE)
    return player


@situation("subscriptionStart", "a subscription starts")
async def start(at: Installation) -> Arranged:
    player = await people(at)
    return player, {"accountId": player.account_id, "plan": "EXPERT", "psp": True}


@situation("trialConvert", "a trial becomes paid now")
async def convert_now(at: Installation) -> Arranged:
    player = await trial(at)
    return player, {"accountId": player.account_id, "plan": "ADVANCED", "when": "NOW"}


@situation("trialConvert", "a trial is to become paid as it ends")
async def convert_later(at: Installation) -> Arranged:
    player = await trial(at)
    await player.pay_with("tok_visa")
    return player, {"accountId": player.account_id, "plan": "ADVANCED", "psp": True}


async def trial(at: Installation) -> Player:
    """A trial of three people."""
    player = await people(at)
    await player.do("trialStart", accountId=player.account_id, plan="EXPERT")
    return player


@situation("planChange", "a monthly plan changes")
async def change_plan(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"accountId": player.account_id, "plan": "ADVANCED"}


@situation("planChange", "a yearly plan is upgraded")
async def upgrade(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"accountId": player.account_id, "plan": "EXPERT"}


@situation("planChange", "a yearly plan is upgraded and invoiced now")
async def upgrade_now(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"accountId": player.account_id, "plan": "EXPERT", "invoiceNow": True}


@situation("pspAdd", "the add-on is added to a month")
async def add_psp(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"accountId": player.account_id}


@situation("pspAdd", "the add-on is added to a year and invoiced now")
async def add_psp_now(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"accountId": player.account_id, "invoiceNow": True}


@situation("pspRemove", "the add-on is removed")
async def remove_psp(at: Installation) -> Arranged:
    player = await monthly(at, psp=True)
    return player, {"accountId": player.account_id}


@situation("yearlyStart", "a yearly subscription starts")
async def start_yearly(at: Installation) -> Arranged:
    player = await people(at)
    return player, {"accountId": player.account_id, "plan": "ADVANCED", "seats": 5, "psp": True}


@situation("yearlyStart", "a monthly subscription is switched to yearly")
async def switch(at: Installation) -> Arranged:
    player = await monthly(at, psp=True)
    return player, {"accountId": player.account_id, "plan": "ESSENTIAL", "seats": 6}


@situation("yearlyStart", "a trial is switched to yearly")
async def trial_to_yearly(at: Installation) -> Arranged:
    player = await trial(at)
    return player, {"accountId": player.account_id, "plan": "ESSENTIAL", "seats": 5}


@situation("seatsBuy", "seats are bought")
async def buy(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"accountId": player.account_id, "seats": 6}


@situation("seatsBuy", "seats are bought and invoiced now")
async def buy_now(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"accountId": player.account_id, "seats": 6, "invoiceNow": True}


@situation("renewalSet", "a renewal with fewer seats on a smaller plan is set")
async def renew_with_less(at: Installation) -> Arranged:
    player = await yearly(at, psp=True)
    await player.go_to(datetime(2027, 8, 11, tzinfo=UTC))
    return player, {"accountId": player.account_id, "seats": 2, "plan": "ESSENTIAL", "psp": False}


@situation("renewalSet", "a renewal to paying monthly is set")
async def renew_monthly(at: Installation) -> Arranged:
    player = await yearly(at)
    await player.go_to(datetime(2027, 8, 11, tzinfo=UTC))
    return player, {"accountId": player.account_id, "monthly": True}


@situation("subscriptionCancel", "a monthly subscription is cancelled")
async def cancel(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"accountId": player.account_id}


@situation("subscriptionCancel", "a yearly subscription is cancelled")
async def cancel_yearly(at: Installation) -> Arranged:
    player = await yearly(at)
    await player.go_to(datetime(2027, 8, 11, tzinfo=UTC))
    return player, {"accountId": player.account_id}


@situation("subscriptionResume", "a cancelled subscription goes on")
async def resume(at: Installation) -> Arranged:
    player = await monthly(at)
    await player.do("subscriptionCancel", accountId=player.account_id)
    return player, {"accountId": player.account_id}


@situation("earlyStageStart", "the Early Stage programme starts")
async def early_stage(at: Installation) -> Arranged:
    player = await people(at, seats=8)
    return player, {"accountId": player.account_id}


@situation("bookMigrate", "another price book applies today")
async def migrate(at: Installation) -> Arranged:
    player = await under_the_first_book(at)
    return player, {"accountId": player.account_id, "version": NEXT_VERSION}


@situation("bookMigrate", "another price book applies from a date")
async def migrate_on(at: Installation) -> Arranged:
    player = await under_the_first_book(at)
    return player, {"accountId": player.account_id, "version": NEXT_VERSION, "on": "2026-09-28"}


@situation("bookMigrate", "another price book applies as a year renews")
async def migrate_at_renewal(at: Installation) -> Arranged:
    await publish_next_book(session_maker(at.engine))
    player = await yearly(at)
    return player, {"accountId": player.account_id, "version": NEXT_VERSION}


async def under_the_first_book(at: Installation) -> Player:
    """A monthly subscription that signed the shipped price book before the next one was in force."""
    await publish_next_book(session_maker(at.engine))
    return await monthly(at)


@situation("contractSign", "a contract starts")
async def sign(at: Installation) -> Arranged:
    player = await people(at, seats=5)
    usage = [{"metric": "MESSAGES_SENT", "units": 2_000}]
    terms = {**TERMS, "billingMonths": 3, "usage": usage, "pspFrom": "2026-10-05"}
    return player, {"accountId": player.account_id, "terms": terms}


@situation("contractSign", "a contract replaces a yearly subscription")
async def sign_over(at: Installation) -> Arranged:
    player = await yearly(at, psp=True)
    return player, {"accountId": player.account_id, "terms": TERMS}


@situation("contractAmend", "a contract is amended")
async def amend(at: Installation) -> Arranged:
    player = await contract(at)
    usage = [{"metric": "BULK_EMAIL", "units": 1_000, "monthlyPrice": "30.00"}]
    return player, {"accountId": player.account_id, "terms": {**TERMS, "seats": 4, "usage": usage}}


@situation("contractEnd", "a contract is not to renew")
async def end(at: Installation) -> Arranged:
    player = await contract(at)
    await player.go_to(datetime(2027, 8, 11, tzinfo=UTC))
    return player, {"accountId": player.account_id}


@situation("seatAccept", "an invite is accepted in a month")
async def accept(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"teammateId": await pending(player)}


@situation("seatAccept", "an invite is accepted above the purchased seats")
async def accept_above_the_purchased(at: Installation) -> Arranged:
    player = await yearly(at)
    return player, {"teammateId": await pending(player)}


@situation("seatAccept", "an invite is accepted above the committed seats")
async def accept_above_the_committed(at: Installation) -> Arranged:
    player = await contract(at)
    return player, {"teammateId": await pending(player)}


@situation("seatSwitch", "a seat is switched")
async def switch_seat(at: Installation) -> Arranged:
    player = await monthly(at, "ADVANCED")
    return player, {"teammateId": player.people["mate-2"], "seat": "LITE"}


@situation("teammateRemove", "a teammate is removed")
async def remove(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"teammateId": player.people["mate-2"]}


@situation("seatDatesCorrect", "a seat turns out to have been accepted earlier")
async def correct_a_date(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"teammateId": player.people["one-more"], "acceptedOn": "2026-09-11"}


@situation("seatDatesCorrect", "the date of a removal is corrected")
async def correct_dates(at: Installation) -> Arranged:
    player = await monthly(at)
    await player.remove("one-more")
    return player, {"teammateId": player.people["one-more"], "removedOn": "2026-09-17"}


@situation("trialStart", "a trial starts")
async def start_trial(at: Installation) -> Arranged:
    player = await people(at)
    return player, {"accountId": player.account_id, "plan": "EXPERT"}


@situation("trialExtend", "a trial that is to become paid is extended")
async def extend_trial(at: Installation) -> Arranged:
    player = await trial(at)
    await player.pay_with("tok_visa")
    await player.do("trialConvert", accountId=player.account_id, plan="ADVANCED")
    return player, {"accountId": player.account_id}


@situation("workspaceCreate", "a workspace opens")
async def open_workspace(at: Installation) -> Arranged:
    player = await monthly(at)
    who = {"creatorName": "Bo", "creatorEmail": "bo@example.com"}
    return player, {"accountId": player.account_id, "name": "Sales", **who}


@situation("workspaceMove", "a workspace moves between two paid accounts")
async def move(at: Installation) -> Arranged:
    player = await monthly(at)
    opened = await at.api.do("accountCreate", "account { id }", name="B", testClockId=player.clock_id)
    there = opened["account"]["id"]
    who = {"creatorName": "Bo", "creatorEmail": "bo@example.com"}
    await player.do("workspaceCreate", accountId=there, name="Sales", **who)
    await player.do("subscriptionStart", accountId=there, plan="ADVANCED")
    return player, {"workspaceId": player.workspace_id, "toAccountId": there}


@situation("usageRecord", "usage comes in, some of it late")
async def use(at: Installation) -> Arranged:
    player = await into_the_second_month(at)
    events = [
        {"eventId": each, "metric": "BULK_EMAIL", "quantity": 3_000, "at": moment.isoformat()}
        for each, moment in (("now", player.now), ("late", MIDDLE))
    ]
    return player, {"workspaceId": player.workspace_id, "events": events}


@situation("usageTakeBack", "usage that was billed is taken back")
async def take_back(at: Installation) -> Arranged:
    player = await into_the_second_month(at)
    return player, {"workspaceId": player.workspace_id, "eventId": "emails", "reason": "by mistake"}


async def into_the_second_month(at: Installation) -> Player:
    """A monthly subscription whose first month is billed."""
    player = await monthly(at)
    await player.go_to(datetime(2026, 10, 12, tzinfo=UTC))
    return player


@situation("creditNoteCreate", "a part of an open invoice is forgiven")
async def forgive_open(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"invoiceId": await last_invoice(player), "amount": "10.00", "reason": "goodwill"}


@situation("creditNoteCreate", "a part of a paid invoice is forgiven")
async def forgive_paid(at: Installation) -> Arranged:
    player = await paid(at)
    return player, {"invoiceId": await last_invoice(player), "amount": "10.00", "reason": "goodwill"}


@situation("invoiceVoid", "an open invoice is undone")
async def void(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"invoiceId": await last_invoice(player), "reason": "by mistake"}


@situation("invoiceWriteOff", "an open invoice is given up")
async def write_off(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"invoiceId": await last_invoice(player), "reason": "they went away"}


@situation("refundCreate", "credit is paid back")
async def pay_back(at: Installation) -> Arranged:
    player = await paid(at)
    note = {"invoiceId": await last_invoice(player), "amount": "10.00", "reason": "goodwill"}
    await player.do("creditNoteCreate", **note)
    found = await at.api.ask(
        "query ($id: ID!) { account(id: $id) { payments { edges { node { id } } } } }", id=player.account_id
    )
    payment_id = found["account"]["payments"]["edges"][0]["node"]["id"]
    return player, {"paymentId": payment_id, "amount": "8.00", "reason": "goodwill"}


async def paid(at: Installation) -> Player:
    """A monthly subscription whose first invoice is paid."""
    player = await people(at)
    await player.pay_with("tok_visa")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    return await later(player)


async def last_invoice(player: Player) -> str:
    """Give the id of an account's last invoice."""
    invoice_id: str = (await player.invoices())[-1]["id"]
    return invoice_id

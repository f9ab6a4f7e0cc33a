"""How each refusal of each mutation is provoked: a situation, an input, and the refusal with its facts.

A case is registered under its mutation; completeness is checked against the schema's result unions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.node_ids import decode_node_id
from domain.calendar import UnknownTimeZone
from domain.contacts import BadEmailAddress, NoBillingContact, TooManyBillingContacts
from domain.events import AlreadyTakenBack, BatchTooLarge, UnknownEvent
from domain.invoicing import InvoiceNotOpen
from domain.refusal import Refusal
from domain.seats import LiteSeatsExhausted, TooManyLiteSeats
from domain.subscriptions import (
    AlreadyOnPlan,
    NotInTrial,
    PspAlreadyActive,
    PspNotActive,
    TrialExtendedAlready,
    TrialRunning,
)
from services.apikeys import UnknownKey
from services.beginnings import AlreadySubscribed, NoWorkspace
from services.histories import NoSubscription
from services.paymentmethods import BadReturnUrl, PaymentMethodNotKept, ProviderUnreachable
from services.payments import NoPaymentMethod
from services.seats import AlreadyPresent, InviteExpired, InviteNotPending, NotActive, SeatHeldAlready
from services.testclocks import AdvanceRunning, ClockGoesForward, ClockOutOfRange, TooFar
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, Sent, new_player

NOW = datetime(2026, 9, 10, 9, tzinfo=UTC)
TRIAL_ADVICE = "it has every add-on; choose Proactive Support Plus for the time after when you convert it"


@dataclass(frozen=True, slots=True)
class Installation:
    """What a case may arrange with: an operator's client, the database and the payment provider."""

    api: Api
    engine: AsyncEngine
    provider: RunningProvider


# The input, what is answered, and who asks: the operator unless told.
Asked = tuple[dict[str, Any], Refusal] | tuple[dict[str, Any], Refusal, Api]
Case = Callable[[Installation], Awaitable[Asked]]
CASES: dict[tuple[str, str], Case] = {}


def case(mutation: str, refusal: type[Refusal]) -> Callable[[Case], Case]:
    """Register how a refusal of a mutation is provoked."""

    def register(arrange: Case) -> Case:
        assert (mutation, refusal.__name__) not in CASES
        CASES[mutation, refusal.__name__] = arrange
        return arrange

    return register


async def bare(at: Installation) -> Player:
    """Open an account with a workspace, and nothing else."""
    return await new_player(at.api, now=NOW, token=None)


async def empty(at: Installation) -> str:
    """Open an account without a workspace."""
    opened = await at.api.do("accountCreate", "account { id }", name="Acme")
    account_id: str = opened["account"]["id"]
    return account_id


async def subscribed(at: Installation, plan: str = "ESSENTIAL", *, psp: bool = False) -> Player:
    """Open an account with a paid subscription."""
    player = await bare(at)
    await player.do("subscriptionStart", accountId=player.account_id, plan=plan, psp=psp)
    return player


async def in_trial(at: Installation, plan: str = "ESSENTIAL") -> Player:
    """Open an account with a trial."""
    player = await bare(at)
    await player.do("trialStart", accountId=player.account_id, plan=plan)
    return player


async def pending(player: Player, name: str = "ida", seat: str = "FULL") -> str:
    """Invite somebody, who does not answer."""
    invited = await player.do(
        "teammateInvite",
        "teammate { id }",
        workspaceId=player.workspace_id,
        name=name,
        email=f"{name}@example.com",
        seat=seat,
    )
    teammate_id: str = invited["teammate"]["id"]
    return teammate_id


def one_event(event_id: str = "a") -> dict[str, Any]:
    """Give a usage event."""
    return {"eventId": event_id, "metric": "BULK_EMAIL", "quantity": 1, "at": NOW.isoformat()}


@case("accountCreate", UnknownTimeZone)
async def unknown_time_zone(_: Installation) -> Asked:
    return {"name": "Acme", "timeZone": "Mars/Olympus"}, UnknownTimeZone("Mars/Olympus")


@case("apiKeyRevoke", UnknownKey)
async def unknown_key(_: Installation) -> Asked:
    return {"publicId": "0123456789ab"}, UnknownKey("0123456789ab")


@case("testClockCreate", ClockOutOfRange)
async def clock_made_out_of_range(_: Installation) -> Asked:
    return {"name": "Long ago", "now": "1999-12-31T23:59:59Z"}, ClockOutOfRange(2000, 2150)


@case("testClockAdvance", ClockOutOfRange)
async def clock_advanced_out_of_range(at: Installation) -> Asked:
    player = await bare(at)
    return {"testClockId": player.clock_id, "to": "2151-01-01T00:00:00Z"}, ClockOutOfRange(2000, 2150)


@case("testClockAdvance", ClockGoesForward)
async def clock_backward(at: Installation) -> Asked:
    player = await bare(at)
    to = NOW - timedelta(microseconds=1)
    return {"testClockId": player.clock_id, "to": to.isoformat()}, ClockGoesForward(NOW)


@case("testClockAdvance", TooFar)
async def clock_too_far(at: Installation) -> Asked:
    player = await bare(at)
    to = NOW + timedelta(days=731, microseconds=1)
    return {"testClockId": player.clock_id, "to": to.isoformat()}, TooFar(731)


@case("testClockAdvance", AdvanceRunning)
async def clock_advancing(at: Installation) -> Asked:
    player = await bare(at)
    target, clock = NOW + timedelta(days=1), decode_node_id(player.clock_id)
    assert clock is not None
    async with at.engine.begin() as connection:
        # As a process leaves it that is at work on it.
        await connection.execute(
            text(
                "UPDATE test_clocks SET target_at = :target, lease_until = now() + interval '1 hour' "
                "WHERE id = cast(:clock AS text)::uuid"
            ),
            {"target": target, "clock": clock.local_id},
        )
    return {"testClockId": player.clock_id, "to": target.isoformat()}, AdvanceRunning(target)


@case("workspaceCreate", BadEmailAddress)
async def bad_creator(at: Installation) -> Asked:
    given = {"accountId": await empty(at), "name": "Desk", "creatorName": "Bo", "creatorEmail": "bo@nowhere"}
    return given, BadEmailAddress("bo@nowhere")


@case("billingContactsSet", BadEmailAddress)
async def bad_contact(at: Installation) -> Asked:
    player = await bare(at)
    emails = ["good@example.com", "two words@example.com"]
    return {"workspaceId": player.workspace_id, "emails": emails}, BadEmailAddress(emails[1])


@case("billingContactsSet", NoBillingContact)
async def no_contact(at: Installation) -> Asked:
    return {"workspaceId": (await bare(at)).workspace_id, "emails": []}, NoBillingContact()


@case("billingContactsSet", TooManyBillingContacts)
async def too_many_contacts(at: Installation) -> Asked:
    player = await bare(at)
    emails = [f"contact-{number}@example.com" for number in range(51)]
    return {"workspaceId": player.workspace_id, "emails": emails}, TooManyBillingContacts(51, 50)


@case("teammateInvite", BadEmailAddress)
async def bad_invite(at: Installation) -> Asked:
    player = await bare(at)
    return {"workspaceId": player.workspace_id, "name": "Cy", "email": "cy"}, BadEmailAddress("cy")


@case("teammateInvite", AlreadyPresent)
async def invited_twice(at: Installation) -> Asked:
    player = await bare(at)
    await pending(player)
    given = {"workspaceId": player.workspace_id, "name": "Ida", "email": "IDA@example.com"}
    return given, AlreadyPresent("IDA@example.com", "pending")


@case("teammateInvite", LiteSeatsExhausted)
async def no_lite_seat_to_invite_to(at: Installation) -> Asked:
    player = await subscribed(at)
    given = {"workspaceId": player.workspace_id, "name": "Cy", "email": "cy@example.com", "seat": "LITE"}
    return given, LiteSeatsExhausted("Essential", 0, 0)


@case("inviteResend", InviteNotPending)
async def resend_to_somebody_active(at: Installation) -> Asked:
    return {"teammateId": (await bare(at)).creator_id}, InviteNotPending("active")


@case("inviteRevoke", InviteNotPending)
async def revoke_twice(at: Installation) -> Asked:
    player = await bare(at)
    teammate_id = await pending(player)
    await player.do("inviteRevoke", teammateId=teammate_id)
    return {"teammateId": teammate_id}, InviteNotPending("revoked")


@case("seatAccept", InviteNotPending)
async def accept_twice(at: Installation) -> Asked:
    player = await bare(at)
    teammate_id = await pending(player)
    await player.do("seatAccept", teammateId=teammate_id)
    return {"teammateId": teammate_id}, InviteNotPending("active")


@case("seatAccept", InviteExpired)
async def accept_at_the_moment_the_invite_expires(at: Installation) -> Asked:
    player = await bare(at)
    teammate_id = await pending(player)
    expires_at = NOW + timedelta(days=30)
    await player.go_to(expires_at)
    return {"teammateId": teammate_id}, InviteExpired(expires_at)


@case("seatAccept", LiteSeatsExhausted)
async def no_lite_seat_to_accept(at: Installation) -> Asked:
    player = await bare(at)
    teammate_id = await pending(player, seat="LITE")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    return {"teammateId": teammate_id}, LiteSeatsExhausted("Essential", 0, 0)


@case("seatSwitch", NotActive)
async def switch_somebody_pending(at: Installation) -> Asked:
    teammate_id = await pending(await bare(at))
    return {"teammateId": teammate_id, "seat": "LITE"}, NotActive("pending")


@case("seatSwitch", SeatHeldAlready)
async def switch_to_the_same(at: Installation) -> Asked:
    return {"teammateId": (await bare(at)).creator_id, "seat": "FULL"}, SeatHeldAlready("full")


@case("seatSwitch", LiteSeatsExhausted)
async def switch_to_one_lite_seat_too_many(at: Installation) -> Asked:
    player = await subscribed(at, "ADVANCED")
    for number in range(20):
        await player.seat(f"lite-{number:02}", seat="LITE")
    return {"teammateId": player.creator_id, "seat": "LITE"}, LiteSeatsExhausted("Advanced", 20, 20)


@case("teammateRemove", NotActive)
async def remove_twice(at: Installation) -> Asked:
    player = await bare(at)
    await player.remove("founder")
    return {"teammateId": player.creator_id}, NotActive("removed")


@case("subscriptionStart", AlreadySubscribed)
async def second_subscription(at: Installation) -> Asked:
    player = await subscribed(at)
    return {"accountId": player.account_id, "plan": "EXPERT"}, AlreadySubscribed(date(2026, 9, 10))


@case("subscriptionStart", NoWorkspace)
async def subscription_without_workspace(at: Installation) -> Asked:
    return {"accountId": await empty(at), "plan": "EXPERT"}, NoWorkspace()


@case("subscriptionStart", TooManyLiteSeats)
async def subscription_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await bare(at))
    return {"accountId": player.account_id, "plan": "ESSENTIAL"}, NO_ROOM


@case("trialStart", AlreadySubscribed)
async def trial_beside_a_subscription(at: Installation) -> Asked:
    player = await in_trial(at)
    return {"accountId": player.account_id, "plan": "EXPERT"}, AlreadySubscribed(date(2026, 9, 10))


@case("trialStart", NoWorkspace)
async def trial_without_workspace(at: Installation) -> Asked:
    return {"accountId": await empty(at), "plan": "EXPERT"}, NoWorkspace()


@case("trialStart", TooManyLiteSeats)
async def trial_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await bare(at))
    return {"accountId": player.account_id, "plan": "ESSENTIAL"}, NO_ROOM


@case("trialExtend", NoSubscription)
async def extend_nothing(at: Installation) -> Asked:
    return {"accountId": await empty(at)}, NoSubscription()


@case("trialExtend", NotInTrial)
async def extend_what_is_paid(at: Installation) -> Asked:
    return {"accountId": (await subscribed(at)).account_id}, NotInTrial()


@case("trialExtend", TrialExtendedAlready)
async def extend_twice(at: Installation) -> Asked:
    player = await in_trial(at)
    await player.do("trialExtend", accountId=player.account_id)
    return {"accountId": player.account_id}, TrialExtendedAlready(date(2026, 10, 1))


@case("trialConvert", NoSubscription)
async def convert_nothing(at: Installation) -> Asked:
    return {"accountId": await empty(at), "plan": "EXPERT"}, NoSubscription()


@case("trialConvert", NotInTrial)
async def convert_what_is_paid(at: Installation) -> Asked:
    return {"accountId": (await subscribed(at)).account_id, "plan": "EXPERT", "when": "NOW"}, NotInTrial()


@case("trialConvert", TooManyLiteSeats)
async def convert_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await in_trial(at, "ADVANCED"))
    return {"accountId": player.account_id, "plan": "ESSENTIAL"}, NO_ROOM


@case("planChange", NoSubscription)
async def change_nothing(at: Installation) -> Asked:
    return {"accountId": await empty(at), "plan": "EXPERT"}, NoSubscription()


@case("planChange", AlreadyOnPlan)
async def change_to_the_same(at: Installation) -> Asked:
    player = await subscribed(at, "EXPERT")
    return {"accountId": player.account_id, "plan": "EXPERT"}, AlreadyOnPlan("Expert")


@case("planChange", TooManyLiteSeats)
async def change_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await subscribed(at, "ADVANCED"))
    return {"accountId": player.account_id, "plan": "ESSENTIAL"}, NO_ROOM


@case("pspAdd", NoSubscription)
async def add_psp_to_nothing(at: Installation) -> Asked:
    return {"accountId": await empty(at)}, NoSubscription()


@case("pspAdd", TrialRunning)
async def add_psp_to_a_trial(at: Installation) -> Asked:
    return {"accountId": (await in_trial(at)).account_id}, TrialRunning(date(2026, 9, 24), TRIAL_ADVICE)


@case("pspAdd", PspAlreadyActive)
async def add_psp_twice(at: Installation) -> Asked:
    player = await subscribed(at)
    await player.do("pspAdd", accountId=player.account_id)
    return {"accountId": player.account_id}, PspAlreadyActive()


@case("pspRemove", NoSubscription)
async def remove_psp_from_nothing(at: Installation) -> Asked:
    return {"accountId": await empty(at)}, NoSubscription()


@case("pspRemove", TrialRunning)
async def remove_psp_from_a_trial(at: Installation) -> Asked:
    return {"accountId": (await in_trial(at)).account_id}, TrialRunning(date(2026, 9, 24), TRIAL_ADVICE)


@case("pspRemove", PspNotActive)
async def remove_psp_twice(at: Installation) -> Asked:
    player = await subscribed(at, psp=True)
    await player.do("pspRemove", accountId=player.account_id)
    return {"accountId": player.account_id}, PspNotActive()


@case("usageRecord", BatchTooLarge)
async def one_event_too_many(at: Installation) -> Asked:
    player = await subscribed(at)
    events = [one_event(f"event-{number}") for number in range(1_001)]
    return {"workspaceId": player.workspace_id, "events": events}, BatchTooLarge(1_001, 1_000)


@case("usageTakeBack", UnknownEvent)
async def take_back_nothing(at: Installation) -> Asked:
    player = await subscribed(at)
    return {"workspaceId": player.workspace_id, "eventId": "a", "reason": "none"}, UnknownEvent("a")


@case("usageTakeBack", AlreadyTakenBack)
async def take_back_twice(at: Installation) -> Asked:
    player = await subscribed(at)
    await player.use([Sent("a", "BULK_EMAIL", 1, NOW)])
    await player.take_back("a")
    return {"workspaceId": player.workspace_id, "eventId": "a", "reason": "again"}, AlreadyTakenBack("a")


@case("paymentMethodSet", PaymentMethodNotKept)
async def refused_card(at: Installation) -> Asked:
    player = await bare(at)
    reason = "This payment method cannot be used."
    return {"accountId": player.account_id, "token": "tok_refused"}, PaymentMethodNotKept(reason)


@case("paymentMethodSet", ProviderUnreachable)
async def provider_away(at: Installation) -> Asked:
    player = await bare(at)
    at.provider.misbehave({"kind": "drop_before", "target": "attach"})
    return {"accountId": player.account_id, "token": "tok_visa"}, ProviderUnreachable()


@case("paymentMethodPageOpen", BadReturnUrl)
async def page_that_leads_nowhere(at: Installation) -> Asked:
    player = await bare(at)
    return {"accountId": player.account_id, "returnUrl": "javascript:alert(1)"}, BadReturnUrl()


@case("paymentMethodPageOpen", ProviderUnreachable)
async def page_of_a_provider_away(at: Installation) -> Asked:
    player = await bare(at)
    at.provider.misbehave({"kind": "drop_before", "target": "page"})
    given = {"accountId": player.account_id, "returnUrl": "https://app.example/billing"}
    return given, ProviderUnreachable()


@case("invoicePay", InvoiceNotOpen)
async def pay_twice(at: Installation) -> Asked:
    player = await subscribed(at)
    await player.pay_with("tok_visa")
    await player.go_to(NOW + timedelta(days=1))
    (invoice,) = await player.invoices()
    return {"invoiceId": invoice["id"]}, InvoiceNotOpen(1, "PAID")


@case("invoicePay", NoPaymentMethod)
async def pay_with_nothing(at: Installation) -> Asked:
    (invoice,) = await (await subscribed(at)).invoices()
    return {"invoiceId": invoice["id"]}, NoPaymentMethod()


NO_ROOM = TooManyLiteSeats("Essential", 0, 2, 2, "ann, bob")


async def with_lite_teammates(player: Player) -> Player:
    """Give two people lite seats."""
    for name in ("bob", "ann"):
        await player.seat(name, seat="LITE")
    return player

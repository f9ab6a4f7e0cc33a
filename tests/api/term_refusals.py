"""How each refusal about terms, contracts, ends and previews is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.refusal import Refusal
from domain.seats import TooManyLiteSeats
from domain.subscriptions import (
    AlreadyCancelled,
    BadContractTerms,
    BundledSeats,
    ContractManaged,
    NoSeats,
    NotAPurchase,
    NotCancelled,
    NotMonthly,
    NotOnContract,
    NotYearly,
    TooFewSeats,
    TrialRunning,
    UnknownBook,
    WaitsForRenewal,
)
from services.beginnings import AlreadySubscribed, NoWorkspace
from services.changes import PriceChanged
from services.histories import NoSubscription
from tests.api.change_cases import SITUATIONS, TERMS, contract
from tests.api.refusal_cases import (
    NO_ROOM,
    Asked,
    Case,
    Installation,
    bare,
    case,
    empty,
    in_trial,
    subscribed,
    with_lite_teammates,
)
from tests.scenarios.player import Player

TODAY = date(2026, 9, 10)
RENEWAL = date(2027, 9, 10)
TRIAL_END = date(2026, 9, 24)
STALE = "a preview of something else"

# What each mutation takes beside the account.
MORE: dict[str, dict[str, Any]] = {
    "planChange": {"plan": "EXPERT"},
    "yearlyStart": {"plan": "ADVANCED", "seats": 1},
    "seatsBuy": {"seats": 2},
    "bookMigrate": {"version": 99},
    "contractSign": {"terms": TERMS},
    "contractAmend": {"terms": TERMS},
}


async def on_year(at: Installation, plan: str = "ADVANCED", *, psp: bool = False) -> Player:
    """Open an account that pays yearly for one seat."""
    player = await bare(at)
    await player.do("yearlyStart", accountId=player.account_id, plan=plan, seats=1, psp=psp)
    return player


async def in_early_stage(at: Installation) -> Player:
    """Open an account in the Early Stage programme."""
    player = await bare(at)
    await player.do("earlyStageStart", accountId=player.account_id)
    return player


def asked(mutation: str, player: Player | str, **given: Any) -> dict[str, Any]:
    """Give the input of a mutation for an account."""
    account_id = player if isinstance(player, str) else player.account_id
    return {"accountId": account_id, **MORE.get(mutation, {}), **given}


def without_subscription(mutation: str) -> Case:
    """Ask it of an account that has none."""

    async def arrange(at: Installation) -> Asked:
        return asked(mutation, await empty(at)), NoSubscription()

    return arrange


def without_workspace(mutation: str) -> Case:
    """Ask it of an account in which nobody works."""

    async def arrange(at: Installation) -> Asked:
        return asked(mutation, await empty(at)), NoWorkspace()

    return arrange


def under_contract(mutation: str) -> Case:
    """Ask it of an account whose contract a manager looks after."""

    async def arrange(at: Installation) -> Asked:
        return asked(mutation, await contract(at)), ContractManaged()

    return arrange


def bundled(mutation: str) -> Case:
    """Ask it of an account in the Early Stage programme."""

    async def arrange(at: Installation) -> Asked:
        return asked(mutation, await in_early_stage(at)), BundledSeats()

    return arrange


def paid_monthly(mutation: str, refusal: Refusal) -> Case:
    """Ask of a monthly subscription what it cannot do."""

    async def arrange(at: Installation) -> Asked:
        return asked(mutation, await subscribed(at)), refusal

    return arrange


def previewed_otherwise(mutation: str) -> Case:
    """Ask it with the token of a preview that showed something else."""
    allowed = next(each for each in SITUATIONS.values() if each.mutation == mutation)

    async def arrange(at: Installation) -> Asked:
        _, given = await allowed.arrange(at)
        return {**given, "previewToken": STALE}, PriceChanged()

    return arrange


for _mutation in (
    "seatsBuy",
    "renewalSet",
    "subscriptionCancel",
    "subscriptionResume",
    "bookMigrate",
    "contractAmend",
    "contractEnd",
):
    case(_mutation, NoSubscription)(without_subscription(_mutation))
for _mutation in ("yearlyStart", "earlyStageStart", "contractSign"):
    case(_mutation, NoWorkspace)(without_workspace(_mutation))
for _mutation in (
    "planChange",
    "pspAdd",
    "pspRemove",
    "yearlyStart",
    "subscriptionCancel",
    "subscriptionResume",
):
    case(_mutation, ContractManaged)(under_contract(_mutation))
for _mutation in ("planChange", "pspAdd", "pspRemove"):
    case(_mutation, BundledSeats)(bundled(_mutation))
for _mutation in ("seatsBuy", "renewalSet"):
    case(_mutation, NotYearly)(paid_monthly(_mutation, NotYearly()))
for _mutation in ("contractAmend", "contractEnd"):
    case(_mutation, NotOnContract)(paid_monthly(_mutation, NotOnContract()))
case("subscriptionResume", NotCancelled)(paid_monthly("subscriptionResume", NotCancelled()))
for _mutation in sorted({each.mutation for each in SITUATIONS.values()}):
    case(_mutation, PriceChanged)(previewed_otherwise(_mutation))


@case("planChange", WaitsForRenewal)
async def downgrade_of_a_year(at: Installation) -> Asked:
    return asked("planChange", await on_year(at), plan="ESSENTIAL"), WaitsForRenewal(RENEWAL)


@case("pspRemove", WaitsForRenewal)
async def remove_the_add_on_of_a_year(at: Installation) -> Asked:
    return asked("pspRemove", await on_year(at, psp=True)), WaitsForRenewal(RENEWAL)


@case("yearlyStart", TooFewSeats)
async def fewer_seats_than_held(at: Installation) -> Asked:
    player = await bare(at)
    for name in ("ann", "bob"):
        await player.seat(name)
    return asked("yearlyStart", player, seats=2), TooFewSeats(3, 2)


@case("yearlyStart", NoSeats)
async def a_year_for_nobody(at: Installation) -> Asked:
    return asked("yearlyStart", await bare(at), seats=0), NoSeats(0)


@case("renewalSet", NoSeats)
async def a_renewal_for_less_than_nobody(at: Installation) -> Asked:
    return asked("renewalSet", await on_year(at), seats=-3), NoSeats(-3)


@case("yearlyStart", TooManyLiteSeats)
async def a_year_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await bare(at))
    return asked("yearlyStart", player, plan="ESSENTIAL"), NO_ROOM


@case("yearlyStart", NotMonthly)
async def a_year_over_the_programme(at: Installation) -> Asked:
    return asked("yearlyStart", await in_early_stage(at)), NotMonthly("early stage")


@case("seatsBuy", NotAPurchase)
async def buy_what_is_purchased(at: Installation) -> Asked:
    return asked("seatsBuy", await on_year(at), seats=1), NotAPurchase(1, RENEWAL)


@case("renewalSet", TooManyLiteSeats)
async def a_renewal_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await on_year(at))
    return asked("renewalSet", player, plan="ESSENTIAL"), NO_ROOM


@case("subscriptionCancel", TrialRunning)
async def cancel_a_trial(at: Installation) -> Asked:
    advice = "it ends by itself unless you convert it"
    return asked("subscriptionCancel", await in_trial(at)), TrialRunning(TRIAL_END, advice)


@case("subscriptionCancel", AlreadyCancelled)
async def cancel_twice(at: Installation) -> Asked:
    player = await subscribed(at)
    await player.do("subscriptionCancel", accountId=player.account_id)
    return asked("subscriptionCancel", player), AlreadyCancelled(date(2026, 10, 10))


@case("earlyStageStart", AlreadySubscribed)
async def the_programme_beside_a_subscription(at: Installation) -> Asked:
    return asked("earlyStageStart", await subscribed(at)), AlreadySubscribed(TODAY)


@case("earlyStageStart", TooManyLiteSeats)
async def the_programme_without_room(at: Installation) -> Asked:
    player = await bare(at)
    names = [f"lite-{number:02}" for number in range(21)]
    for name in names:
        await player.seat(name, seat="LITE")
    named = ", ".join(names[:20])
    return asked("earlyStageStart", player), TooManyLiteSeats("Advanced", 20, 21, 1, named)


@case("bookMigrate", TrialRunning)
async def migrate_a_trial(at: Installation) -> Asked:
    advice = "migrate the paid subscription that follows it"
    return asked("bookMigrate", await in_trial(at)), TrialRunning(TRIAL_END, advice)


@case("bookMigrate", UnknownBook)
async def migrate_to_no_book(at: Installation) -> Asked:
    player = await subscribed(at)
    return asked("bookMigrate", player, on="2026-09-15"), UnknownBook(99, date(2026, 9, 15))


@case("contractSign", TooManyLiteSeats)
async def a_contract_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await bare(at))
    return asked("contractSign", player, terms={**TERMS, "plan": "ESSENTIAL"}), NO_ROOM


@case("contractSign", BadContractTerms)
async def a_broken_term(at: Installation) -> Asked:
    terms = {**TERMS, "months": 10, "billingMonths": 3}
    reason = "its term is a whole number of billing periods, at most 120 months"
    return asked("contractSign", await bare(at), terms=terms), BadContractTerms(reason)


@case("contractAmend", TooManyLiteSeats)
async def an_amendment_without_room(at: Installation) -> Asked:
    player = await with_lite_teammates(await contract(at))
    return asked("contractAmend", player, terms={**TERMS, "plan": "ESSENTIAL"}), NO_ROOM


@case("contractAmend", BadContractTerms)
async def an_amendment_of_the_length(at: Installation) -> Asked:
    terms = {**TERMS, "months": 24}
    reason = "an amendment keeps the contract's length and billing frequency"
    return asked("contractAmend", await contract(at), terms=terms), BadContractTerms(reason)


@case("contractEnd", AlreadyCancelled)
async def end_twice(at: Installation) -> Asked:
    player = await contract(at)
    await player.do("contractEnd", accountId=player.account_id)
    return asked("contractEnd", player), AlreadyCancelled(RENEWAL)

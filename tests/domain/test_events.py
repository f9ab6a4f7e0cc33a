"""Usage events: what one counts for, and which are turned away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import ONE_DAY
from domain.events import (
    ADVICE,
    EARLINESS,
    LATENESS,
    Access,
    AlreadyTakenBack,
    BatchTooLarge,
    Rejection,
    SentEvent,
    UnknownEvent,
    UsageEvent,
    access,
    judge,
    units,
    well_formed,
)
from domain.facts import Ended, Fact, PspAdded, PspRemoved, Started, TrialStarted
from domain.folding import phases
from domain.pricebook import Channel, Metric, Plan
from tests.domain.builders import BOOK, BOOKS, at

TICK = timedelta(microseconds=1)
NOW = at("2026-10-10")
START = Started(at("2026-01-01"), Plan.ESSENTIAL, True, BOOK.version, order=1)

EMAIL = UsageEvent("one", Metric.BULK_EMAIL, 1, NOW)
MESSAGE = UsageEvent("one", Metric.MESSAGES_SENT, 1, NOW, channel=Channel.POST)
FIN = UsageEvent("one", Metric.FIN_RESOLUTION, 1, NOW, conversation_id="c-1")


def allowed(*facts: Fact, zone: str = "UTC") -> Access:
    place = ZoneInfo(zone)
    return access(phases(facts, place, BOOKS), place)


def verdict(event: UsageEvent, *facts: Fact, now: datetime = NOW) -> Rejection | None:
    return judge(event, book=BOOK, allowed=allowed(*(facts or (START,))), now=now)


@pytest.mark.parametrize(
    "event",
    [
        EMAIL,
        MESSAGE,
        FIN,
        replace(EMAIL, metric=Metric.SMS_SEGMENT),
        replace(EMAIL, metric=Metric.WHATSAPP_SENT),
        replace(EMAIL, metric=Metric.PHONE_MINUTE, quantity=155),
        replace(EMAIL, quantity=10**9),
        *(replace(MESSAGE, channel=channel) for channel in Channel),
        replace(EMAIL, at=NOW + EARLINESS),
        replace(EMAIL, at=NOW - LATENESS),
    ],
)
def test_accepts_a_usage_event(event: UsageEvent) -> None:
    assert verdict(event) is None


@pytest.mark.parametrize(
    ("event", "rejection"),
    [
        (replace(FIN, quantity=2), Rejection.BAD_QUANTITY),
        (replace(MESSAGE, channel=None), Rejection.BAD_CHANNEL),
        (replace(EMAIL, channel=Channel.POST), Rejection.BAD_CHANNEL),
        (replace(FIN, channel=Channel.POST), Rejection.BAD_CHANNEL),
        (replace(FIN, conversation_id=None), Rejection.BAD_CONVERSATION),
        (replace(EMAIL, conversation_id="c-1"), Rejection.BAD_CONVERSATION),
        (replace(MESSAGE, conversation_id="c-1"), Rejection.BAD_CONVERSATION),
        (replace(EMAIL, at=NOW + EARLINESS + TICK), Rejection.IN_THE_FUTURE),
        (replace(EMAIL, at=NOW - LATENESS - TICK), Rejection.TOO_OLD),
        (replace(EMAIL, at=at("1970-01-01")), Rejection.TOO_OLD),
    ],
)
def test_rejects_an_event_that_cannot_be_counted(event: UsageEvent, rejection: Rejection) -> None:
    assert verdict(event) is rejection


SENT = SentEvent("one", "MESSAGES_SENT", 3, "2026-10-10T12:00:00Z", channel="POST")


def test_reads_an_event_as_sent() -> None:
    sent_fin = SentEvent("two", "FIN_RESOLUTION", 1, "2026-10-10T14:00:00+02:00", conversation_id="c-1")

    assert well_formed(SENT) == replace(MESSAGE, quantity=3)
    assert well_formed(sent_fin) == replace(FIN, event_id="two")


@pytest.mark.parametrize(
    "sent",
    [
        replace(SENT, quantity=1),
        replace(SENT, quantity=10**9),
        replace(SENT, event_id="x"),
        replace(SENT, event_id="é" * 255),
        replace(SENT, conversation_id="c" * 255),
        replace(SENT, properties={}),
        replace(SENT, properties={str(number): "" for number in range(20)}),
        replace(SENT, properties={"n" * 255: "v" * 255}),
        replace(SENT, at="2026-10-10T12:00+00:00"),
    ],
)
def test_takes_whatever_can_be_stored(sent: SentEvent) -> None:
    event = well_formed(sent)

    assert isinstance(event, UsageEvent)
    assert isinstance(event.quantity, int)
    assert event.at == NOW


@pytest.mark.parametrize(
    ("sent", "rejection"),
    [
        (replace(SENT, event_id=""), Rejection.BAD_EVENT_ID),
        (replace(SENT, event_id="x" * 256), Rejection.BAD_EVENT_ID),
        (replace(SENT, event_id="a\0b"), Rejection.BAD_EVENT_ID),
        (replace(SENT, event_id="\ud800"), Rejection.BAD_EVENT_ID),
        (replace(SENT, metric=""), Rejection.UNKNOWN_METRIC),
        (replace(SENT, metric="messages_sent"), Rejection.UNKNOWN_METRIC),
        (replace(SENT, metric="CARRIER_PIGEON"), Rejection.UNKNOWN_METRIC),
        (replace(SENT, quantity=0), Rejection.BAD_QUANTITY),
        (replace(SENT, quantity=-1), Rejection.BAD_QUANTITY),
        (replace(SENT, quantity=None), Rejection.BAD_QUANTITY),
        (replace(SENT, quantity=10**9 + 1), Rejection.BAD_QUANTITY),
        (replace(SENT, channel="PIGEON"), Rejection.BAD_CHANNEL),
        (replace(SENT, channel=""), Rejection.BAD_CHANNEL),
        (replace(SENT, conversation_id=""), Rejection.BAD_CONVERSATION),
        (replace(SENT, conversation_id="c" * 256), Rejection.BAD_CONVERSATION),
        (replace(SENT, properties={str(number): "" for number in range(21)}), Rejection.BAD_PROPERTIES),
        (replace(SENT, properties={"": "v"}), Rejection.BAD_PROPERTIES),
        (replace(SENT, properties={"n" * 256: "v"}), Rejection.BAD_PROPERTIES),
        (replace(SENT, properties={"n": "v" * 256}), Rejection.BAD_PROPERTIES),
        (replace(SENT, properties={"n": "\0"}), Rejection.BAD_PROPERTIES),
        (replace(SENT, properties={"n": "\udfff"}), Rejection.BAD_PROPERTIES),
        (replace(SENT, at=""), Rejection.BAD_MOMENT),
        (replace(SENT, at="yesterday"), Rejection.BAD_MOMENT),
        (replace(SENT, at="2026-10-10"), Rejection.BAD_MOMENT),
        (replace(SENT, at="2026-10-10T12:00:00"), Rejection.BAD_MOMENT),
        (replace(SENT, at="2026-02-30T12:00:00Z"), Rejection.BAD_MOMENT),
        (replace(SENT, at="0001-01-01T00:00:00+14:00"), Rejection.BAD_MOMENT),
        (replace(SENT, at="9999-12-31T23:59:59-12:00"), Rejection.BAD_MOMENT),
    ],
)
def test_rejects_an_event_that_is_not_well_formed(sent: SentEvent, rejection: Rejection) -> None:
    assert well_formed(sent) is rejection


def test_an_event_may_be_five_minutes_early_and_thirty_five_days_late() -> None:
    assert (timedelta(minutes=5), timedelta(days=35)) == (EARLINESS, LATENESS)


@pytest.mark.parametrize("event", [EMAIL, MESSAGE, FIN])
def test_rejects_usage_before_the_subscription(event: UsageEvent) -> None:
    start = replace(START, at=NOW)

    assert verdict(event, start) is None
    assert verdict(replace(event, at=NOW - TICK), start) is Rejection.NOT_ENTITLED


@pytest.mark.parametrize("event", [EMAIL, MESSAGE, FIN])
def test_rejects_usage_after_the_subscription(event: UsageEvent) -> None:
    ended = Ended(at("2026-10-01", "00:00"), 2)

    assert verdict(replace(event, at=at("2026-10-01", "00:00") - TICK), START, ended) is None
    assert verdict(replace(event, at=at("2026-10-01", "00:00")), START, ended) is Rejection.NOT_ENTITLED


def test_rejects_usage_of_an_account_without_a_subscription() -> None:
    assert judge(EMAIL, book=BOOK, allowed=Access((), ()), now=NOW) is Rejection.NOT_ENTITLED


def test_messages_need_the_add_on_at_their_moment() -> None:
    without = replace(START, is_psp=False)
    added = PspAdded(at("2026-10-05"), order=2)

    assert verdict(MESSAGE, without) is Rejection.NOT_ENTITLED
    assert verdict(EMAIL, without) is None
    assert verdict(replace(MESSAGE, at=added.at), without, added) is None
    assert verdict(replace(MESSAGE, at=added.at - TICK), without, added) is Rejection.NOT_ENTITLED
    assert verdict(replace(EMAIL, at=added.at - TICK), without, added) is None


def test_messages_are_accepted_until_the_period_of_the_removal_ends() -> None:
    removed = PspRemoved(at("2026-09-10"), order=2)

    assert verdict(replace(MESSAGE, at=at("2026-10-01", "00:00") - TICK), START, removed) is None
    assert verdict(replace(MESSAGE, at=at("2026-10-01", "00:00")), START, removed) is Rejection.NOT_ENTITLED


def test_a_late_message_is_judged_by_its_own_moment() -> None:
    removed, again = PspRemoved(at("2026-09-10"), order=2), PspAdded(at("2026-10-05"), order=3)

    assert verdict(replace(MESSAGE, at=at("2026-09-30")), START, removed, again) is None
    assert verdict(replace(MESSAGE, at=at("2026-10-04")), START, removed, again) is Rejection.NOT_ENTITLED
    assert verdict(replace(MESSAGE, at=at("2026-10-05")), START, removed, again) is None


def test_a_trial_has_all_add_ons_and_ends_with_its_day() -> None:
    trial = TrialStarted(at("2026-09-26"), Plan.ESSENTIAL, BOOK.version, 1)

    assert verdict(replace(MESSAGE, at=at("2026-10-10", "00:00") - TICK), trial) is None
    assert verdict(replace(MESSAGE, at=at("2026-10-10", "00:00")), trial) is Rejection.NOT_ENTITLED


def test_access_lasts_from_the_moment_of_the_start_to_the_opening_of_the_end_in_the_zone() -> None:
    found = allowed(START, Ended(at("2026-10-01"), 2), zone="Europe/Warsaw")

    assert found == Access(
        ((START.at, at("2026-09-30", "22:00")),),
        ((START.at, at("2026-09-30", "22:00")),),
    )


def test_access_to_messages_ends_with_the_add_on_or_the_subscription_whichever_is_first() -> None:
    removed, ended = PspRemoved(at("2026-10-05"), order=2), Ended(at("2026-10-15"), 3)
    removed_before = PspRemoved(at("2026-09-05"), order=2)

    assert allowed(START, removed, ended).psp == ((START.at, at("2026-10-15", "00:00")),)
    assert allowed(START, removed_before, ended).psp == ((START.at, at("2026-10-01", "00:00")),)
    assert allowed(START, removed).psp == ((START.at, at("2026-11-01", "00:00")),)


def test_access_without_end_is_open() -> None:
    assert allowed(START) == Access(((START.at, None),), ((START.at, None),))
    assert allowed(replace(START, is_psp=False)).psp == ()


@pytest.mark.parametrize(
    ("metric", "quantity", "counted"),
    [
        (Metric.PHONE_MINUTE, 1, 1),
        (Metric.PHONE_MINUTE, 59, 1),
        (Metric.PHONE_MINUTE, 60, 1),
        (Metric.PHONE_MINUTE, 61, 2),
        (Metric.PHONE_MINUTE, 155, 3),
        (Metric.PHONE_MINUTE, 3_600, 60),
        (Metric.BULK_EMAIL, 61, 61),
        (Metric.FIN_RESOLUTION, 1, 1),
        (Metric.MESSAGES_SENT, 60, 60),
    ],
)
def test_a_call_counts_for_whole_minutes_and_all_else_for_its_quantity(
    metric: Metric, quantity: int, counted: int
) -> None:
    assert units(metric, quantity) == counted


def test_every_rejection_says_what_to_do() -> None:
    assert set(ADVICE) == set(Rejection)
    assert all(advice.endswith(".") for advice in ADVICE.values())


def test_refusals_name_the_event() -> None:
    assert "'e-1'" in UnknownEvent("e-1").message
    assert "taken back already" in AlreadyTakenBack("e-1").message
    assert BatchTooLarge(12_000, 10_000).message == "12,000 events in one call; send at most 10,000."


def test_a_day_more_than_the_lateness_is_counted_in_hours_not_dates() -> None:
    late = replace(EMAIL, at=NOW - 35 * ONE_DAY)

    assert verdict(late) is None
    assert verdict(late, now=NOW + TICK) is Rejection.TOO_OLD

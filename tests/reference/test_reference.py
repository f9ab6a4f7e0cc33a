"""The reference calculator gives every golden case of the rule book, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from .actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    RemovePsp,
    Start,
    Story,
    Switch,
    TakeBack,
    Trial,
    Use,
)
from .calculator import (
    PRORATIONS,
    SUBSCRIPTION,
    USAGE,
    RefInvoice,
    Settled,
    invoices,
    settle,
)
from .prices import rated_cents

ONE_SECOND = timedelta(seconds=1)


def at(day: str, clock: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


def accepted(day: str, *teammates: str) -> list[Action]:
    return [Accept(at(day), teammate, "FULL") for teammate in teammates]


def removed(day: str, *teammates: str) -> list[Action]:
    return [Remove(at(day), teammate) for teammate in teammates]


def used(day: str, metric: str, quantity: int, event_id: str = "event") -> Use:
    return Use(at(day), at(day), event_id, metric, quantity)


def bill(*actions: Action, on: str, zone: str = "UTC") -> RefInvoice:
    through = date.fromisoformat(on)
    made = invoices(Story(zone=zone, actions=actions), through)
    assert made[-1].invoice_on == through
    return made[-1]


def amounts(invoice: RefInvoice, section: str) -> list[int]:
    return sorted(amount for name, _, _, amount in invoice.lines if name == section)


@pytest.mark.parametrize(
    ("metric", "total", "cents"),
    [
        ("MESSAGES_SENT", 0, 0),
        ("MESSAGES_SENT", 400, 0),
        ("MESSAGES_SENT", 500, 0),
        ("MESSAGES_SENT", 501, 7),
        ("MESSAGES_SENT", 1_000, 35_00),
        ("MESSAGES_SENT", 1_001, 35_06),
        ("MESSAGES_SENT", 2_900, 140_00),
        ("MESSAGES_SENT", 3_000, 145_00),
        ("MESSAGES_SENT", 3_100, 149_00),
        ("MESSAGES_SENT", 4_000, 185_00),
        ("MESSAGES_SENT", 10_000, 375_00),
        ("MESSAGES_SENT", 10_001, 375_03),
        ("MESSAGES_SENT", 10_002, 375_05),
        ("MESSAGES_SENT", 300_000, 6_500_00),
        ("BULK_EMAIL", 300, 12_00),
        ("BULK_EMAIL", 2_000, 63_00),
        ("BULK_EMAIL", 2_500, 77_00),
        ("BULK_EMAIL", 10_000, 254_00),
        ("SMS_SEGMENT", 10_000, 232_50),
        ("WHATSAPP_SENT", 10_000, 862_50),
        ("PHONE_MINUTE", 4, 12),
        ("FIN_RESOLUTION", 100, 99_00),
    ],
)
def test_rates_each_unit_at_the_price_of_its_tier(metric: str, total: int, cents: int) -> None:
    assert rated_cents(metric, total) == cents


SEPTEMBER = (*accepted("2026-08-31", "a"), Start(at("2026-09-01"), "ESSENTIAL", psp=False))
THREE_IN_SEPTEMBER = (
    *accepted("2026-08-31", "a", "b", "c"),
    Start(at("2026-09-01"), "ESSENTIAL", psp=False),
)
SIX_IN_OCTOBER = (
    *accepted("2026-09-30", "a", "b", "c", "d", "e", "f"),
    Start(at("2026-10-01"), "ESSENTIAL", psp=False),
)


@pytest.mark.parametrize(
    ("actions", "on", "pairs"),
    [
        pytest.param(
            [*SEPTEMBER, *accepted("2026-09-15", "b", "c", "d", "e", "f")],
            "2026-10-01",
            [-20_80, 124_80],
            id="one to six seats",
        ),
        pytest.param(
            [
                *SEPTEMBER,
                *accepted("2026-09-15", "b", "c", "d", "e", "f"),
                *removed("2026-09-20", "e", "f"),
            ],
            "2026-10-01",
            [-85_80, -20_80, 57_20, 124_80],
            id="then six to four",
        ),
        pytest.param(
            [*SIX_IN_OCTOBER, *removed("2026-10-20", "e", "f")],
            "2026-11-01",
            [-90_58, 60_39],
            id="six to four in 31 days",
        ),
        pytest.param(
            [*THREE_IN_SEPTEMBER, ChangePlan(at("2026-09-15"), "ADVANCED")],
            "2026-10-01",
            [-62_40, 158_40],
            id="upgrade",
        ),
        pytest.param([*SEPTEMBER, AddPsp(at("2026-09-15"))], "2026-10-01", [52_80], id="add-on added"),
        pytest.param(
            [
                *THREE_IN_SEPTEMBER,
                *accepted("2026-09-15", "d", "e"),
                ChangePlan(at("2026-09-15", "13:00"), "ADVANCED"),
            ],
            "2026-10-01",
            [-62_40, 264_00],
            id="seats and plan on one date: one pair",
        ),
        pytest.param(
            [
                *SEPTEMBER,
                *accepted("2026-09-15", "b"),
                Remove(at("2026-09-15", "18:00"), "b"),
            ],
            "2026-10-01",
            [-39_00, -20_80, 19_50, 41_60],
            id="accepted and removed on one date",
        ),
        pytest.param(
            [
                *accepted("2026-01-30", "a"),
                Start(at("2026-01-31"), "ESSENTIAL", psp=False),
                *accepted("2026-02-14", "b", "c"),
            ],
            "2026-02-28",
            [-19_50, 58_50],
            id="anchor of the 31st",
        ),
    ],
)
def test_prorates_a_change_in_the_period(actions: list[Action], on: str, pairs: list[int]) -> None:
    assert amounts(bill(*actions, on=on), PRORATIONS) == pairs


def test_bills_ahead_to_the_day_before_the_clamped_anchor() -> None:
    actions: list[Action] = [
        *accepted("2026-01-30", "a"),
        Start(at("2026-01-31"), "ESSENTIAL", psp=False),
        *accepted("2026-02-14", "b", "c"),
    ]

    ahead = bill(*actions, on="2026-02-28").lines[-1]

    assert ahead == (SUBSCRIPTION, date(2026, 2, 28), date(2026, 3, 31), 117_00)


def test_a_negative_total_becomes_credit_for_the_next_invoice() -> None:
    ten = "abcdefghij"
    story: list[Action] = [
        *accepted("2026-09-30", *ten),
        Start(at("2026-10-01"), "ESSENTIAL", psp=False),
        *removed("2026-10-02", *ten[1:]),
    ]

    november = bill(*story, on="2026-11-01")
    december = bill(*story, on="2026-12-01")

    assert (november.total_cents, november.due_cents) == (-300_68, 0)
    assert (november.credit_applied_cents, november.credit_left_cents) == (0, 300_68)
    assert (december.total_cents, december.due_cents) == (39_00, 0)
    assert (december.credit_applied_cents, december.credit_left_cents) == (39_00, 261_68)


@pytest.mark.parametrize(
    ("total", "balance", "settled"),
    [
        (39_00, 0, Settled(credit_applied=0, due=39_00, credit_left=0)),
        (39_00, 10_00, Settled(credit_applied=10_00, due=29_00, credit_left=0)),
        (39_00, 38_50, Settled(credit_applied=38_50, due=50, credit_left=0)),
        (39_00, 38_51, Settled(credit_applied=39_00, due=0, credit_left=-49)),
        (39_00, -49, Settled(credit_applied=-49, due=39_49, credit_left=0)),
        (10, -30, Settled(credit_applied=10, due=0, credit_left=-40)),
        (-10, -30, Settled(credit_applied=0, due=0, credit_left=-20)),
        (0, -30, Settled(credit_applied=0, due=0, credit_left=-30)),
    ],
)
def test_settles_a_total_with_the_balance(total: int, balance: int, settled: Settled) -> None:
    assert settle(total, balance=balance) == settled


def test_the_monthly_story_of_the_rule_book() -> None:
    story: list[Action] = [*SEPTEMBER, *accepted("2026-09-15", "b", "c", "d", "e", "f")]

    september = bill(*story, on="2026-09-01")
    october = bill(*story, on="2026-10-01")

    first, second, november = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)
    assert september.lines == ((SUBSCRIPTION, first, second, 39_00),)
    assert october.lines == (
        (PRORATIONS, date(2026, 9, 15), second, -20_80),
        (PRORATIONS, date(2026, 9, 15), second, 124_80),
        (SUBSCRIPTION, second, november, 234_00),
    )
    assert (october.number, october.total_cents, october.due_cents) == (2, 338_00, 338_00)


def test_the_add_on_removed_last_period_is_a_new_addition() -> None:
    story: list[Action] = [
        *SEPTEMBER,
        AddPsp(at("2026-09-15", "09:00")),
        RemovePsp(at("2026-09-15", "10:00")),
        AddPsp(at("2026-10-05")),
    ]

    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == [52_80]
    assert amounts(bill(*story, on="2026-10-01"), SUBSCRIPTION) == [39_00]
    assert amounts(bill(*story, on="2026-11-01"), PRORATIONS) == [86_23]
    assert amounts(bill(*story, on="2026-11-01"), SUBSCRIPTION) == [39_00, 99_00]


def test_the_add_on_back_before_the_period_ends_was_never_removed() -> None:
    story: list[Action] = [
        Start(at("2026-09-01"), "ESSENTIAL", psp=True),
        RemovePsp(at("2026-09-10")),
        AddPsp(at("2026-09-30", "23:59")),
    ]

    assert amounts(bill(*story, on="2026-09-01"), SUBSCRIPTION) == [39_00, 99_00]
    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == []
    assert amounts(bill(*story, on="2026-10-01"), SUBSCRIPTION) == [39_00, 99_00]


def test_the_add_on_added_on_the_first_day_after_the_start_is_billed_in_arrears() -> None:
    story: list[Action] = [Start(at("2026-09-01"), "ESSENTIAL", psp=False), AddPsp(at("2026-09-01", "12:01"))]

    assert amounts(bill(*story, on="2026-09-01"), SUBSCRIPTION) == [39_00]
    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == [99_00]


def test_a_change_after_the_start_on_the_first_day_is_a_pair_of_the_whole_period() -> None:
    story: list[Action] = [*SEPTEMBER, Accept(at("2026-09-01", "12:01"), "b", "FULL")]

    assert amounts(bill(*story, on="2026-09-01"), SUBSCRIPTION) == [39_00]
    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == [-39_00, 78_00]


def test_a_seat_that_was_over_before_the_start_is_not_held_that_day() -> None:
    story: list[Action] = [
        *accepted("2026-08-31", "a"),
        Accept(at("2026-09-01", "09:00"), "b", "FULL"),
        Remove(at("2026-09-01", "10:00"), "b"),
        Start(at("2026-09-01"), "ESSENTIAL", psp=False),
    ]

    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == []


def test_a_seat_held_at_the_start_and_given_up_that_day_is_held_that_day() -> None:
    story: list[Action] = [
        *accepted("2026-08-31", "a"),
        Accept(at("2026-09-01", "09:00"), "b", "FULL"),
        Start(at("2026-09-01"), "ESSENTIAL", psp=False),
        Remove(at("2026-09-01", "13:00"), "b"),
    ]

    october = bill(*story, on="2026-10-01")

    assert [line[1:] for line in october.lines if line[0] == PRORATIONS] == [
        (date(2026, 9, 2), date(2026, 10, 1), -75_40),
        (date(2026, 9, 2), date(2026, 10, 1), 37_70),
    ]


def test_a_full_seat_switched_to_lite_the_day_it_began_is_held_that_day() -> None:
    story: list[Action] = [
        *accepted("2026-08-31", "a"),
        Start(at("2026-09-01"), "ADVANCED", psp=False),
        Accept(at("2026-09-15", "09:00"), "b", "FULL"),
        Switch(at("2026-09-15", "10:00"), "b", "LITE"),
    ]

    pairs = amounts(bill(*story, on="2026-10-01"), PRORATIONS)

    assert pairs == [-99_00, -52_80, 49_50, 105_60]


def test_a_teammate_who_leaves_and_returns_on_one_date_counts_once() -> None:
    story: list[Action] = [
        *SEPTEMBER,
        Remove(at("2026-09-15", "09:00"), "a"),
        Accept(at("2026-09-15", "10:00"), "a", "FULL"),
        Remove(at("2026-09-15", "11:00"), "a"),
    ]

    assert amounts(bill(*story, on="2026-10-01"), PRORATIONS) == []


def test_one_seat_is_billed_when_nobody_holds_one() -> None:
    story: list[Action] = [Start(at("2026-09-01"), "EXPERT", psp=False), *accepted("2026-09-15", "a")]

    october = bill(*story, on="2026-10-01")

    assert [amount for *_, amount in october.lines] == [139_00]


def test_dates_are_those_of_the_billing_time_zone() -> None:
    in_auckland_on_the_15th = datetime(2026, 9, 14, 12, 0, tzinfo=UTC)
    story: list[Action] = [
        Start(at("2026-09-01", "00:00"), "ESSENTIAL", psp=False),
        *accepted("2026-09-01", "a"),
        Accept(in_auckland_on_the_15th, "b", "FULL"),
    ]
    changed = bill(*story, on="2026-10-01", zone="Pacific/Auckland").lines[0]
    a_second_before: list[Action] = [*story[:-1], Accept(in_auckland_on_the_15th - ONE_SECOND, "b", "FULL")]
    earlier = bill(*a_second_before, on="2026-10-01", zone="Pacific/Auckland").lines[0]

    assert (changed[1], earlier[1]) == (date(2026, 9, 15), date(2026, 9, 14))


def test_late_messages_adjust_the_month_they_belong_to() -> None:
    start = Start(at("2026-09-01"), "ESSENTIAL", psp=True)
    late = Use(at("2026-09-28"), at("2026-10-03"), "late", "MESSAGES_SENT", 200)
    story: list[Action] = [start, used("2026-09-10", "MESSAGES_SENT", 2_900), late]

    october = bill(*story, on="2026-10-01")
    november = bill(*story, on="2026-11-01")

    assert amounts(october, USAGE) == [140_00]
    assert november.lines[0] == (USAGE, date(2026, 9, 1), date(2026, 10, 1), 9_00)
    assert amounts(november, USAGE) == [9_00]


def test_one_late_message_is_the_difference_of_the_rounded_amounts() -> None:
    start = Start(at("2026-09-01"), "ESSENTIAL", psp=True)
    late = Use(at("2026-09-28"), at("2026-10-03"), "late", "MESSAGES_SENT", 1)
    story: list[Action] = [start, used("2026-09-10", "MESSAGES_SENT", 10_001), late]

    assert amounts(bill(*story, on="2026-10-01"), USAGE) == [375_03]
    assert amounts(bill(*story, on="2026-11-01"), USAGE) == [2]


def test_a_resolution_taken_back_later_is_credited_to_its_month() -> None:
    start = Start(at("2026-09-01"), "ESSENTIAL", psp=False)
    resolved = [used("2026-09-10", "FIN_RESOLUTION", 1, f"fin-{number}") for number in range(100)]
    story: list[Action] = [start, *resolved, TakeBack(at("2026-10-12"), "fin-7")]

    assert amounts(bill(*story, on="2026-10-01"), USAGE) == [99_00]
    assert bill(*story, on="2026-11-01").lines[0] == (
        USAGE,
        date(2026, 9, 1),
        date(2026, 10, 1),
        -99,
    )


def test_each_call_is_rounded_up_to_whole_minutes() -> None:
    start = Start(at("2026-09-01"), "ESSENTIAL", psp=False)
    calls = [used("2026-09-10", "PHONE_MINUTE", 61, name) for name in ("one", "two")]

    assert amounts(bill(start, *calls, on="2026-10-01"), USAGE) == [12]


def test_usage_known_as_the_invoice_is_made_waits_for_the_next_one() -> None:
    start = Start(at("2026-09-01"), "ESSENTIAL", psp=False)
    opening = at("2026-10-01", "00:00")
    tick = timedelta(microseconds=1)
    early = Use(opening - tick, opening - tick, "early", "FIN_RESOLUTION", 1)
    late = Use(opening - tick, opening, "late", "FIN_RESOLUTION", 1)

    assert amounts(bill(start, early, late, on="2026-10-01"), USAGE) == [99]
    assert amounts(bill(start, early, late, on="2026-11-01"), USAGE) == [99]


TRIAL = (
    *accepted("2026-08-31", "a", "b", "c"),
    Trial(at("2026-09-01"), "ESSENTIAL"),
    used("2026-09-10", "BULK_EMAIL", 700, "in trial"),
)


def test_the_trial_of_the_rule_book() -> None:
    story: list[Action] = [
        *TRIAL,
        Convert(at("2026-09-02"), "ESSENTIAL", psp=False),
        Use(at("2026-09-15", "00:00"), at("2026-09-16"), "paid", "BULK_EMAIL", 300),
    ]

    first = bill(*story, on="2026-09-15")
    second = bill(*story, on="2026-10-15")

    assert first.number == 1
    assert first.lines == ((SUBSCRIPTION, date(2026, 9, 15), date(2026, 10, 15), 117_00),)
    assert amounts(second, USAGE) == [12_00]


def test_a_trial_that_is_not_converted_is_never_billed() -> None:
    assert invoices(Story(zone="UTC", actions=TRIAL), date(2027, 1, 1)) == []

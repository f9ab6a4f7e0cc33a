"""The reference calculator gives every golden case of years, contracts and cuts, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from .actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    Start,
    Story,
    TakeBack,
    Trial,
    Use,
)
from .calculator import PRORATIONS, SUBSCRIPTION, USAGE, RefInvoice
from .term_actions import (
    AmendContract,
    BuySeats,
    Cancel,
    Committed,
    EndContract,
    ExtendTrial,
    Migrate,
    Resume,
    ScheduleRenewal,
    SignContract,
    StartEarlyStage,
    StartNow,
    StartYearly,
    SwitchToYearly,
    Terms,
)
from .terms import horizon, invoices


def at(day: str, clock: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


def accepted(day: str, *teammates: str) -> list[Action]:
    return [Accept(at(day), teammate, "FULL") for teammate in teammates]


def used(day: str, metric: str, quantity: int, event_id: str = "event") -> Use:
    return Use(at(day), at(day), event_id, metric, quantity)


def bills(*actions: Action, through: str, next_book_on: date | None = None) -> list[RefInvoice]:
    return invoices(Story("UTC", actions, next_book_on), date.fromisoformat(through))


def of_day(made: list[RefInvoice], day: str) -> list[RefInvoice]:
    return [each for each in made if each.invoice_on == date.fromisoformat(day)]


def only(made: list[RefInvoice], day: str) -> RefInvoice:
    (invoice,) = of_day(made, day)
    return invoice


def amounts(invoice: RefInvoice, section: str) -> list[int]:
    return sorted(amount for name, _, _, amount in invoice.lines if name == section)


def summary(made: list[RefInvoice]) -> list[tuple[str, str, int]]:
    return [(str(each.invoice_on), each.stream, each.total_cents) for each in made]


def test_seats_bought_in_a_term_are_a_pair_over_its_days() -> None:
    made = bills(
        StartYearly(at("2024-04-25"), "ADVANCED", 2, psp=False),
        BuySeats(at("2024-04-29"), 5),
        through="2024-05-25",
    )

    assert summary(made) == [
        ("2024-04-25", "SUBSCRIPTION", 2_040_00),
        ("2024-05-25", "ADDITIONAL_USAGE", 3_026_47),
    ]
    assert amounts(made[1], PRORATIONS) == [-2_017_64, 5_044_11]


def test_a_purchase_may_be_invoiced_at_once_alone() -> None:
    made = bills(
        StartYearly(at("2024-04-25"), "ADVANCED", 2, psp=False),
        used("2024-04-26", "PHONE_MINUTE", 60),
        BuySeats(at("2024-04-27"), 3),
        BuySeats(at("2024-04-29"), 5, invoice_now=True),
        through="2024-05-25",
    )

    # 1,020 x 3 x 361/365 = 3,026.47 less than the five; the pair of 27 April waits.
    assert summary(made) == [
        ("2024-04-25", "SUBSCRIPTION", 2_040_00),
        ("2024-04-29", "CHANGE", 5_044_11 - 3_026_47),
        ("2024-05-25", "ADDITIONAL_USAGE", 3_043_23 - 2_028_82 + 3),
    ]


def test_an_upgrade_in_a_term_is_a_pair_and_on_one_date_there_is_one_pair() -> None:
    made = bills(
        StartYearly(at("2026-01-01"), "ESSENTIAL", 2, psp=False),
        BuySeats(at("2026-07-02"), 3),
        ChangePlan(at("2026-07-02", "15:00"), "ADVANCED"),
        through="2026-08-01",
    )

    # 183 of 365 days are left.
    assert amounts(made[-1], PRORATIONS) == [-348_95, 1_534_19]


@pytest.mark.parametrize(
    ("added_on", "cents"),
    [("2026-08-01", 495_00), ("2026-08-10", 466_26)],
)
def test_the_add_on_in_a_term_costs_its_months_the_running_one_by_days(added_on: str, cents: int) -> None:
    made = bills(
        StartYearly(at("2026-01-01"), "ESSENTIAL", 1, psp=False),
        AddPsp(at(added_on)),
        through="2026-09-01",
    )

    assert made[-1].lines == ((PRORATIONS, date.fromisoformat(added_on), date(2027, 1, 1), cents),)


def test_the_add_on_is_paid_with_the_term() -> None:
    made = bills(StartYearly(at("2026-01-01"), "ESSENTIAL", 1, psp=True), through="2027-01-01")

    assert amounts(made[0], SUBSCRIPTION) == [348_00, 1_188_00]
    assert summary(made)[1:] == [("2027-01-01", "SUBSCRIPTION", 1_536_00)]


def test_seats_above_those_purchased_are_charged_by_the_day() -> None:
    made = bills(
        *accepted("2025-12-31", "a", "b"),
        StartYearly(at("2026-01-01"), "ADVANCED", 2, psp=False),
        *accepted("2026-06-10", "c"),
        *accepted("2026-06-15", "d"),
        BuySeats(at("2026-06-20"), 3),
        through="2026-07-01",
    )

    assert made[-1].lines == (
        (USAGE, date(2026, 6, 10), date(2026, 6, 15), 16_50),
        (USAGE, date(2026, 6, 15), date(2026, 6, 20), 33_00),
        (USAGE, date(2026, 6, 20), date(2026, 7, 1), 36_30),
        (PRORATIONS, date(2026, 6, 20), date(2027, 1, 1), -1_089_86),
        (PRORATIONS, date(2026, 6, 20), date(2027, 1, 1), 1_634_79),
    )
    assert made[-1].total_cents == 630_73


def test_a_renewal_follows_the_last_schedule_of_its_term() -> None:
    made = bills(
        *accepted("2025-12-31", "a", "b"),
        StartYearly(at("2026-01-01"), "ADVANCED", 4, psp=True),
        ScheduleRenewal(at("2026-02-01"), seats=9, plan="EXPERT"),
        ScheduleRenewal(at("2026-03-01"), seats=1, plan="ESSENTIAL", psp=False),
        BuySeats(at("2026-03-02"), 5),
        Accept(at("2026-12-15"), "c", "FULL"),
        through="2027-02-01",
    )

    renewal = of_day(made, "2027-01-01")
    assert [(each.stream, each.total_cents) for each in renewal] == [("SUBSCRIPTION", 348_00)]
    # Two of three seats held are above the one of the renewed term.
    assert summary(made)[-1] == ("2027-02-01", "ADDITIONAL_USAGE", 78_00)


def test_a_revoked_schedule_leaves_the_renewal_as_the_term_was() -> None:
    made = bills(
        StartYearly(at("2026-01-01"), "ADVANCED", 4, psp=False),
        ScheduleRenewal(at("2026-03-01"), seats=1),
        ScheduleRenewal(at("2026-03-02")),
        used("2026-12-15", "PHONE_MINUTE", 60),
        through="2027-01-01",
    )

    assert summary(made)[1:] == [
        ("2027-01-01", "ADDITIONAL_USAGE", 3),
        ("2027-01-01", "SUBSCRIPTION", 4_080_00),
    ]


def test_yearly_to_monthly_happens_at_the_renewal() -> None:
    made = bills(
        *accepted("2026-01-30", "a", "b"),
        StartYearly(at("2026-01-31"), "ESSENTIAL", 3, psp=True),
        ScheduleRenewal(at("2026-03-01"), psp=False, monthly=True),
        used("2027-01-30", "PHONE_MINUTE", 60),
        through="2027-02-28",
    )

    assert summary(made)[1:] == [
        ("2027-01-31", "SUBSCRIPTION", 78_00 + 3),
        ("2027-02-28", "SUBSCRIPTION", 78_00),
    ]


def test_monthly_to_yearly_cuts_the_month() -> None:
    made = bills(
        *accepted("2026-09-30", *"abcdef"),
        Start(at("2026-10-01"), "ESSENTIAL", psp=False),
        SwitchToYearly(at("2026-10-20"), "ESSENTIAL", 6, psp=False),
        through="2026-11-20",
    )

    assert made[1].lines == (
        (PRORATIONS, date(2026, 10, 20), date(2026, 11, 1), -90_58),
        (SUBSCRIPTION, date(2026, 10, 20), date(2027, 10, 20), 2_088_00),
    )
    assert summary(made)[1:] == [("2026-10-20", "SUBSCRIPTION", 1_997_42)]


def test_a_cut_takes_usage_prorations_and_the_add_on_to_its_date() -> None:
    made = bills(
        *accepted("2026-09-30", "a"),
        Start(at("2026-10-01"), "ESSENTIAL", psp=False),
        AddPsp(at("2026-10-10")),
        used("2026-10-19", "BULK_EMAIL", 500, "before"),
        used("2026-10-20", "BULK_EMAIL", 600, "after"),
        *accepted("2026-10-11", "b"),
        SwitchToYearly(at("2026-10-20", "13:00"), "ESSENTIAL", 2, psp=True),
        through="2026-11-20",
    )

    first, second = made[1:]
    assert amounts(first, USAGE) == [20_00]
    # Pair of 11 October (21/31), the add-on from the 10th (22/31), unused seats and add-on (12/31).
    assert amounts(first, PRORATIONS) == sorted([52_84, -26_42, 70_26, -30_19, -38_32])
    assert amounts(first, SUBSCRIPTION) == [696_00, 1_188_00]
    assert (second.stream, amounts(second, USAGE)) == ("ADDITIONAL_USAGE", [23_00])


TWO_IN_SEPTEMBER: tuple[Action, ...] = (
    *accepted("2026-08-31", "a", "b"),
    Start(at("2026-09-01"), "ESSENTIAL", psp=False),
)


@pytest.mark.parametrize("clock", ["00:00", "12:00"])
def test_a_migration_makes_two_invoices_and_cuts_usage(clock: str) -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        used("2026-09-15", "BULK_EMAIL", 2_000, "old"),
        Migrate(at("2026-09-16", clock), "NEXT"),
        used("2026-09-16", "BULK_EMAIL", 2_000, "new"),
        Use(at("2026-09-10"), at("2026-10-03"), "late", "BULK_EMAIL", 500),
        through="2026-11-01",
    )

    final, first = of_day(made, "2026-09-16")
    assert (final.stream, amounts(final, USAGE), amounts(final, PRORATIONS)) == ("FINAL", [63_00], [-39_00])
    assert (first.stream, first.total_cents) == ("SUBSCRIPTION", 45_00)
    assert first.lines == ((SUBSCRIPTION, date(2026, 9, 16), date(2026, 10, 1), 45_00),)
    assert only(made, "2026-10-01").total_cents == 153_00
    assert only(made, "2026-11-01").lines == (
        (USAGE, date(2026, 9, 1), date(2026, 9, 16), 14_00),
        (SUBSCRIPTION, date(2026, 11, 1), date(2026, 12, 1), 90_00),
    )


def test_a_change_after_a_migration_keeps_the_days_of_the_uncut_month() -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        Migrate(at("2026-09-16", "00:00"), "NEXT"),
        *accepted("2026-09-21", "c"),
        through="2026-10-01",
    )

    assert amounts(made[-1], PRORATIONS) == [-30_00, 45_00]


def test_a_migration_scheduled_for_an_anchor_day_bills_ahead_once() -> None:
    made = bills(*TWO_IN_SEPTEMBER, Migrate(at("2026-10-01", "00:00"), "NEXT"), through="2026-11-01")

    assert summary(made)[1:] == [
        ("2026-10-01", "SUBSCRIPTION", 90_00),
        ("2026-11-01", "SUBSCRIPTION", 90_00),
    ]


def test_a_switch_signs_the_current_price_book_and_a_plan_change_keeps_its_own() -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        ChangePlan(at("2026-09-16"), "ADVANCED"),
        SwitchToYearly(at("2026-10-01", "00:00"), "ADVANCED", 2, psp=False),
        through="2026-10-01",
        next_book_on=date(2026, 9, 10),
    )

    assert amounts(made[1], PRORATIONS) == [-39_00, 99_00]
    assert amounts(made[2], PRORATIONS) == [-198_00]
    assert amounts(made[2], SUBSCRIPTION) == [2_136_00]


def test_cancelling_ends_the_subscription_with_its_month() -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        Cancel(at("2026-09-10")),
        used("2026-09-30", "PHONE_MINUTE", 60),
        Use(at("2026-09-30"), at("2026-10-05"), "late", "PHONE_MINUTE", 60),
        Use(at("2026-09-30"), at("2026-11-04"), "later", "FIN_RESOLUTION", 1),
        TakeBack(at("2026-12-24"), "later"),
        *accepted("2026-10-10", "c"),
        through="2027-03-01",
    )

    assert summary(made)[1:] == [
        ("2026-10-01", "FINAL", 3),
        ("2026-11-01", "FINAL", 3),
        ("2026-12-01", "FINAL", 99),
        ("2027-01-01", "FINAL", -99),
    ]


def test_a_resumed_subscription_goes_on() -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        Cancel(at("2026-09-10")),
        Resume(at("2026-09-30", "23:59")),
        through="2026-10-01",
    )

    assert summary(made)[1:] == [("2026-10-01", "SUBSCRIPTION", 78_00)]


def test_cancelling_a_year_refunds_nothing_and_bills_its_last_month() -> None:
    made = bills(
        *accepted("2025-12-31", "a"),
        StartYearly(at("2026-01-01"), "ESSENTIAL", 1, psp=True),
        Cancel(at("2026-02-10")),
        *accepted("2026-12-01", "b"),
        through="2027-02-01",
    )

    assert summary(made)[1:] == [("2027-01-01", "FINAL", 39_00)]


def test_coming_back_is_a_new_subscription() -> None:
    made = bills(
        *TWO_IN_SEPTEMBER,
        Cancel(at("2026-09-10")),
        Start(at("2026-10-15"), "ADVANCED", psp=False),
        through="2026-11-15",
    )

    assert summary(made)[1:] == [
        ("2026-10-15", "SUBSCRIPTION", 198_00),
        ("2026-11-15", "SUBSCRIPTION", 198_00),
    ]


TRIAL: tuple[Action, ...] = (*accepted("2026-08-31", "a", "b", "c"), Trial(at("2026-09-01"), "ESSENTIAL"))


def test_an_extended_trial_ends_a_week_later() -> None:
    made = bills(
        *TRIAL,
        ExtendTrial(at("2026-09-10")),
        Convert(at("2026-09-11"), "ESSENTIAL", psp=True),
        through="2026-09-30",
    )

    assert summary(made) == [("2026-09-22", "SUBSCRIPTION", 117_00 + 99_00)]


def test_a_trial_may_end_at_once() -> None:
    made = bills(
        *TRIAL,
        StartNow(at("2026-09-05"), "ESSENTIAL", psp=False),
        used("2026-09-05", "PHONE_MINUTE", 60),
        through="2026-10-05",
    )

    assert summary(made) == [
        ("2026-09-05", "SUBSCRIPTION", 117_00),
        ("2026-10-05", "SUBSCRIPTION", 117_00 + 3),
    ]


def test_a_contract_paid_by_the_year_bills_its_seats_ahead() -> None:
    made = bills(SignContract(at("2026-01-01"), Terms("ESSENTIAL", 10), 12, 12), through="2027-01-01")

    assert made[0].lines == ((SUBSCRIPTION, date(2026, 1, 1), date(2027, 1, 1), 4_680_00),)
    assert summary(made)[1:] == [("2027-01-01", "SUBSCRIPTION", 4_680_00)]


def test_usage_of_a_contract_is_billed_every_month() -> None:
    made = bills(
        SignContract(at("2026-01-01"), Terms("ADVANCED", 3), 12, 12),
        used("2026-08-10", "BULK_EMAIL", 10_000),
        through="2026-10-01",
    )

    assert summary(made) == [
        ("2026-01-01", "SUBSCRIPTION", 3_564_00),
        ("2026-09-01", "ADDITIONAL_USAGE", 254_00),
    ]


THREE_BY_THE_MONTH: tuple[Action, ...] = (
    *accepted("2025-12-31", "a", "b", "c"),
    SignContract(at("2026-01-01"), Terms("ADVANCED", 3), 12, 1),
)


@pytest.mark.parametrize(("day", "arrears"), [("2026-11-01", 198_00), ("2026-11-10", 138_60)])
def test_seats_above_a_commitment_are_billed_as_additional_usage(day: str, arrears: int) -> None:
    made = bills(*THREE_BY_THE_MONTH, *accepted(day, "d", "e"), through="2026-12-01")

    extra, committed = of_day(made, "2026-12-01")
    assert made[0].total_cents == 297_00
    assert (extra.stream, committed.stream) == ("ADDITIONAL_USAGE", "SUBSCRIPTION")
    assert amounts(extra, USAGE) == [arrears, 198_00] if arrears < 198_00 else [198_00, 198_00]
    assert committed.total_cents == 297_00


def test_extra_seats_of_a_contract_come_and_go() -> None:
    made = bills(
        *THREE_BY_THE_MONTH,
        *accepted("2026-09-10", "d"),
        *accepted("2026-09-15", "e"),
        Remove(at("2026-09-25"), "e"),
        Remove(at("2026-10-11"), "d"),
        through="2026-11-01",
    )

    october, november = of_day(made, "2026-10-01"), of_day(made, "2026-11-01")
    assert amounts(october[0], USAGE) == [-52_80, -39_60, 19_80, 69_30, 99_00, 105_60]
    assert october[0].total_cents == 201_30
    assert [(each.stream, each.total_cents) for each in november] == [
        ("ADDITIONAL_USAGE", -67_06),
        ("SUBSCRIPTION", 297_00),
    ]
    assert november[1].due_cents == 229_94


@pytest.mark.parametrize(("sent", "cents"), [(3_000, [50_00]), (1_500, [])])
def test_messages_above_a_commitment_cost_the_difference(sent: int, cents: list[int]) -> None:
    terms = Terms("ADVANCED", 3, usage=(Committed("MESSAGES_SENT", 2_000),), psp_from=date(2026, 1, 1))
    made = bills(
        SignContract(at("2026-01-01"), terms, 12, 3),
        used("2026-01-20", "MESSAGES_SENT", sent),
        through="2026-02-01",
    )

    assert amounts(made[0], SUBSCRIPTION) == [285_00, 297_00, 891_00]
    assert [amounts(each, USAGE) for each in made[1:]] == ([cents] if cents else [])


def test_the_add_on_of_a_contract_has_its_own_dates() -> None:
    terms = Terms("ESSENTIAL", 1, psp_from=date(2026, 8, 10), psp_until=date(2027, 1, 1))

    by_year = bills(SignContract(at("2026-01-01"), terms, 12, 12), through="2027-01-01")
    by_quarter = bills(SignContract(at("2026-01-01"), terms, 12, 3), through="2027-01-01")

    addon = (SUBSCRIPTION, date(2026, 8, 10), date(2027, 1, 1), 466_26)
    assert addon in by_year[0].lines
    assert [each.total_cents for each in by_year] == [468_00 + 466_26, 468_00]
    assert [each.total_cents - 117_00 for each in by_quarter] == [0, 0, 169_26, 297_00, 0]


def test_an_amendment_is_a_pair_on_the_next_subscription_invoice() -> None:
    made = bills(
        SignContract(at("2026-01-01"), Terms("ADVANCED", 3), 12, 3),
        AmendContract(at("2026-02-15"), Terms("ADVANCED", 5, 90_00)),
        *accepted("2026-02-15", *"abcde"),
        through="2026-04-01",
    )

    # Of 90 days 45 are left: 5 x 270.00 / 2 - 3 x 297.00 / 2.
    assert summary(made)[1:] == [("2026-04-01", "SUBSCRIPTION", 675_00 - 445_50 + 1_350_00)]


def test_committed_usage_is_amended_with_the_next_usage_month() -> None:
    committed = Terms("ADVANCED", 1, usage=(Committed("BULK_EMAIL", 1_000),))
    more = Terms("ADVANCED", 1, usage=(Committed("BULK_EMAIL", 2_000, 60_00),))
    made = bills(
        SignContract(at("2026-01-01"), committed, 12, 3),
        AmendContract(at("2026-02-01"), more),
        used("2026-02-10", "BULK_EMAIL", 2_500, "february"),
        used("2026-03-10", "BULK_EMAIL", 2_500, "march"),
        through="2026-04-01",
    )

    # list(1,000) = 35.00, list(2,000) = 63.00, list(2,500) = 77.00; 31 of 90 days from 1 March.
    assert made[0].total_cents == 297_00 + 105_00
    assert only(made, "2026-03-01").total_cents == 42_00
    extra, subscription = of_day(made, "2026-04-01")
    assert extra.total_cents == 14_00
    assert amounts(subscription, PRORATIONS) == [-36_17, 62_00]
    assert amounts(subscription, SUBSCRIPTION) == [180_00, 297_00]


def test_a_contract_over_a_month_cuts_it_with_one_invoice() -> None:
    made = bills(
        *accepted("2026-09-30", *"abc"),
        Start(at("2026-10-01"), "ADVANCED", psp=True),
        used("2026-10-02", "PHONE_MINUTE", 60),
        SignContract(at("2026-10-20"), Terms("ADVANCED", 2), 12, 1),
        through="2026-10-20",
    )

    assert made[1].lines == (
        (USAGE, date(2026, 10, 1), date(2026, 10, 20), 3),
        (USAGE, date(2026, 10, 20), date(2026, 11, 20), 99_00),
        (PRORATIONS, date(2026, 10, 20), date(2026, 11, 1), -114_97),
        (PRORATIONS, date(2026, 10, 20), date(2026, 11, 1), -38_32),
        (SUBSCRIPTION, date(2026, 10, 20), date(2026, 11, 20), 198_00),
    )


def test_a_contract_over_a_year_credits_what_was_prepaid() -> None:
    made = bills(
        *accepted("2025-12-31", "a"),
        StartYearly(at("2026-01-01"), "ADVANCED", 2, psp=False),
        AddPsp(at("2026-08-10")),
        SignContract(at("2026-10-20"), Terms("ADVANCED", 1), 12, 12),
        through="2026-10-20",
    )

    # 73 of 365 days of the seats, 73 of the 144 days that $466.26 covers.
    assert made[-1].lines == (
        (PRORATIONS, date(2026, 10, 20), date(2027, 1, 1), -408_00),
        (PRORATIONS, date(2026, 10, 20), date(2027, 1, 1), -236_37),
        (SUBSCRIPTION, date(2026, 10, 20), date(2027, 10, 20), 1_188_00),
    )


def test_a_contract_ends_with_one_final_invoice() -> None:
    made = bills(
        SignContract(at("2026-01-01"), Terms("ADVANCED", 1), 3, 3),
        AmendContract(at("2026-02-15"), Terms("ADVANCED", 3)),
        EndContract(at("2026-02-20")),
        *accepted("2026-03-16", *"abcd"),
        used("2026-03-31", "PHONE_MINUTE", 60),
        through="2026-06-01",
    )

    # The pair of 15 February (45/90), a fourth seat from 16 March (16/31), a minute.
    assert summary(made)[1:] == [("2026-04-01", "FINAL", 445_50 - 148_50 + 51_10 + 3)]


def test_the_programme_costs_a_fixed_price_in_its_first_year() -> None:
    made = bills(
        *accepted("2025-12-31", *"abcdefg"),
        StartEarlyStage(at("2026-01-01")),
        used("2026-01-10", "MESSAGES_SENT", 3_000, "messages"),
        used("2026-01-10", "PHONE_MINUTE", 60, "call"),
        through="2026-02-01",
    )

    assert amounts(made[0], SUBSCRIPTION) == [6_93, 65_00]
    assert amounts(made[1], USAGE) == [3, 10_15]


def test_the_programme_gets_dearer_by_the_year_and_ends_at_list_prices() -> None:
    made = bills(
        *accepted("2025-12-31", *"abcdefgh"),
        StartEarlyStage(at("2026-01-01")),
        through="2029-01-01",
    )

    by_year = [amounts(only(made, f"{year}-01-01"), SUBSCRIPTION) for year in (2026, 2027, 2028, 2029)]
    assert by_year == [[13_86, 65_00], [99_00, 451_50], [148_50, 677_25], [99_00, 792_00]]


def test_seats_above_the_programme_are_prorated_at_its_price() -> None:
    made = bills(
        *accepted("2026-08-31", *"abcd"),
        StartEarlyStage(at("2026-09-01")),
        *accepted("2026-09-15", "e", "f"),
        *accepted("2026-09-16", "g", "h"),
        through="2026-10-01",
    )

    assert amounts(made[1], PRORATIONS) == [6_93]


def test_the_horizon_is_where_a_story_has_been_billed() -> None:
    by_quarter = SignContract(at("2026-01-01"), Terms("ADVANCED", 3), 12, 3)
    story = Story("UTC", (by_quarter, AmendContract(at("2026-02-15"), Terms("ADVANCED", 5))))

    assert horizon(story) == date(2026, 4, 1)

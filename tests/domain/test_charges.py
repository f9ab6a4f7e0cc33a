"""Which charges the dated facts make due, when, and what they say of themselves; amounts are in the golden cases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.calendar import Period, days_of
from domain.charges import charges
from domain.facts import (
    EarlyStageStarted,
    Ended,
    PlanChanged,
    PspAdded,
    PspRemoved,
    Started,
    TrialStarted,
    YearlyStarted,
)
from domain.pricebook import Metric, Plan
from domain.rated import usage_totals
from domain.sections import Charge, Section
from tests.domain.builders import (
    BOOK,
    UTC_ZONE,
    Recordable,
    Units,
    at,
    full,
    gone,
    history,
    lite,
    on,
    paid_phase,
    record,
)

TICK = timedelta(microseconds=1)
SEPTEMBER = Period(on("2026-09-01"), on("2026-10-01"))
START = Started(at("2026-09-01"), Plan.ESSENTIAL, False, BOOK.version)
START_WITH_PSP = Started(at("2026-09-01"), Plan.ESSENTIAL, True, BOOK.version)
ANN = full("ann", at("2026-08-31"))


def due(*whats: Recordable, through: str = "2026-10-01", since: str | None = None) -> list[Charge]:
    found = charges(history(record(*whats)), through=on(through), since=on(since) if since else None)
    return [charge for charge in found if charge.amount or charge.section is not Section.ADDITIONAL_USAGE]


def prorations(*whats: Recordable, through: str = "2026-10-01") -> list[tuple[str, int]]:
    """Give day and amount of each proration, in order."""
    return [
        (f"{charge.service.start:%d %b}", charge.amount)
        for charge in due(*whats, through=through)
        if charge.section is Section.PRORATIONS
    ]


def ahead(*whats: Recordable, through: str = "2026-10-01") -> list[tuple[str, int]]:
    return [
        (charge.key, charge.amount)
        for charge in due(*whats, through=through)
        if charge.section is Section.SUBSCRIPTION
    ]


def test_nothing_is_due_before_the_start() -> None:
    assert due(ANN, START, through="2026-08-31") == []


def test_a_trial_costs_nothing() -> None:
    trial = TrialStarted(at("2026-09-01"), Plan.EXPERT, BOOK.version)
    usage = Units(Metric.FIN_RESOLUTION, on("2026-09-02"), 1_000)

    assert charges(history(record(ANN, trial, usage)), through=on("2027-01-01")) == ()


def test_a_period_is_billed_ahead_on_its_first_day_and_in_arrears_as_it_ends() -> None:
    whats = ANN, START, full("bob", at("2026-09-15"))

    assert [charge.key for charge in due(*whats, through="2026-09-30")] == ["seats:2026-09-01"]
    assert [charge.key for charge in due(*whats, through="2026-10-01")] == [
        "seats:2026-09-01",
        "remaining:2026-09-15",
        "unused:2026-09-15",
        "seats:2026-10-01",
    ]


def test_a_charge_is_due_on_the_invoice_that_takes_it_first() -> None:
    found = due(ANN, START, full("bob", at("2026-09-15")), PspAdded(at("2026-09-16")))

    assert {charge.key: charge.due_on.isoformat() for charge in found} == {
        "seats:2026-09-01": "2026-09-01",
        "remaining:2026-09-15": "2026-10-01",
        "unused:2026-09-15": "2026-10-01",
        "psp-added:2026-09-16": "2026-10-01",
        "seats:2026-10-01": "2026-10-01",
        "psp:2026-10-01": "2026-10-01",
    }
    assert all(charge.period == SEPTEMBER for charge in found if charge.key[-5:-3] == "09")


def test_leaves_out_periods_that_begin_before_since() -> None:
    whats = ANN, START, full("bob", at("2026-09-15"))

    later = due(*whats, through="2026-11-01", since="2026-10-01")

    assert [charge.key for charge in later] == ["seats:2026-10-01", "seats:2026-11-01"]


def test_ahead_knows_the_moment_of_the_start_and_not_the_one_after() -> None:
    before, after = full("bob", START.at - TICK), full("cyd", START.at + TICK)

    assert ahead(ANN, before, START, after)[0] == ("seats:2026-09-01", 78_00)
    assert prorations(ANN, before, START, after) == [("01 Sep", 117_00), ("01 Sep", -78_00)]


def test_in_one_moment_the_order_of_recording_decides_what_the_start_knows() -> None:
    bob = full("bob", START.at)

    assert ahead(ANN, bob, START)[0][1] == 78_00
    assert ahead(ANN, START, bob)[0][1] == 39_00
    assert prorations(ANN, bob, START) == []
    assert prorations(ANN, START, bob) == [("01 Sep", 78_00), ("01 Sep", -39_00)]


def test_ahead_bills_the_state_as_the_day_opens() -> None:
    midnight = at("2026-10-01", "00:00")

    assert ahead(ANN, START, full("bob", midnight - TICK))[1] == ("seats:2026-10-01", 78_00)
    assert ahead(ANN, START, full("bob", midnight))[1] == ("seats:2026-10-01", 39_00)
    assert prorations(ANN, START, full("bob", midnight), through="2026-11-01") == [
        ("01 Oct", 78_00),
        ("01 Oct", -39_00),
    ]


def test_a_plan_change_as_a_period_opens_is_a_pair_of_the_whole_period() -> None:
    midnight = at("2026-10-01", "00:00")

    assert ahead(ANN, START, PlanChanged(midnight, Plan.EXPERT))[1] == ("seats:2026-10-01", 39_00)
    assert prorations(ANN, START, PlanChanged(midnight, Plan.EXPERT), through="2026-11-01") == [
        ("01 Oct", 139_00),
        ("01 Oct", -39_00),
    ]


def test_a_change_on_the_last_day_is_a_pair_of_one_day() -> None:
    assert prorations(ANN, START, full("bob", at("2026-09-30", "23:59"))) == [
        ("30 Sep", 2_60),
        ("30 Sep", -1_30),
    ]


def test_a_seat_removed_on_the_first_day_is_free_from_that_day() -> None:
    bob = full("bob", at("2026-08-31"))

    assert prorations(ANN, bob, START, gone("bob", at("2026-10-01")), through="2026-11-01") == [
        ("01 Oct", 39_00),
        ("01 Oct", -78_00),
    ]


def test_one_seat_is_billed_when_nobody_holds_one() -> None:
    assert ahead(START)[0] == ("seats:2026-09-01", 39_00)
    assert prorations(START, full("ann", at("2026-09-15"))) == []
    assert prorations(ANN, START, gone("ann", at("2026-09-15"))) == []


def test_the_least_of_one_seat_is_prorated_at_the_price_of_its_plan() -> None:
    assert prorations(START, PlanChanged(at("2026-09-16"), Plan.ADVANCED)) == [
        ("16 Sep", 49_50),
        ("16 Sep", -19_50),
    ]


def test_lite_seats_are_free() -> None:
    start = Started(at("2026-09-01"), Plan.ADVANCED, False, BOOK.version)

    assert ahead(ANN, lite("bob", at("2026-08-31")), start)[0] == ("seats:2026-09-01", 99_00)
    assert prorations(ANN, start, lite("bob", at("2026-09-15"))) == []


def test_changes_of_one_date_that_cancel_out_make_no_pair() -> None:
    assert prorations(ANN, START, gone("ann", at("2026-09-15")), full("bob", at("2026-09-15"))) == []
    assert (
        prorations(
            ANN,
            START,
            PlanChanged(at("2026-09-15", "09:00"), Plan.EXPERT),
            PlanChanged(at("2026-09-15", "10:00"), Plan.ESSENTIAL),
        )
        == []
    )


def test_pairs_chain_from_day_to_day() -> None:
    assert prorations(
        ANN,
        START,
        full("bob", at("2026-09-16")),
        PlanChanged(at("2026-09-21"), Plan.ADVANCED),
        gone("bob", at("2026-09-28")),
    ) == [
        ("16 Sep", 39_00),
        ("16 Sep", -19_50),
        ("21 Sep", 66_00),
        ("21 Sep", -26_00),
        ("28 Sep", 9_90),
        ("28 Sep", -19_80),
    ]


def test_a_new_period_forgets_the_pairs_of_the_old_one() -> None:
    assert prorations(ANN, START, full("bob", at("2026-09-15")), through="2026-12-01") == [
        ("15 Sep", 41_60),
        ("15 Sep", -20_80),
    ]


def test_a_pair_names_the_facts_of_its_day_and_shares_their_change() -> None:
    whats = ANN, START, full("bob", at("2026-09-15")), PlanChanged(at("2026-09-15"), Plan.ADVANCED)

    remaining, unused = [charge for charge in due(*whats) if charge.section is Section.PRORATIONS]

    assert sorted(remaining.causes) == sorted(unused.causes) == [3, 4]
    assert remaining.change == unused.change == "change:2026-09-15"
    assert remaining.service == unused.service == Period(on("2026-09-15"), on("2026-10-01"))


def test_the_add_on_costs_its_price_ahead_and_its_days_in_arrears() -> None:
    assert ahead(ANN, START_WITH_PSP)[:2] == [("seats:2026-09-01", 39_00), ("psp:2026-09-01", 99_00)]
    assert prorations(ANN, START_WITH_PSP) == []
    assert prorations(ANN, START, PspAdded(at("2026-09-01", "12:01"))) == [("01 Sep", 99_00)]
    assert prorations(ANN, START, PspAdded(at("2026-09-30", "23:59"))) == [("30 Sep", 3_30)]


def test_a_pair_on_the_first_day_names_what_changed_then_and_not_the_start() -> None:
    entries = record(ANN, START, full("bob", at("2026-09-01", "13:00")))

    pair = [charge for charge in charges(history(entries), through=SEPTEMBER.end) if charge.change]

    assert [charge.causes for charge in pair] == [(3,), (3,)]


def test_a_pair_names_every_plan_change_of_its_date() -> None:
    changes = [
        PlanChanged(at("2026-09-15", "10:00"), Plan.ADVANCED),
        PlanChanged(at("2026-09-15", "11:00"), Plan.EXPERT),
    ]

    pair = [
        charge
        for charge in charges(history(record(ANN, START, *changes)), through=SEPTEMBER.end)
        if charge.change
    ]

    assert [charge.causes for charge in pair] == [(3, 4), (3, 4)]


def test_the_add_on_is_one_at_its_price_caused_by_its_choice() -> None:
    found = due(ANN, START_WITH_PSP) + due(ANN, START, PspAdded(at("2026-09-15")))

    add_ons = [charge for charge in found if charge.description.startswith("Proactive Support Plus")]

    assert [(charge.key, charge.quantity, charge.unit_price, charge.causes) for charge in add_ons] == [
        ("psp:2026-09-01", 1, 99 * 10**8, (2,)),
        ("psp:2026-10-01", 1, 99 * 10**8, (2,)),
        ("psp-added:2026-09-15", 1, 99 * 10**8, (3,)),
        ("psp:2026-10-01", 1, 99 * 10**8, (3,)),
    ]


def test_the_add_on_at_the_midnight_of_a_period_is_billed_once_for_it() -> None:
    midnight = PspAdded(at("2026-10-01", "00:00"))

    assert ("psp:2026-10-01", 99_00) not in ahead(ANN, START, midnight)
    assert prorations(ANN, START, midnight, through="2026-11-01") == [("01 Oct", 99_00)]
    assert ("psp:2026-11-01", 99_00) in ahead(ANN, START, midnight, through="2026-11-01")


def test_the_add_on_removed_gets_no_credit_and_is_billed_again_when_added_anew() -> None:
    removed, anew = PspRemoved(at("2026-09-20")), PspAdded(at("2026-10-05"))

    assert prorations(ANN, START_WITH_PSP, removed, anew, through="2026-11-01") == [("05 Oct", 86_23)]
    assert [key for key, _ in ahead(ANN, START_WITH_PSP, removed, anew, through="2026-11-01")] == [
        "seats:2026-09-01",
        "psp:2026-09-01",
        "seats:2026-10-01",
        "seats:2026-11-01",
        "psp:2026-11-01",
    ]


def test_usage_is_one_charge_per_metric_and_period_of_all_its_days() -> None:
    days = ("2026-08-31", "2026-09-01", "2026-09-30", "2026-10-01")
    usage = [Units(Metric.BULK_EMAIL, on(day), 100) for day in days]

    found = [charge for charge in due(ANN, START, *usage) if charge.section is Section.ADDITIONAL_USAGE]

    assert [(charge.key, charge.quantity, charge.amount) for charge in found] == [
        ("usage:BULK_EMAIL:2026-09-01", 200, 8_00)
    ]
    assert found[0].explanation == "200 x $0.04 = $8.00"


def test_usage_is_pooled_before_it_is_rated() -> None:
    usage = [Units(Metric.BULK_EMAIL, on("2026-09-02"), 400), Units(Metric.BULK_EMAIL, on("2026-09-03"), 400)]

    (charge,) = [one for one in due(ANN, START, *usage) if one.section is Section.ADDITIONAL_USAGE]

    assert charge.amount == 29_00


def test_every_metric_has_a_charge_even_at_nothing() -> None:
    found = charges(history(record(ANN, START)), through=on("2026-10-01"))

    assert [charge.key for charge in found if charge.section is Section.ADDITIONAL_USAGE] == [
        f"usage:{metric}:2026-09-01" for metric in Metric
    ]


def test_the_included_messages_start_again_each_period() -> None:
    usage = [
        Units(Metric.MESSAGES_SENT, on("2026-09-30"), 500),
        Units(Metric.MESSAGES_SENT, on("2026-10-01"), 501),
    ]

    found = due(ANN, START_WITH_PSP, *usage, through="2026-11-01")

    assert [charge.amount for charge in found if charge.section is Section.ADDITIONAL_USAGE] == [7]


def test_the_included_messages_are_never_prorated() -> None:
    usage = Units(Metric.MESSAGES_SENT, on("2026-09-30"), 500)

    found = due(ANN, START, PspAdded(at("2026-09-29")), usage)

    assert [charge.key for charge in found if charge.section is Section.ADDITIONAL_USAGE] == []


def test_an_ended_subscription_is_billed_to_its_end_and_not_ahead() -> None:
    ended = Ended(at("2026-10-01", "00:00"))
    usage = Units(Metric.FIN_RESOLUTION, on("2026-09-30"), 1)

    found = due(ANN, START_WITH_PSP, full("bob", at("2026-09-16")), usage, ended, through="2027-01-01")

    assert [(charge.section, charge.amount) for charge in found] == [
        (Section.SUBSCRIPTION, 39_00),
        (Section.SUBSCRIPTION, 99_00),
        (Section.PRORATIONS, 39_00),
        (Section.PRORATIONS, -19_50),
        (Section.ADDITIONAL_USAGE, 99),
    ]


def test_keys_are_unique() -> None:
    found = charges(
        history(
            record(
                ANN,
                START_WITH_PSP,
                full("bob", at("2026-09-01", "13:00")),
                full("cyd", at("2026-10-01", "00:00")),
                PspRemoved(at("2026-09-02")),
                PspAdded(at("2026-10-01", "00:00")),
            )
        ),
        through=on("2027-01-01"),
    )

    keys = [charge.key for charge in found]
    assert len(set(keys)) == len(keys)


def test_adds_up_usage_inside_a_period_only() -> None:
    usage = {
        (Metric.SMS_SEGMENT, on("2026-08-31")): 1,
        (Metric.SMS_SEGMENT, on("2026-09-01")): 2,
        (Metric.SMS_SEGMENT, on("2026-09-30")): 4,
        (Metric.SMS_SEGMENT, on("2026-10-01")): 8,
        (Metric.BULK_EMAIL, on("2026-09-30")): 16,
    }

    assert usage_totals(usage, SEPTEMBER) == {Metric.SMS_SEGMENT: 6, Metric.BULK_EMAIL: 16}


def test_yields_the_dates_of_a_period() -> None:
    days = list(days_of(SEPTEMBER))

    assert (len(days), days[0], days[-1]) == (30, on("2026-09-01"), on("2026-09-30"))


@pytest.mark.parametrize(
    ("section", "label"),
    [
        (Section.ADDITIONAL_USAGE, "Additional usage"),
        (Section.PRORATIONS, "Subscription: Prorations"),
        (Section.SUBSCRIPTION, "Subscription"),
    ],
)
def test_sections_are_headed_as_on_an_invoice(section: Section, label: str) -> None:
    assert section.label() == label


def test_changes_of_a_yearly_term_stand_under_a_heading_of_their_own() -> None:
    assert Section.PRORATIONS.label(is_yearly=True) == "Prorated Usage"
    assert Section.SUBSCRIPTION.label(is_yearly=True) == "Subscription"


def test_phases_know_the_zone() -> None:
    entries = record(ANN, START)

    assert history(entries).phases() == (paid_phase(entries, UTC_ZONE),)


def test_the_bundle_given_back_bears_its_own_name() -> None:
    switched = due(
        EarlyStageStarted(at("2026-01-01"), BOOK.version),
        YearlyStarted(at("2026-01-17"), Plan.ADVANCED, 6, False, BOOK.version),
        through="2026-01-17",
    )

    given_back = [charge.description for charge in switched if charge.amount < 0]
    assert given_back == ["Unused time on Early Stage: 6 seats and Proactive Support Plus from 17 Jan 2026"]

"""Facts fold into phases, plans by day and spans of the add-on, in whatever order they are given."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import ONE_DAY, Period, opening, opening_stamp
from domain.facts import (
    ConversionChosen,
    Ended,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    Started,
    TrialExtended,
    TrialStarted,
    conversion_chosen,
    is_trial_extended,
)
from domain.folding import phases
from domain.phases import Phase, PhaseKind, phase_at
from domain.pricebook import Plan
from tests.domain.builders import BOOK, BOOKS, UTC_ZONE, at, on

TICK = timedelta(microseconds=1)
SEPTEMBER = Period(on("2026-09-01"), on("2026-10-01"))
OCTOBER = Period(on("2026-10-01"), on("2026-11-01"))
START = Started(at("2026-09-01"), Plan.ESSENTIAL, False, BOOK.version, order=1)
START_WITH_PSP = Started(at("2026-09-01"), Plan.ESSENTIAL, True, BOOK.version, order=1)
TRIAL = TrialStarted(at("2026-09-01"), Plan.ADVANCED, BOOK.version, order=1)


def fold(*facts: Fact, zone: str = "UTC") -> tuple[Phase, ...]:
    return phases(facts, ZoneInfo(zone), BOOKS)


def paid(*facts: Fact) -> Phase:
    return fold(*facts)[-1]


def has_psp(phase: Phase, moment: datetime) -> bool:
    return phase.psp_at(moment, UTC_ZONE) is not None


def ahead(phase: Phase, period: Period) -> bool:
    stamp = phase.opens(period, UTC_ZONE)
    return any(span.is_billed_ahead(stamp, period) for span in phase.psp)


def test_a_subscription_without_facts_has_no_phases() -> None:
    assert fold() == ()


def test_a_start_opens_a_monthly_phase_at_its_moment() -> None:
    phase = paid(START)

    assert (phase.kind, phase.start, phase.end) == (PhaseKind.MONTHLY, on("2026-09-01"), None)
    assert phase.opened == (at("2026-09-01"), 1)
    assert phase.plan is Plan.ESSENTIAL
    assert phase.book is BOOK
    assert phase.psp == ()


def test_the_start_is_a_date_of_the_billing_time_zone() -> None:
    assert fold(START, zone="Pacific/Auckland")[0].start == on("2026-09-02")


def test_a_trial_lasts_fourteen_days_with_all_add_ons() -> None:
    phase = paid(TRIAL)

    assert (phase.kind, phase.start, phase.end) == (PhaseKind.TRIAL, on("2026-09-01"), on("2026-09-15"))
    assert has_psp(phase, TRIAL.at)


def test_an_extension_adds_seven_days() -> None:
    phase = paid(TRIAL, TrialExtended(at("2026-09-10"), 2))

    assert phase.end == on("2026-09-22")


def test_tells_whether_a_trial_was_extended() -> None:
    assert not is_trial_extended([TRIAL])
    assert is_trial_extended([TRIAL, TrialExtended(at("2026-09-10"), 2)])


def test_a_choice_changes_nothing_until_the_trial_ends() -> None:
    chosen = ConversionChosen(at("2026-09-02"), Plan.EXPERT, True, 2)

    assert fold(TRIAL, chosen) == fold(TRIAL)


def test_the_latest_choice_counts() -> None:
    first = ConversionChosen(at("2026-09-02"), Plan.ESSENTIAL, False, 2)
    latest = ConversionChosen(at("2026-09-03"), Plan.EXPERT, True, 3)
    same_moment = ConversionChosen(at("2026-09-03"), Plan.ADVANCED, True, 4)

    assert conversion_chosen([TRIAL]) is None
    assert conversion_chosen([latest, TRIAL, first]) is latest
    assert conversion_chosen([same_moment, latest, first]) is same_moment


def test_the_paid_phase_begins_as_the_day_opens_on_which_the_trial_ends() -> None:
    start = Started(
        at("2026-09-15", "00:00"), Plan.ESSENTIAL, False, BOOK.version, as_day_opens=True, order=99
    )

    trial, phase = fold(TRIAL, start)

    assert trial.end == phase.start == on("2026-09-15")
    assert phase.opened == opening_stamp(on("2026-09-15"), UTC_ZONE)
    assert phase.plan is Plan.ESSENTIAL
    assert phase.psp == ()
    assert phase.month_of(on("2026-09-15")) == Period(on("2026-09-15"), on("2026-10-15"))


def test_a_paid_phase_started_in_the_course_of_the_day_leaves_no_gap_after_the_trial() -> None:
    start = Started(
        at("2026-09-05", "14:00"), Plan.ESSENTIAL, False, BOOK.version, as_day_opens=True, order=5
    )

    found = fold(TRIAL, start)

    assert found[0].end == found[1].start == on("2026-09-05")
    for moment, kind in (
        (at("2026-09-04", "23:59"), PhaseKind.TRIAL),
        (at("2026-09-05", "00:00"), PhaseKind.MONTHLY),
        (at("2026-09-05", "10:00"), PhaseKind.MONTHLY),
    ):
        phase = phase_at(found, moment, UTC_ZONE)
        assert phase is not None
        assert phase.kind is kind


def test_a_change_at_the_midnight_of_the_conversion_belongs_to_the_paid_phase() -> None:
    midnight = at("2026-09-15", "00:00")
    start = Started(midnight, Plan.ESSENTIAL, False, BOOK.version, as_day_opens=True, order=99)

    phase = paid(TRIAL, PlanChanged(midnight, Plan.EXPERT, order=7), PspAdded(midnight, order=8), start)

    assert phase.plan_before(phase.opened)[1] is Plan.ESSENTIAL
    assert phase.plan_on(on("2026-09-15"), UTC_ZONE) is Plan.EXPERT
    assert not ahead(phase, Period(on("2026-09-15"), on("2026-10-15")))
    assert has_psp(phase, midnight)


def test_facts_fold_alike_in_any_order() -> None:
    facts: list[Fact] = [
        START,
        PlanChanged(at("2026-09-10"), Plan.ADVANCED, order=2),
        PlanChanged(at("2026-09-10"), Plan.EXPERT, order=3),
        PspAdded(at("2026-09-11"), order=4),
        PspRemoved(at("2026-09-11"), order=5),
    ]

    assert all(fold(*shuffled) == fold(*facts) for shuffled in permutations(facts))
    assert paid(*facts).plan is Plan.EXPERT


@pytest.mark.parametrize(
    ("day", "plan"),
    [
        ("2026-09-01", Plan.ESSENTIAL),
        ("2026-09-14", Plan.ESSENTIAL),
        ("2026-09-15", Plan.ADVANCED),
        ("2026-09-19", Plan.ADVANCED),
        ("2026-09-20", Plan.EXPERT),
        ("2027-01-01", Plan.EXPERT),
    ],
)
def test_a_day_has_its_last_plan(day: str, plan: Plan) -> None:
    phase = paid(
        START,
        PlanChanged(at("2026-09-15", "23:59"), Plan.ADVANCED, order=2),
        PlanChanged(at("2026-09-20", "00:00"), Plan.ESSENTIAL, order=3),
        PlanChanged(at("2026-09-20", "09:00"), Plan.EXPERT, order=4),
    )

    assert phase.plan_on(on(day), UTC_ZONE) is plan


def test_a_plan_is_in_force_after_its_stamp() -> None:
    phase = paid(START, PlanChanged(at("2026-09-15"), Plan.EXPERT, order=2))

    assert phase.plan_before((at("2026-09-15"), 2))[1] is Plan.ESSENTIAL
    assert phase.plan_before((at("2026-09-15"), 3)) == ((at("2026-09-15"), 2), Plan.EXPERT)
    assert phase.plan_before(phase.opened)[1] is Plan.ESSENTIAL


def test_a_period_opens_as_its_day_does_and_the_first_with_the_start() -> None:
    phase = paid(START)

    assert phase.opens(SEPTEMBER, UTC_ZONE) == (START.at, 1)
    assert phase.opens(OCTOBER, UTC_ZONE) == opening_stamp(on("2026-10-01"), UTC_ZONE)


def test_yields_the_months_that_began() -> None:
    phase = paid(START)

    assert list(phase.months(on("2026-09-30"))) == [SEPTEMBER]
    assert list(phase.months(on("2026-10-01"))) == [SEPTEMBER, OCTOBER]
    assert list(phase.months(on("2026-08-31"))) == []


def test_no_month_begins_after_the_end() -> None:
    phase = paid(START, Ended(at("2026-10-01", "00:00"), 2))

    assert phase.end == on("2026-10-01")
    assert list(phase.months(on("2026-12-01"))) == [SEPTEMBER]


def test_finds_the_phase_of_a_moment() -> None:
    found = fold(START, Ended(at("2026-10-01", "00:00"), 2))

    assert phase_at(found, START.at - TICK, UTC_ZONE) is None
    assert phase_at(found, START.at, UTC_ZONE) == found[0]
    assert phase_at(found, at("2026-10-01", "00:00") - TICK, UTC_ZONE) == found[0]
    assert phase_at(found, at("2026-10-01", "00:00"), UTC_ZONE) is None


def test_the_add_on_chosen_at_the_start_is_billed_ahead() -> None:
    phase = paid(START_WITH_PSP)

    assert ahead(phase, SEPTEMBER)
    assert has_psp(phase, START.at)
    assert not has_psp(phase, START.at - TICK)


@pytest.mark.parametrize("moment", [at("2026-09-01"), at("2026-09-01", "12:01"), at("2026-09-30", "23:59")])
def test_the_add_on_added_later_is_billed_ahead_from_the_next_period_on(moment: datetime) -> None:
    phase = paid(START, PspAdded(moment, order=2))

    assert not ahead(phase, SEPTEMBER)
    assert ahead(phase, OCTOBER)
    assert has_psp(phase, moment)
    assert not has_psp(phase, moment - TICK)


def test_the_add_on_added_as_a_period_opens_is_not_billed_ahead_for_it() -> None:
    midnight = at("2026-10-01", "00:00")

    assert not ahead(paid(START, PspAdded(midnight, order=2)), OCTOBER)
    assert ahead(paid(START, PspAdded(midnight - TICK, order=2)), OCTOBER)


@pytest.mark.parametrize(
    "facts",
    [
        (START_WITH_PSP, PspRemoved(at("2026-09-01", "12:01"), order=2)),
        (START_WITH_PSP, PspRemoved(at("2026-09-30", "23:59"), order=2)),
        (START, PspAdded(at("2026-09-15"), order=2), PspRemoved(at("2026-09-15"), 3)),
        (START_WITH_PSP, PspRemoved(at("2026-09-10"), order=2), PspRemoved(at("2026-09-11"), 3)),
    ],
)
def test_the_add_on_removed_stays_until_the_period_ends(facts: tuple[Fact, ...]) -> None:
    phase = paid(*facts)

    assert has_psp(phase, at("2026-10-01", "00:00") - TICK)
    assert not has_psp(phase, at("2026-10-01", "00:00"))
    assert not ahead(phase, OCTOBER)


def test_the_add_on_removed_as_a_period_opens_was_billed_ahead_and_stays_for_it() -> None:
    phase = paid(START_WITH_PSP, PspRemoved(at("2026-10-01", "00:00"), order=2))

    assert ahead(phase, OCTOBER)
    assert has_psp(phase, at("2026-10-31", "23:59"))
    assert not has_psp(phase, at("2026-11-01", "00:00"))


def test_the_removal_lasts_to_the_end_of_the_anchored_month() -> None:
    start = Started(at("2026-01-31"), Plan.ESSENTIAL, True, BOOK.version, order=1)

    phase = paid(start, PspRemoved(at("2026-02-27"), order=2))

    assert phase.psp[0].until == on("2026-02-28")


def test_the_add_on_taken_back_in_time_was_never_removed() -> None:
    removed = PspRemoved(at("2026-09-10"), order=2)

    phase = paid(START_WITH_PSP, removed, PspAdded(at("2026-10-01", "00:00") - TICK, order=3))

    assert phase.psp == paid(START_WITH_PSP).psp
    assert ahead(phase, OCTOBER)


def test_the_add_on_taken_back_too_late_is_a_new_one() -> None:
    midnight = at("2026-10-01", "00:00")

    phase = paid(START_WITH_PSP, PspRemoved(at("2026-09-10"), order=2), PspAdded(midnight, order=3))

    assert [(span.added, span.until) for span in phase.psp] == [
        ((START.at, 1), on("2026-10-01")),
        ((midnight, 3), None),
    ]
    assert not ahead(phase, OCTOBER)


def test_each_removal_ends_the_latest_span_only() -> None:
    removed, anew = PspRemoved(at("2026-09-10"), order=2), PspAdded(at("2026-10-05"), order=3)
    removed_again, back = PspRemoved(at("2026-11-05"), order=4), PspAdded(at("2026-11-06"), order=5)
    first = ((START.at, 1), on("2026-10-01"))

    leaving = paid(START_WITH_PSP, removed, anew, removed_again).psp
    staying = paid(START_WITH_PSP, removed, anew, removed_again, back).psp

    assert [(span.added, span.until) for span in leaving] == [first, ((anew.at, 3), on("2026-12-01"))]
    assert [(span.added, span.until) for span in staying] == [first, ((anew.at, 3), None)]


def test_adding_the_add_on_twice_is_adding_it_once() -> None:
    once = paid(START, PspAdded(at("2026-09-15"), order=2))

    assert paid(START, PspAdded(at("2026-09-15"), order=2), PspAdded(at("2026-09-20"), order=3)) == once


def test_removing_the_add_on_that_is_not_there_changes_nothing() -> None:
    assert paid(START, PspRemoved(at("2026-09-15"), order=2)) == paid(START)


def test_the_add_on_is_measured_in_local_days() -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    removed = PspRemoved(at("2026-09-10"), order=2)

    (phase,) = phases([START_WITH_PSP, removed], warsaw, BOOKS)

    last = opening(on("2026-10-01"), warsaw) - TICK
    assert phase.psp_at(last, warsaw)
    assert phase.psp_at(last + TICK, warsaw) is None
    assert last.date() == on("2026-10-01") - ONE_DAY

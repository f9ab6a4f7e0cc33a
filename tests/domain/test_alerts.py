"""Alerts: what is in force when, which levels tell, and that each tells once a usage period, however usage moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alerts import (
    LARGEST_THRESHOLD,
    Alert,
    AlertMetric,
    AlertNotSet,
    Mark,
    Passing,
    SpendIsPerAccount,
    Threshold,
    ThresholdOutOfRange,
    Watched,
    check_scope,
    in_cycle,
    is_reached,
    label_of,
    notice,
    notice_facts,
    price_of_threshold,
    reached_at,
    set_threshold,
    spend,
    turn_off,
    watch,
)
from domain.calendar import Period
from domain.facts import (
    Commitment,
    ContractSigned,
    ContractTerms,
    EarlyStageStarted,
    Fact,
    Started,
    TrialStarted,
    YearlyStarted,
)
from domain.folding import phases
from domain.invoicing import Line
from domain.pricebook import Metric, Plan
from domain.sections import Section
from tests.domain.builders import BOOK, BOOKS, UTC_ZONE, at, on

SEPTEMBER, OCTOBER = on("2026-09-01"), on("2026-10-01")
EMAIL = Alert(AlertMetric.BULK_EMAIL, cycle=SEPTEMBER)
SEATS = Alert(AlertMetric.FULL_SEATS, cycle=SEPTEMBER)


def put(alert: Alert, value: int, *, current: int = 0, also: bool = False) -> Alert:
    """Set a threshold."""
    return set_threshold(alert, value, also_at_50_and_80=also, current=current).alert


def told(alert: Alert, *totals: int) -> list[int | None]:
    """Look at an alert at one total after the other, and give the level told each time."""
    levels: list[int | None] = []
    for total in totals:
        seen = watch(alert, total)
        alert = seen.alert
        levels.append(seen.fired.level if seen.fired else None)
    return levels


def rising(alert: Alert, *counts: int) -> list[int | None]:
    """Change a number of seats step by step, and give the level told at each."""
    levels: list[int | None] = []
    for before, count in pairwise(counts):
        seen = watch(alert, count, before=before)
        alert = seen.alert
        levels.append(seen.fired.level if seen.fired else None)
    return levels


@pytest.mark.parametrize(
    ("threshold", "level", "total", "is_passed"),
    [
        (25, 50, 12, False),
        (25, 50, 13, True),
        (25, 80, 19, False),
        (25, 80, 20, True),
        (25, 100, 24, False),
        (25, 100, 25, True),
        (1, 50, 0, False),
        (1, 50, 1, True),
        (3, 80, 2, False),
        (3, 80, 3, True),
    ],
)
def test_a_level_is_reached_at_its_percentage(
    *, threshold: int, level: int, total: int, is_passed: bool
) -> None:
    metric = AlertMetric.BULK_EMAIL

    assert is_reached(metric, level=level, threshold=threshold, total=total) is is_passed


def test_a_threshold_of_25_tells_at_13_at_20_and_at_25() -> None:
    assert [reached_at(AlertMetric.SMS_SEGMENT, level=level, threshold=25) for level in (50, 80, 100)] == [
        13,
        20,
        25,
    ]
    assert told(put(EMAIL, 25, also=True), 12, 13, 19, 20, 24, 25, 26) == [
        None,
        50,
        None,
        80,
        None,
        100,
        None,
    ]


def test_spend_is_counted_in_cents_against_a_threshold_in_dollars() -> None:
    alert = put(Alert(AlertMetric.TOTAL_SPEND), 25, also=True)

    assert told(alert, 1249, 1250, 1999, 2000, 2499, 2500) == [None, 50, None, 80, None, 100]
    assert reached_at(AlertMetric.TOTAL_SPEND, level=50, threshold=25) == 1250


@pytest.mark.parametrize(
    ("totals", "levels"),
    [
        ((100,), [100]),  # one stroke, one notice, of the highest
        ((85, 100), [80, 100]),
        ((60, 40, 60), [50, None, None]),  # falling below and crossing again does not repeat
        ((100, 0, 50, 80, 100), [100, None, None, None, None]),
        ((49, 79), [None, 50]),
        ((0, 0), [None, None]),
    ],
)
def test_each_level_is_told_once_and_of_several_the_highest(
    totals: tuple[int, ...], levels: list[int | None]
) -> None:
    assert told(put(EMAIL, 100, also=True), *totals) == levels


def test_without_the_option_only_the_threshold_itself_is_told() -> None:
    assert told(put(EMAIL, 100), 60, 90, 99, 100) == [None, None, None, 100]


def test_levels_passed_at_the_same_stroke_are_covered_by_the_highest() -> None:
    seen = watch(put(EMAIL, 100, also=True), 90)

    assert [(each.level, each.passing) for each in seen.passed] == [
        (50, Passing.COVERED),
        (80, Passing.FIRED),
    ]


def test_an_alert_without_a_threshold_in_force_tells_nothing() -> None:
    assert told(EMAIL, 10**9) == [None]
    assert told(put(EMAIL, 100, current=100), 200) == [None]


# Setting: the one in force and the one pending, after a threshold was set while so much was used.


@dataclass(frozen=True, slots=True)
class Set:
    """An alert in force at 100, set to `value` at `current`: what is in force then, and what is pending."""

    value: int
    current: int
    in_force: int | None
    pending: int | None = None


@pytest.mark.parametrize(
    "case",
    [
        Set(value=200, current=50, in_force=200),
        Set(value=60, current=50, in_force=60),
        Set(value=51, current=50, in_force=51),
        Set(value=50, current=50, in_force=100, pending=50),
        Set(value=10, current=50, in_force=100, pending=10),
        Set(value=100, current=50, in_force=100),
        Set(value=100, current=150, in_force=100),
    ],
)
def test_above_what_is_used_is_in_force_at_once_and_below_or_at_it_pending(case: Set) -> None:
    alert = put(put(EMAIL, 100), case.value, current=case.current)

    assert (value(alert.in_force), value(alert.pending)) == (case.in_force, case.pending)
    assert alert.is_enabled


def test_the_first_threshold_at_or_below_what_is_used_waits_for_the_next_period() -> None:
    alert = put(EMAIL, 10, current=10)

    assert (alert.in_force, value(alert.pending)) == (None, 10)
    assert told(alert, 11, 12) == [None, None]
    assert told(in_cycle(alert, OCTOBER), 9, 10) == [None, 100]


def test_setting_above_what_is_used_replaces_the_one_pending() -> None:
    alert = put(put(put(EMAIL, 100), 10, current=50), 80, current=50)

    assert (value(alert.in_force), alert.pending) == (80, None)
    assert value(in_cycle(alert, OCTOBER).in_force) == 80


def test_setting_the_value_in_force_drops_the_one_pending_and_is_no_new_threshold() -> None:
    alert = watch(put(EMAIL, 100), 100).alert

    again = put(put(alert, 10, current=100), 100, current=100)

    assert again == replace(alert, versions=2)
    assert told(again, 100, 0, 100) == [None, None, None]


def test_the_one_in_force_stays_until_the_next_period_begins() -> None:
    alert = put(put(EMAIL, 100, also=True), 20, current=60, also=True)

    assert told(alert, 80, 100) == [80, 100]
    assert told(in_cycle(alert, OCTOBER), 10, 16, 20) == [50, 80, 100]


def test_levels_of_a_new_threshold_that_are_passed_already_are_skipped_in_this_period() -> None:
    seen = set_threshold(EMAIL, 100, also_at_50_and_80=True, current=60)

    assert [(each.level, each.passing) for each in seen.passed] == [(50, Passing.SKIPPED)]
    assert seen.fired is None
    assert told(seen.alert, 70, 40, 55, 80, 100) == [None, None, None, 80, 100]
    assert told(in_cycle(seen.alert, OCTOBER), 50) == [50]


def test_a_new_threshold_tells_even_where_an_old_one_told() -> None:
    fired = watch(put(EMAIL, 100), 100).alert

    raised = put(fired, 200, current=100)
    lowered_back = put(raised, 100, current=90)

    assert told(raised, 200) == [100]
    assert told(lowered_back, 100) == [100]


def test_the_50_and_80_option_acts_at_once_and_skips_levels_passed() -> None:
    alert = put(EMAIL, 100)

    on_at_60 = put(alert, 100, current=60, also=True)

    assert told(on_at_60, 60, 80) == [None, 80]
    assert told(put(on_at_60, 100, current=60), 80, 100) == [None, 100]


def test_turning_the_option_off_and_on_again_repeats_nothing() -> None:
    fired = watch(put(EMAIL, 100, also=True), 50).alert

    again = put(put(fired, 100, current=50), 100, current=20, also=True)

    assert told(again, 50, 80) == [None, 80]


def test_the_option_set_with_a_pending_threshold_acts_on_the_one_in_force_at_once() -> None:
    alert = put(put(EMAIL, 100), 20, current=60, also=True)

    assert told(alert, 60, 80) == [None, 80]


def test_turning_off_is_immediate_and_drops_both_values() -> None:
    off = turn_off(put(put(EMAIL, 100), 10, current=50))

    assert (off.in_force, off.pending, off.is_enabled) == (None, None, False)
    assert told(off, 1000) == [None]
    assert in_cycle(off, OCTOBER).in_force is None
    with pytest.raises(AlertNotSet):
        turn_off(off)


def test_an_alert_turned_on_again_gives_its_threshold_another_version() -> None:
    fired = watch(put(EMAIL, 100), 100).alert

    again = put(turn_off(fired), 100, current=90)

    assert again.in_force == Threshold(100, 2)
    assert told(again, 100) == [100]


def test_a_new_period_opens_every_level_again() -> None:
    fired = watch(put(EMAIL, 100, also=True), 100).alert

    assert told(fired, 100) == [None]
    assert told(in_cycle(fired, OCTOBER), 0, 50, 100) == [None, 50, 100]


def test_a_look_that_comes_late_does_not_bring_an_old_period_back() -> None:
    alert = watch(in_cycle(put(EMAIL, 100), OCTOBER), 100).alert

    assert in_cycle(alert, SEPTEMBER) == alert
    assert in_cycle(alert, OCTOBER) == alert


def test_seats_tell_on_rising_to_the_level() -> None:
    assert rising(put(SEATS, 5, current=1), 1, 2, 4, 5, 6, 4, 5) == [None, None, 100, None, None, None]


def test_seats_are_not_told_again_because_a_period_opens() -> None:
    alert = watch(put(SEATS, 5, current=1), 5, before=4).alert

    october = in_cycle(alert, OCTOBER)

    assert watch(october, 5, before=5).fired is None
    assert rising(october, 5, 6, 7) == [None, None]
    assert rising(october, 5, 4, 5) == [None, 100]


def test_a_pending_number_of_seats_that_is_held_as_its_period_opens_is_told_only_on_rising_to_it() -> None:
    alert = in_cycle(put(SEATS, 3, current=5), OCTOBER)

    assert value(alert.in_force) == 3
    assert rising(alert, 5, 6, 2, 3) == [None, None, 100]


@pytest.mark.parametrize("threshold", [-1, 0, LARGEST_THRESHOLD + 1])
def test_refuses_a_threshold_below_1_or_beyond_reach(threshold: int) -> None:
    with pytest.raises(ThresholdOutOfRange) as refused:
        set_threshold(EMAIL, threshold, also_at_50_and_80=False, current=0)

    assert str(threshold) in refused.value.message


def test_total_spend_is_watched_per_account_only() -> None:
    check_scope(AlertMetric.TOTAL_SPEND, is_workspace=False)
    check_scope(AlertMetric.FULL_SEATS, is_workspace=True)
    with pytest.raises(SpendIsPerAccount):
        check_scope(AlertMetric.TOTAL_SPEND, is_workspace=True)


JANUARY = at("2026-01-01")
MONTHLY = Started(JANUARY, Plan.ADVANCED, True, BOOK.version, order=1)
YEARLY = YearlyStarted(JANUARY, Plan.ADVANCED, 3, False, BOOK.version, order=1)
EARLY_STAGE = EarlyStageStarted(JANUARY, BOOK.version, order=1)
TRIAL = TrialStarted(JANUARY, Plan.ADVANCED, BOOK.version, order=1)
COMMITTED = (Commitment(Metric.MESSAGES_SENT, 2_000), Commitment(Metric.FIN_RESOLUTION, 40))
CONTRACT = ContractSigned(
    JANUARY, ContractTerms(Plan.ADVANCED, 12, 1, seats=3, usage=COMMITTED), BOOK.version, order=1
)


@pytest.mark.parametrize(
    ("fact", "metric", "threshold", "price"),
    [
        (MONTHLY, AlertMetric.MESSAGES_SENT, 3_000, 145_00),
        (MONTHLY, AlertMetric.MESSAGES_SENT, 500, 0),
        (MONTHLY, AlertMetric.MESSAGES_SENT, 501, 7),
        (MONTHLY, AlertMetric.BULK_EMAIL, 10_000, 254_00),
        (MONTHLY, AlertMetric.SMS_SEGMENT, 10_000, 232_50),
        (MONTHLY, AlertMetric.WHATSAPP_SENT, 10_000, 862_50),
        (MONTHLY, AlertMetric.PHONE_MINUTE, 4, 12),
        (MONTHLY, AlertMetric.FULL_SEATS, 5, 495_00),
        (MONTHLY, AlertMetric.TOTAL_SPEND, 250, 250_00),
        (CONTRACT, AlertMetric.MESSAGES_SENT, 3_000, 50_00),
        (CONTRACT, AlertMetric.MESSAGES_SENT, 1_500, 0),
        (CONTRACT, AlertMetric.FIN_RESOLUTION, 100, 59_40),
        (CONTRACT, AlertMetric.FULL_SEATS, 5, 198_00),
        (CONTRACT, AlertMetric.FULL_SEATS, 3, 0),
        (YEARLY, AlertMetric.FULL_SEATS, 5, 198_00),
        (YEARLY, AlertMetric.BULK_EMAIL, 10_000, 254_00),
        (EARLY_STAGE, AlertMetric.MESSAGES_SENT, 3_000, 10_15),
        (EARLY_STAGE, AlertMetric.FULL_SEATS, 6, 0),
        (EARLY_STAGE, AlertMetric.FULL_SEATS, 8, 13_86),
        (TRIAL, AlertMetric.BULK_EMAIL, 10_000, 0),
        (TRIAL, AlertMetric.FULL_SEATS, 5, 0),
    ],
)
def test_a_threshold_has_a_price_above_what_is_included_or_committed(
    fact: Fact, metric: AlertMetric, threshold: int, price: int
) -> None:
    (phase,) = phases([fact], UTC_ZONE, BOOKS)
    period = Period(on("2026-02-01"), on("2026-03-01"))

    found = price_of_threshold(metric, threshold, phase=phase, period=period, zone=UTC_ZONE)

    assert found == price


def test_spend_is_additional_usage_and_prorations() -> None:
    period = Period(SEPTEMBER, OCTOBER)
    lines = [
        Line(section, section, section, period, period, amount, "", None, None, (), None, (), False)
        for section, amount in (
            (Section.ADDITIONAL_USAGE, 1_00),
            (Section.PRORATIONS, 20_00),
            (Section.PRORATIONS, -5_00),
            (Section.SUBSCRIPTION, 300_00),
        )
    ]

    assert spend(lines) == 16_00


def test_a_notice_says_what_reached_what_and_that_nothing_was_stopped() -> None:
    period = Period(SEPTEMBER, OCTOBER)

    def wording(metric: AlertMetric, threshold: int, total: int) -> tuple[str, str]:
        fired = watch(put(Alert(metric), threshold), total).fired
        assert fired
        return notice(metric, fired, label=label_of(metric, BOOK), where="Support", period=period)

    assert wording(AlertMetric.BULK_EMAIL, 10_000, 10_250) == (
        "Bulk emails reached 100 % of 10,000 in Support",
        "Bulk emails in Support stands at 10,250 for 1 Sep 2026 - 30 Sep 2026: 100 % of its threshold of 10,000. Nothing was stopped.",
    )
    assert wording(AlertMetric.TOTAL_SPEND, 100, 100_07)[1] == (
        "Additional usage and prorations of Support come to $100.07 on the next invoice: 100 % of its "
        "threshold of $100.00. Nothing was stopped."
    )
    assert wording(AlertMetric.FULL_SEATS, 5, 5)[0] == "Full seats reached 100 % of 5 in Support"


def test_the_mail_of_a_level_shows_the_price_of_its_threshold() -> None:
    fired = watch(put(Alert(AlertMetric.TOTAL_SPEND), 100), 100_07).fired
    assert fired

    facts = notice_facts(
        AlertMetric.TOTAL_SPEND,
        fired,
        label="Total spend",
        where="Acme",
        period=Period(SEPTEMBER, OCTOBER),
        price=100_00,
    )

    assert facts == {
        "where": "Acme",
        "metric": "Total spend",
        "level": "100",
        "total": "$100.07",
        "threshold": "$100.00",
        "period": "1 Sep 2026 - 30 Sep 2026",
        "price": "$100.00",
    }


# A plain retelling, kept apart from the code above: a list of thresholds, and a list of what was told.


@dataclass(slots=True)
class Retold:
    """What is in force and pending, as (value, number), and every (period, number, level) that is over."""

    in_force: tuple[int, int] | None = None
    pending: tuple[int, int] | None = None
    option: bool = False
    number: int = 0
    period: int = 0
    used: int = 0
    over: set[tuple[int, int, int]] = field(default_factory=set)
    told: list[tuple[int, int, int]] = field(default_factory=list)

    def reached(self) -> list[int]:
        """Levels of the threshold in force that usage stands at or above."""
        if self.in_force is None:
            return []
        wanted = [50, 80, 100] if self.option else [100]
        return [level for level in wanted if self.used >= self.in_force[0] * level / 100]

    def set(self, value: int, *, option: bool) -> None:
        """Set a threshold and the option."""
        had, self.option = self.option, option
        is_same = self.in_force is not None and self.in_force[0] == value
        is_above = value > self.used
        if is_same:
            self.pending = None
        else:
            self.number += 1
            if is_above:
                self.in_force, self.pending = (value, self.number), None
            else:
                self.pending = (value, self.number)
        for level in self.reached():
            if (is_above and not is_same) or (option and not had and level < 100):
                self.over.add((self.period, self._current(), level))

    def off(self) -> None:
        """Turn the alert off."""
        self.in_force = self.pending = None

    def use(self, units: int) -> None:
        """Use so many units, or take them back."""
        self.used = max(0, self.used + units)
        fresh = [level for level in self.reached() if (self.period, self._current(), level) not in self.over]
        if fresh:
            self.told.append((self.period, self._current(), fresh[-1]))
            self.over |= {(self.period, self._current(), level) for level in fresh}

    def next_period(self) -> None:
        """Begin another usage period."""
        self.period, self.used = self.period + 1, 0
        if self.pending:
            self.in_force, self.pending = self.pending, None

    def _current(self) -> int:
        assert self.in_force
        return self.in_force[1]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(-30, 60), st.booleans()),
        st.tuples(st.just("set"), st.integers(1, 120), st.booleans()),
        st.tuples(st.sampled_from(["off", "next"]), st.just(0), st.booleans()),
    ),
    max_size=60,
)


@given(actions=ACTIONS)
def test_every_level_of_every_threshold_is_told_once_a_period_and_never_missed(
    actions: list[tuple[str, int, bool]],
) -> None:
    plain, alert = Retold(), in_cycle(Alert(AlertMetric.BULK_EMAIL), cycle_of(0))
    found: list[tuple[int, int, int]] = []

    for kind, number, option in actions:
        seen = Watched(alert)
        match kind:
            case "use":
                plain.use(number)
                seen = watch(alert, plain.used)
            case "set":
                seen = set_threshold(alert, number, also_at_50_and_80=option, current=plain.used)
                plain.set(number, option=option)
            case "off" if alert.is_enabled:
                seen = Watched(turn_off(alert))
                plain.off()
            case "next":
                plain.next_period()
                seen = Watched(in_cycle(alert, cycle_of(plain.period)))
        alert = seen.alert
        if seen.fired:
            found.append((plain.period, seen.fired.threshold.version, seen.fired.level))

    assert found == plain.told
    assert len(set(found)) == len(found)
    assert alert.done == {
        Mark(version, level) for period, version, level in plain.over if period == plain.period
    }


def cycle_of(number: int) -> date:
    return on(f"2026-{number % 12 + 1:02d}-01").replace(year=2026 + number // 12)


def value(threshold: Threshold | None) -> int | None:
    return threshold.value if threshold else None

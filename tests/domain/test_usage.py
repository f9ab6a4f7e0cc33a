"""Usage as it reads: how a period's total is shown so far, what it costs, and what it comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import Period, month_of
from domain.facts import Fact, Started, TrialStarted
from domain.folding import phases
from domain.pricebook import Metric, Plan
from domain.usage import (
    Point,
    included_units,
    projected,
    read_metric,
    series,
    share_of_cost,
)
from tests.domain.builders import BOOK, BOOKS, UTC_ZONE, at, on

SEPTEMBER = Period(on("2026-09-01"), on("2026-10-01"))
START = Started(at("2026-01-01"), Plan.ESSENTIAL, True, BOOK.version, order=1)


def test_the_series_of_a_period_has_every_day_begun() -> None:
    daily = {on("2026-08-31"): 9, on("2026-09-01"): 2, on("2026-09-03"): 3, on("2026-09-04"): 5}

    assert series(daily, SEPTEMBER, on("2026-09-03")) == (
        Point(on("2026-09-01"), 2, 2),
        Point(on("2026-09-02"), 0, 2),
        Point(on("2026-09-03"), 3, 5),
    )


def test_the_series_of_a_closed_period_ends_with_it() -> None:
    points = series({on("2026-09-30"): 1, on("2026-10-01"): 1}, SEPTEMBER, on("2027-01-01"))

    assert (len(points), points[-1]) == (30, Point(on("2026-09-30"), 1, 1))


def test_the_series_of_a_period_to_come_is_empty() -> None:
    assert series({}, SEPTEMBER, on("2026-08-31")) == ()


@pytest.mark.parametrize(
    ("used", "today", "expected"),
    [
        (100, "2026-09-01", 3_000),
        (100, "2026-09-15", 200),
        (100, "2026-09-30", 100),
        (100, "2026-10-15", 100),
        (100, "2026-08-15", 3_000),
        (0, "2026-09-15", 0),
        (1, "2026-09-20", 2),  # 1.5
        (1, "2026-09-21", 1),  # 1.43
        (7, "2026-09-04", 53),  # 52.5
    ],
)
def test_projects_a_total_by_the_days_begun(used: int, today: str, expected: int) -> None:
    assert projected(used, SEPTEMBER, on(today)) == expected


@pytest.mark.parametrize(
    ("amount", "own", "whole", "share"),
    [
        (100_00, 1, 2, 50_00),
        (100_00, 1, 3, 33_33),
        (100_00, 2, 3, 66_67),
        (1, 1, 2, 1),
        (100_00, 0, 3, 0),
        (100_00, 3, 3, 100_00),
        (0, 0, 0, 0),
    ],
)
def test_a_workspace_shares_the_cost_by_units(amount: int, own: int, whole: int, share: int) -> None:
    assert share_of_cost(amount, own=own, whole=whole) == share


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_shares_add_up_to_the_cost_but_for_rounding(amount: int, own: list[int]) -> None:
    shares = [share_of_cost(amount, own=units, whole=sum(own)) for units in own]

    assert abs(sum(shares) - (amount if sum(own) else 0)) * 2 <= len(own)


@pytest.mark.parametrize(
    ("fact", "thresholds"),
    [
        (START, [500, None, None, None, None, None]),
        (TrialStarted(at("2026-09-01"), Plan.EXPERT, BOOK.version), [500, 500, 100, 100, 60, None]),
    ],
)
def test_the_threshold_is_what_is_included_or_the_cap_of_a_trial(
    fact: Fact, thresholds: list[int | None]
) -> None:
    (phase,) = phases([fact], UTC_ZONE, BOOKS)

    assert [
        included_units(phase, metric, month_of(phase.start, phase.start), UTC_ZONE) for metric in Metric
    ] == thresholds


def test_a_workspace_shows_its_units_and_its_share_of_what_the_account_pays() -> None:
    (phase,) = phases([START], UTC_ZONE, BOOKS)

    reading = read_metric(
        phase,
        SEPTEMBER,
        Metric.MESSAGES_SENT,
        own={on("2026-09-01"): 500, on("2026-09-15"): 250},
        whole=1_500,
        by_channel={"POST": 750},
        today=on("2026-09-15"),
        zone=UTC_ZONE,
    )

    assert (reading.total, reading.included, reading.projected_total) == (750, 500, 1_500)
    assert reading.cost == 32_50  # half of 1,500 messages: $65.00
    assert reading.projected_cost == 72_50  # half of 3,000 messages: $145.00
    assert (len(reading.points), reading.points[-1]) == (15, Point(on("2026-09-15"), 250, 750))
    assert reading.by_channel == {"POST": 750}


def test_the_account_reads_what_its_invoice_will_bill() -> None:
    (phase,) = phases([START], UTC_ZONE, BOOKS)
    own = {on("2026-09-30"): 3_000}

    reading = read_metric(
        phase,
        SEPTEMBER,
        Metric.MESSAGES_SENT,
        own=own,
        whole=3_000,
        by_channel={},
        today=on("2026-09-30"),
        zone=UTC_ZONE,
    )

    assert (reading.cost, reading.projected_cost) == (145_00, 145_00)


def test_a_trial_reads_its_units_and_costs_nothing() -> None:
    trial = TrialStarted(at("2026-09-01"), Plan.ESSENTIAL, BOOK.version)
    (phase,) = phases([trial], UTC_ZONE, BOOKS)

    reading = read_metric(
        phase,
        Period(on("2026-09-01"), on("2026-09-15")),
        Metric.BULK_EMAIL,
        own={on("2026-09-02"): 700},
        whole=700,
        by_channel={},
        today=on("2026-09-07"),
        zone=UTC_ZONE,
    )

    assert (reading.total, reading.projected_total, reading.cost, reading.projected_cost) == (
        700,
        1_400,
        0,
        0,
    )

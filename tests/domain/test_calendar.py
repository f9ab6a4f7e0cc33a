"""Periods keep their anchor day, clamp to the month's end and abut; days open at local midnight, or just after it."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import (
    ONE_DAY,
    Period,
    UnknownTimeZone,
    add_months,
    closing_stamp,
    intervals_from,
    local_day,
    month_of,
    months_from,
    opening,
    opening_stamp,
    scheduled_stamp,
    show_day,
    span_of,
    time_zone,
)
from tests.domain.builders import at, on

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("day", range(1, 32))
def test_months_of_an_anchor_abut_and_keep_its_day(day: int) -> None:
    anchor = date(2027, 1, day)

    months = list(islice(months_from(anchor, anchor), 48))

    assert months[0].start == anchor
    assert all(earlier.end == later.start for earlier, later in pairwise(months))
    for number, month in enumerate(months):
        start = month.start
        assert (start.year * 12 + start.month) - (2027 * 12 + 1) == number
        assert start.day == min(day, calendar.monthrange(start.year, start.month)[1])


@pytest.mark.parametrize("day", range(1, 32))
def test_every_date_lies_in_one_month_of_the_anchor(day: int) -> None:
    anchor = date(2027, 1, day)
    months = list(islice(months_from(anchor, anchor), 48))

    for month in months:
        for inside in (month.start, month.start + ONE_DAY, month.end - ONE_DAY):
            assert month_of(anchor, inside) == month
            assert next(months_from(anchor, inside)) == month
            assert sum(inside in other for other in months) == 1


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-01-30", 1, "2026-02-28"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-11-30", 1, "2026-12-30"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-09-15", 0, "2026-09-15"),
        ("2026-01-31", -1, "2025-12-31"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 24, "2030-02-28"),
        ("2028-02-29", 36, "2031-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2096-02-29", 48, "2100-02-28"),
    ],
)
def test_adds_months_to_the_anchor_and_clamps(anchor: str, months: int, expected: str) -> None:
    assert add_months(on(anchor), months) == on(expected)


@pytest.mark.parametrize(
    ("anchor", "day", "start", "end"),
    [
        ("2026-09-01", "2026-09-01", "2026-09-01", "2026-10-01"),
        ("2026-09-01", "2026-09-30", "2026-09-01", "2026-10-01"),
        ("2026-01-31", "2026-02-27", "2026-01-31", "2026-02-28"),
        ("2026-01-31", "2026-02-28", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-03-30", "2026-02-28", "2026-03-31"),
        ("2026-09-15", "2026-09-14", "2026-08-15", "2026-09-15"),
        ("2026-09-15", "2027-01-01", "2026-12-15", "2027-01-15"),
    ],
)
def test_finds_the_month_that_holds_a_day(anchor: str, day: str, start: str, end: str) -> None:
    assert month_of(on(anchor), on(day)) == Period(on(start), on(end))


def test_a_period_holds_its_first_day_and_not_its_end() -> None:
    september = Period(on("2026-09-01"), on("2026-10-01"))

    assert september.days == 30
    assert on("2026-09-01") in september
    assert on("2026-09-30") in september
    assert on("2026-08-31") not in september
    assert on("2026-10-01") not in september


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-09-15", "2026-10-01", "15 Sep 2026 - 30 Sep 2026"),
        ("2026-09-30", "2026-10-01", "30 Sep 2026"),
        ("2026-12-15", "2027-01-15", "15 Dec 2026 - 14 Jan 2027"),
    ],
)
def test_a_period_is_written_with_its_last_day(start: str, end: str, shown: str) -> None:
    assert str(Period(on(start), on(end))) == shown


def test_a_date_is_written_as_people_read_it() -> None:
    assert show_day(on("2026-09-05")) == "5 Sep 2026"


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-09-15T00:00", "2026-09-15"),
        ("UTC", "2026-09-14T23:59:59.999999", "2026-09-14"),
        ("Pacific/Auckland", "2026-09-14T11:59:59", "2026-09-14"),
        ("Pacific/Auckland", "2026-09-14T12:00", "2026-09-15"),
        ("America/New_York", "2026-09-15T03:59:59", "2026-09-14"),
        ("America/New_York", "2026-09-15T04:00", "2026-09-15"),
        ("Asia/Kolkata", "2026-09-14T18:30", "2026-09-15"),
    ],
)
def test_gives_the_local_date_of_a_moment(zone: str, moment: str, day: str) -> None:
    assert local_day(datetime.fromisoformat(moment).replace(tzinfo=UTC), ZoneInfo(zone)) == on(day)


def test_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        local_day(datetime(2026, 9, 15), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("zone", "day", "opens_at"),
    [
        ("UTC", "2026-09-15", "2026-09-15T00:00"),
        ("Europe/Warsaw", "2026-01-01", "2025-12-31T23:00"),
        ("Europe/Warsaw", "2026-03-30", "2026-03-29T22:00"),
        # Midnight does not exist on these days: clocks go from 23:59 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00"),
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00"),
        # Midnight comes twice on this one; the day opens with the first.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00"),
        # The hour before midnight comes twice; the day opens after the second.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00"),
    ],
)
def test_a_day_opens_at_its_first_moment(zone: str, day: str, opens_at: str) -> None:
    opened = opening(on(day), ZoneInfo(zone))

    assert opened == datetime.fromisoformat(opens_at).replace(tzinfo=UTC)
    assert opened.tzinfo is UTC


@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Beirut",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Europe/Warsaw",
        "Pacific/Auckland",
    ],
)
def test_days_of_every_zone_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    place, day = ZoneInfo(zone), on("2017-01-01")
    while day < on("2025-01-01"):
        opened = opening(day, place)
        assert local_day(opened, place) == day
        assert local_day(opened - TICK, place) == day - ONE_DAY
        day += ONE_DAY


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Warsaw", "2026-03-29", 23),
        ("Europe/Warsaw", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/Sao_Paulo", "2018-11-04", 23),
    ],
)
def test_a_day_with_a_clock_change_is_one_day(zone: str, day: str, hours: int) -> None:
    place, period = ZoneInfo(zone), Period(on(day), on(day) + ONE_DAY)

    assert opening(period.end, place) - opening(period.start, place) == timedelta(hours=hours)
    assert period.days == 1


def test_an_opening_stands_before_every_fact_of_its_moment() -> None:
    midnight = at("2026-09-15", "00:00")

    stamp = opening_stamp(on("2026-09-15"), ZoneInfo("UTC"))

    assert (midnight - TICK, 10**9) < stamp < (midnight, 0)


@pytest.mark.parametrize("name", ["UTC", "Europe/Warsaw", "America/Argentina/Buenos_Aires"])
def test_finds_a_time_zone_by_name(name: str) -> None:
    assert time_zone(name).key == name


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "Europe", "../Europe/Warsaw", "/etc/localtime", "UTC\0", "GMT+25", "x" * 5_000]
)
def test_refuses_an_unknown_time_zone(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as refused:
        time_zone(name)

    assert refused.value.name == name
    assert "IANA" in refused.value.message


@pytest.mark.parametrize(
    ("anchor", "day", "months", "start", "end"),
    [
        ("2026-01-31", "2026-02-27", 3, "2026-01-31", "2026-04-30"),
        ("2026-01-31", "2026-04-29", 3, "2026-01-31", "2026-04-30"),
        ("2026-01-31", "2026-04-30", 3, "2026-04-30", "2026-07-31"),
        ("2026-01-31", "2026-01-30", 3, "2025-10-31", "2026-01-31"),
        ("2024-02-29", "2025-02-27", 12, "2024-02-29", "2025-02-28"),
        ("2024-02-29", "2025-02-28", 12, "2025-02-28", "2026-02-28"),
        ("2024-02-29", "2028-02-29", 12, "2028-02-29", "2029-02-28"),
        ("2026-11-15", "2027-06-01", 6, "2027-05-15", "2027-11-15"),
        ("2026-11-15", "2025-11-15", 12, "2025-11-15", "2026-11-15"),
    ],
)
def test_finds_the_span_of_months_that_holds_a_day(
    anchor: str, day: str, months: int, start: str, end: str
) -> None:
    assert span_of(on(anchor), on(day), months) == Period(on(start), on(end))


@pytest.mark.parametrize("months", [1, 3, 12])
def test_spans_from_a_day_abut_and_the_first_holds_it(months: int) -> None:
    anchor, first = on("2024-02-29"), on("2025-03-10")

    spans = list(islice(intervals_from(anchor, first, months), 8))

    assert first in spans[0]
    assert spans[0] == span_of(anchor, first, months)
    assert all(earlier.end == later.start for earlier, later in pairwise(spans))
    assert all(span == span_of(anchor, span.start, months) for span in spans)


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "Asia/Beirut"])
def test_a_day_closes_before_what_is_scheduled_for_the_next_which_is_before_it_opens(name: str) -> None:
    zone, day = time_zone(name), on("2026-03-29")
    opens = opening(day + ONE_DAY, zone)

    in_order = [
        (opens - TICK, 10**9),
        closing_stamp(day, zone),
        scheduled_stamp(day + ONE_DAY, zone),
        opening_stamp(day + ONE_DAY, zone),
        (opens, 0),
    ]

    assert in_order == sorted(in_order)
    assert len(set(in_order)) == len(in_order)

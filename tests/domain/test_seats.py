"""A seat is held from the day it is accepted to the day before it ends; each teammate counts once a day."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import Stamp, opening_stamp
from domain.pricebook import Plan
from domain.seats import (
    INVITE_LIFETIME,
    FullSeats,
    LiteSeatsExhausted,
    SeatChange,
    TooManyLiteSeats,
    check_lite_seat,
    check_plan_holds_lite_seats,
    full_seats,
)
from tests.domain.builders import UTC_ZONE, at, full, gone, lite, on

LONG_AGO: Stamp = (at("2026-01-01"), 0)


def seats(*changes: SeatChange, since: Stamp = LONG_AGO, zone: str = "UTC") -> FullSeats:
    return full_seats(changes, ZoneInfo(zone), since=since)


def counts(held: FullSeats, *days: int) -> list[int]:
    return [held.on(on(f"2026-09-{day:02d}")) for day in days]


@pytest.mark.parametrize(
    ("changes", "on_14_to_18"),
    [
        pytest.param([], [0, 0, 0, 0, 0], id="nobody"),
        pytest.param(
            [full("ann", at("2026-09-15"))], [0, 1, 1, 1, 1], id="counts from the day of acceptance"
        ),
        pytest.param(
            [full("ann", at("2026-09-15", "23:59"))],
            [0, 1, 1, 1, 1],
            id="accepted late in the day: the whole day",
        ),
        pytest.param(
            [full("ann", at("2026-09-15")), gone("ann", at("2026-09-17", "23:59"))],
            [0, 1, 1, 0, 0],
            id="the day of removal is free",
        ),
        pytest.param(
            [full("ann", at("2026-09-15", "09:00")), gone("ann", at("2026-09-15", "10:00"))],
            [0, 1, 0, 0, 0],
            id="accepted and removed on one date: held that day",
        ),
        pytest.param(
            [full("ann", at("2026-09-15", "09:00")), lite("ann", at("2026-09-15", "10:00"))],
            [0, 1, 0, 0, 0],
            id="accepted and switched to lite on one date: held that day",
        ),
        pytest.param(
            [full("ann", at("2026-09-15")), lite("ann", at("2026-09-17"))],
            [0, 1, 1, 0, 0],
            id="a switch to lite ends the holding on its date",
        ),
        pytest.param(
            [lite("ann", at("2026-09-15")), full("ann", at("2026-09-17"))],
            [0, 0, 0, 1, 1],
            id="a switch to full begins the holding on its date",
        ),
        pytest.param(
            [lite("ann", at("2026-09-15")), gone("ann", at("2026-09-17"))],
            [0, 0, 0, 0, 0],
            id="lite seats are free",
        ),
        pytest.param(
            [
                full("ann", at("2026-09-15", "09:00")),
                lite("ann", at("2026-09-15", "10:00")),
                full("ann", at("2026-09-15", "11:00")),
            ],
            [0, 1, 1, 1, 1],
            id="there and back on one date: once a day",
        ),
        pytest.param(
            [
                full("ann", at("2026-09-15", "09:00")),
                gone("ann", at("2026-09-15", "10:00")),
                full("ann", at("2026-09-15", "11:00")),
                gone("ann", at("2026-09-15", "12:00")),
            ],
            [0, 1, 0, 0, 0],
            id="twice in and out on one date: once",
        ),
        pytest.param(
            [
                full("ann", at("2026-09-14", "09:00")),
                gone("ann", at("2026-09-15", "10:00")),
                full("ann", at("2026-09-15", "11:00")),
                gone("ann", at("2026-09-15", "12:00")),
            ],
            [1, 1, 0, 0, 0],
            id="back for an hour on the day of removal: that day counts",
        ),
        pytest.param(
            [
                full("ann", at("2026-09-15", "09:00")),
                gone("ann", at("2026-09-15", "10:00")),
                full("ann", at("2026-09-16", "11:00")),
            ],
            [0, 1, 1, 1, 1],
            id="back the day after",
        ),
        pytest.param(
            [
                full("ann", at("2026-09-14")),
                gone("ann", at("2026-09-15")),
                full("ann", at("2026-09-17")),
            ],
            [1, 0, 0, 1, 1],
            id="away for two days",
        ),
        pytest.param(
            [full("ann", at("2026-09-15")), full("bob", at("2026-09-15")), gone("ann", at("2026-09-16"))],
            [0, 2, 1, 1, 1],
            id="two teammates",
        ),
        pytest.param(
            [full("ann", at("2026-09-14")), full("bob", at("2026-09-15")), gone("ann", at("2026-09-17"))],
            [1, 2, 2, 1, 1],
            id="one comes while another is there",
        ),
        pytest.param(
            [full("ann", at("2026-09-14")), gone("ann", at("2026-09-16")), full("bob", at("2026-09-16"))],
            [1, 1, 1, 1, 1],
            id="one goes as another comes",
        ),
        pytest.param(
            [full("ann", at("2026-09-15")), full("ann", at("2026-09-16")), gone("ann", at("2026-09-17"))],
            [0, 1, 1, 0, 0],
            id="a full seat given again is the same holding",
        ),
        pytest.param(
            [gone("ann", at("2026-09-14")), gone("ann", at("2026-09-15"))],
            [0, 0, 0, 0, 0],
            id="nothing to end",
        ),
    ],
)
def test_counts_the_full_seats_of_each_day(changes: list[SeatChange], on_14_to_18: list[int]) -> None:
    ordered = [SeatChange(one.teammate, one.seat, one.at, order) for order, one in enumerate(changes)]

    assert counts(seats(*ordered), 14, 15, 16, 17, 18) == on_14_to_18


def test_the_order_in_which_changes_are_given_does_not_matter() -> None:
    changes = [
        full("ann", at("2026-09-15", "09:00"), 1),
        gone("ann", at("2026-09-15", "09:00"), 2),
        full("ann", at("2026-09-15", "09:00"), 3),
        gone("ann", at("2026-09-17"), 4),
    ]

    found = {tuple(counts(seats(*shuffled), 14, 15, 16, 17)) for shuffled in permutations(changes)}

    assert found == {(0, 1, 1, 0)}


def test_changes_of_one_moment_hold_in_the_order_of_recording() -> None:
    moment = at("2026-09-15")

    assert seats(full("ann", moment, 1), gone("ann", moment, 2)).on(on("2026-09-16")) == 0
    assert seats(full("ann", moment, 2), gone("ann", moment, 1)).on(on("2026-09-16")) == 1


def test_a_holding_that_was_over_before_the_start_is_not_held_that_day() -> None:
    changes = full("ann", at("2026-09-15", "09:00"), 1), gone("ann", at("2026-09-15", "10:00"), 2)

    over = seats(*changes, since=(at("2026-09-15", "11:00"), 3))
    over_in_the_same_moment = seats(*changes, since=(at("2026-09-15", "10:00"), 3))
    still_held = seats(*changes, since=(at("2026-09-15", "10:00"), 1))
    held_within = seats(*changes, since=(at("2026-09-15", "08:00"), 0))

    assert [counts(held, 15) for held in (over, over_in_the_same_moment, still_held, held_within)] == [
        [0],
        [0],
        [1],
        [1],
    ]


def test_one_who_left_before_the_start_and_came_back_after_it_counts_once() -> None:
    held = seats(
        full("ann", at("2026-09-15", "09:00"), 1),
        gone("ann", at("2026-09-15", "10:00"), 2),
        full("ann", at("2026-09-15", "12:00"), 4),
        since=(at("2026-09-15", "11:00"), 3),
    )

    assert counts(held, 14, 15, 16) == [0, 1, 1]


def test_dates_are_those_of_the_billing_time_zone() -> None:
    midnight = at("2026-09-14", "12:00")
    changes = full("ann", midnight - timedelta(seconds=1)), full("bob", midnight)

    assert counts(seats(*changes, zone="Pacific/Auckland"), 13, 14, 15) == [0, 1, 2]


def test_knows_who_is_held_just_before_a_stamp() -> None:
    held = seats(full("ann", at("2026-09-15"), 1), gone("ann", at("2026-09-17"), 2))

    assert held.held_before((at("2026-09-15"), 1)) == 0
    assert held.held_before((at("2026-09-15"), 2)) == 1
    assert held.held_before((at("2026-09-17"), 2)) == 1
    assert held.held_before((at("2026-09-17"), 3)) == 0


def test_knows_who_is_held_once_a_moment_has_passed() -> None:
    tick = timedelta(microseconds=1)
    held = seats(
        full("ann", at("2026-09-15"), 1), gone("ann", at("2026-09-17"), 2), full("bob", at("2026-09-15"), 3)
    )

    moments = at("2026-09-15") - tick, at("2026-09-15"), at("2026-09-17") - tick, at("2026-09-17")
    assert [held.held_after(moment) for moment in moments] == [0, 2, 2, 1]


def test_a_change_at_midnight_is_a_change_of_the_day_that_opens() -> None:
    midnight = at("2026-09-15", "00:00")
    opens = opening_stamp(on("2026-09-15"), UTC_ZONE)

    assert seats(full("ann", midnight)).held_before(opens) == 0
    assert seats(full("ann", at("2026-09-14")), gone("ann", midnight, 1)).held_before(opens) == 1


def test_a_day_is_seat_less_before_the_first_and_keeps_the_last_number_for_ever() -> None:
    held = seats(full("ann", at("2026-09-15")))

    assert held.on(on("2020-01-01")) == 0
    assert held.on(on("2040-01-01")) == 1


def test_names_the_facts_behind_each_step() -> None:
    held = seats(
        full("ann", at("2026-09-15"), 7), full("bob", at("2026-09-15"), 8), gone("ann", at("2026-09-17"), 9)
    )

    assert held.causes == {on("2026-09-15"): (7, 8), on("2026-09-17"): (9,)}


def test_an_invite_lives_for_thirty_days() -> None:
    assert timedelta(days=30) == INVITE_LIFETIME


@pytest.mark.parametrize(("included", "held"), [(0, 0), (20, 20), (20, 25)])
def test_refuses_a_lite_seat_beyond_the_number_of_the_plan(included: int, held: int) -> None:
    with pytest.raises(LiteSeatsExhausted) as refused:
        check_lite_seat(plan=Plan.ADVANCED, included=included, held=held)

    assert (refused.value.plan, refused.value.included, refused.value.held) == ("Advanced", included, held)
    assert f"includes {included} lite seats and {held} are held" in refused.value.message


def test_gives_the_last_lite_seat_of_the_plan() -> None:
    check_lite_seat(plan=Plan.ADVANCED, included=20, held=19)


def test_refuses_a_plan_with_fewer_lite_seats_than_are_held_and_lists_them() -> None:
    with pytest.raises(TooManyLiteSeats) as refused:
        check_plan_holds_lite_seats(plan=Plan.ESSENTIAL, included=0, lite_teammates=["Bob", "Ann"])

    assert (refused.value.held, refused.value.excess, refused.value.teammates) == (2, 2, "Ann, Bob")
    assert "2 too many" in refused.value.message


def test_counts_only_the_lite_seats_beyond_those_included_as_too_many() -> None:
    with pytest.raises(TooManyLiteSeats) as refused:
        check_plan_holds_lite_seats(plan=Plan.ADVANCED, included=20, lite_teammates=map(str, range(23)))

    assert (refused.value.included, refused.value.held, refused.value.excess) == (20, 23, 3)


def test_a_plan_may_include_exactly_the_lite_seats_held() -> None:
    check_plan_holds_lite_seats(plan=Plan.ESSENTIAL, included=0, lite_teammates=[])
    check_plan_holds_lite_seats(plan=Plan.ADVANCED, included=20, lite_teammates=map(str, range(20)))

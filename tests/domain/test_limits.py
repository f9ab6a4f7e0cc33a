"""Hard limits: when a channel is off, what turns it on again, and that every switch is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limits import (
    FIN_HANDOVER,
    LARGEST_LIMIT,
    Held,
    Limit,
    LimitNotSet,
    LimitOutOfRange,
    Switch,
    SwitchCause,
    Use,
    hold,
    is_disabled_in,
    notice,
    notice_facts,
    set_limit,
    turn_off,
)
from domain.pricebook import Metric
from tests.domain.builders import on

SEPTEMBER, OCTOBER = on("2026-09-01"), on("2026-10-01")


def used(total: int) -> Use:
    """Say how much is used in September."""
    return Use(SEPTEMBER, total)


def at_limit(value: int, total: int) -> Limit:
    """Give a limit in September, held to a total."""
    return hold(set_limit(Limit(), value, used(0)).limit, used(total)).limit


@pytest.mark.parametrize(
    ("value", "total", "is_disabled"),
    [(100, 99, False), (100, 100, True), (100, 101, True), (0, 0, True), (1, 0, False)],
)
def test_at_or_over_the_limit_the_channel_is_off(*, value: int, total: int, is_disabled: bool) -> None:
    assert at_limit(value, total).is_disabled is is_disabled


def test_every_switch_is_told_once() -> None:
    limit = at_limit(100, 99)

    off = hold(limit, used(105))
    still_off = hold(off.limit, used(110))
    taken_back = hold(still_off.limit, used(99))

    assert off.switches == (Switch(is_disabled=True, cause=SwitchCause.USAGE, value=100, total=105),)
    assert still_off.switches == ()
    assert taken_back.switches == (Switch(is_disabled=False, cause=SwitchCause.USAGE, value=100, total=99),)


@pytest.mark.parametrize(
    ("value", "is_disabled", "switches"),
    [(200, False, 1), (151, False, 1), (150, True, 0), (120, True, 0), (0, True, 0)],
)
def test_raising_a_limit_above_what_is_used_enables(*, value: int, is_disabled: bool, switches: int) -> None:
    held = set_limit(at_limit(100, 150), value, used(150))

    assert held.limit.is_disabled is is_disabled
    assert len(held.switches) == switches


@pytest.mark.parametrize(("value", "is_disabled"), [(80, True), (50, True), (51, False), (200, False)])
def test_a_limit_set_at_or_below_what_is_used_disables_at_once(*, value: int, is_disabled: bool) -> None:
    total = 50 if value < 80 else 80

    held = set_limit(Limit(), value, used(total))

    assert held.limit.is_disabled is is_disabled
    assert [switch.cause for switch in held.switches] == [SwitchCause.LIMIT_SET] * is_disabled


def test_turning_a_limit_off_enables() -> None:
    off = turn_off(at_limit(100, 150), metric=Metric.BULK_EMAIL, total=150)

    assert off == Held(
        Limit(None, is_disabled=False, cycle=SEPTEMBER),
        (Switch(is_disabled=False, cause=SwitchCause.LIMIT_TURNED_OFF, value=None, total=150),),
    )
    assert hold(off.limit, used(10**6)).switches == ()
    with pytest.raises(LimitNotSet):
        turn_off(off.limit, metric=Metric.BULK_EMAIL, total=0)


def test_turning_off_a_limit_that_stops_nothing_is_no_switch() -> None:
    assert turn_off(at_limit(100, 50), metric=Metric.BULK_EMAIL, total=50).switches == ()


def test_a_new_period_enables() -> None:
    held = hold(at_limit(100, 150), Use(OCTOBER, 0))

    assert held.limit == Limit(100, is_disabled=False, cycle=OCTOBER)
    assert [(each.is_disabled, each.cause) for each in held.switches] == [(False, SwitchCause.NEW_PERIOD)]


def test_a_new_period_does_not_enable_at_a_limit_of_zero() -> None:
    held = hold(at_limit(0, 0), Use(OCTOBER, 0))

    assert held.limit == Limit(0, is_disabled=True, cycle=OCTOBER)
    assert held.switches == ()


def test_a_new_period_that_is_over_the_limit_when_first_looked_at_was_enabled_in_between() -> None:
    held = hold(at_limit(100, 150), Use(OCTOBER, 120))

    assert held.limit.is_disabled
    assert [(each.is_disabled, each.cause) for each in held.switches] == [
        (False, SwitchCause.NEW_PERIOD),
        (True, SwitchCause.USAGE),
    ]


@pytest.mark.parametrize("value", [0, 10, 100])
def test_a_trial_has_no_limits_and_the_paid_time_after_it_does(value: int) -> None:
    trial = Use(SEPTEMBER, 50, is_trial=True)

    held = set_limit(Limit(), value, trial)

    assert held == Held(Limit(value, is_disabled=False, cycle=SEPTEMBER))
    assert hold(held.limit, trial).switches == ()
    assert hold(held.limit, Use(OCTOBER, 0)).limit.is_disabled is (value == 0)


@pytest.mark.parametrize("value", [-1, LARGEST_LIMIT + 1])
def test_refuses_a_limit_below_0_or_beyond_reach(value: int) -> None:
    with pytest.raises(LimitOutOfRange):
        set_limit(Limit(), value, used(0))


@pytest.mark.parametrize(
    ("limit", "is_trial", "is_off"),
    [
        (Limit(), False, False),
        (Limit(100, is_disabled=True, cycle=OCTOBER), False, True),
        (Limit(100, is_disabled=False, cycle=OCTOBER), False, False),
        (Limit(100, is_disabled=True, cycle=SEPTEMBER), False, False),
        (Limit(0, is_disabled=True, cycle=SEPTEMBER), False, True),
        (Limit(0, is_disabled=False, cycle=SEPTEMBER), False, True),
        (Limit(0, is_disabled=True, cycle=OCTOBER), True, False),
    ],
)
def test_a_new_period_enables_before_anybody_has_looked(
    *, limit: Limit, is_trial: bool, is_off: bool
) -> None:
    assert is_disabled_in(limit, OCTOBER, is_trial=is_trial) is is_off


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("use"), st.integers(0, 50)),
            st.tuples(st.just("set"), st.integers(0, 40)),
            st.tuples(st.sampled_from(["off", "next"]), st.just(0)),
        ),
        max_size=40,
    )
)
def test_a_channel_is_off_exactly_while_usage_is_at_or_over_its_limit(steps: list[tuple[str, int]]) -> None:
    limit, month, total, is_off = Limit(), 1, 0, False

    for kind, number in steps:
        held = Held(limit)
        match kind:
            case "use":
                total = number
                held = hold(limit, Use(on(f"2026-{month:02d}-01"), total))
            case "set":
                held = set_limit(limit, number, Use(on(f"2026-{month:02d}-01"), total))
            case "off" if limit.value is not None:
                held = turn_off(limit, metric=Metric.BULK_EMAIL, total=total)
            case "next" if month < 12:
                month, total = month + 1, 0
                held = hold(limit, Use(on(f"2026-{month:02d}-01"), total))
        limit = held.limit

        assert limit.is_disabled is (limit.value is not None and total >= limit.value)
        for switch in held.switches:
            assert switch.is_disabled is not is_off
            is_off = switch.is_disabled
        assert is_off is limit.is_disabled


def test_a_notice_says_what_is_off_until_when_and_what_to_do() -> None:
    off = Switch(is_disabled=True, cause=SwitchCause.USAGE, value=100, total=120)
    zero = Switch(is_disabled=True, cause=SwitchCause.LIMIT_SET, value=0, total=0)
    on_again = Switch(is_disabled=False, cause=SwitchCause.USAGE, value=100, total=99)

    def text(switch: Switch, metric: Metric = Metric.BULK_EMAIL) -> str:
        return notice(switch, metric=metric, label="Bulk email", where="Support", period_end="1 Oct 2026")[1]

    assert text(off) == (
        "Bulk email in Support stands at 120, its limit is 100: the channel is off until 1 Oct 2026, or until the "
        "limit is raised or turned off. What is still sent is recorded and billed."
    )
    assert "until the limit is raised" in text(zero)
    assert "1 Oct 2026" not in text(zero)
    assert FIN_HANDOVER in text(off, Metric.FIN_RESOLUTION)
    assert text(on_again) == "Bulk email is on again in Support: usage fell below the limit."


def test_the_mail_of_a_switch_shows_the_limit_unless_it_was_turned_off() -> None:
    off = Switch(is_disabled=True, cause=SwitchCause.USAGE, value=1_000, total=1_200)
    turned_off = Switch(is_disabled=False, cause=SwitchCause.LIMIT_TURNED_OFF, value=None, total=1_200)

    facts = [notice_facts(switch, label="Bulk email", where="Support") for switch in (off, turned_off)]

    shown = {"where": "Support", "metric": "Bulk email", "total": "1,200"}
    assert facts == [{**shown, "limit": "1,000"}, shown]

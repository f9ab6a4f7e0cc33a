"""An open invoice is charged on days 0, 7, 14 and 21, and the account frozen on day 28."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.dunning import (
    NEXT,
    STEPS,
    AttemptEvent,
    AttemptStatus,
    DunningEvent,
    DunningState,
    Ladder,
    after_action_asked,
    after_decline,
    again,
    ask_again_in,
    explain,
)
from tests.domain.builders import on

ISSUED = on("2026-09-01")


def test_charges_on_days_0_7_14_and_21_and_freezes_on_day_28() -> None:
    ladder, dates = Ladder(ISSUED), []
    while ladder.attempt_on:
        dates.append(ladder.attempt_on)
        ladder = after_decline(ladder, is_hard=False)

    assert dates == [on("2026-09-01"), on("2026-09-08"), on("2026-09-15"), on("2026-09-22")]
    assert ladder.state is DunningState.USED_UP
    assert ladder.freeze_on == on("2026-09-29")


@pytest.mark.parametrize("step", range(4))
def test_a_hard_decline_stops_the_retries_but_not_the_freeze(step: int) -> None:
    stopped = after_decline(Ladder(ISSUED, step), is_hard=True)

    assert stopped.state is DunningState.STOPPED
    assert stopped.attempt_on is None
    assert stopped.freeze_on == on("2026-09-29")


def test_paying_by_hand_or_a_new_card_begins_a_new_ladder_at_once() -> None:
    ladder = again(Ladder(ISSUED, 4, DunningState.USED_UP), on("2026-09-20"))

    assert ladder.attempt_on == on("2026-09-20")
    assert after_decline(ladder, is_hard=False).attempt_on == on("2026-09-27")
    assert ladder.freeze_on == on("2026-10-18")


def test_a_lost_answer_is_asked_for_soon_then_after_twice_as_long_then_daily() -> None:
    age, waits = timedelta(), []
    for _ in range(11):
        waits.append(ask_again_in(age))
        age += waits[-1]

    minutes = [wait // timedelta(minutes=1) for wait in waits]
    assert minutes == [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440]


@pytest.mark.parametrize(
    ("ladder", "is_frozen", "has_method", "failure", "sentence"),
    [
        (Ladder(ISSUED, 1), False, True, None, "The next charge is on 2026-09-08."),
        (
            Ladder(ISSUED, 1),
            False,
            True,
            "Insufficient funds.",
            "The last charge failed: Insufficient funds. The next charge is on 2026-09-08.",
        ),
        (
            Ladder(ISSUED, 0),
            False,
            False,
            None,
            "There is no payment method to charge; add one and it is charged at once.",
        ),
        (
            Ladder(ISSUED, 4, DunningState.USED_UP),
            True,
            True,
            None,
            "The account is frozen until every open invoice is paid.",
        ),
        (
            Ladder(ISSUED, 1, DunningState.STOPPED),
            False,
            True,
            None,
            "This card cannot be charged again; pay by hand or give another card. Access is frozen on 2026-09-29.",
        ),
        (
            Ladder(ISSUED, 1, DunningState.CONFIRMING),
            False,
            True,
            None,
            (
                "The bank wants the payment confirmed; if that has not happened by 2026-09-15, it is given up and charged "
                "anew."
            ),
        ),
        (
            Ladder(ISSUED, 4, DunningState.USED_UP),
            False,
            True,
            None,
            "All retries are used up; pay by hand or give another card. Access is frozen on 2026-09-29.",
        ),
    ],
)
def test_says_in_plain_words_what_happens_next(
    ladder: Ladder,
    is_frozen: bool,
    has_method: bool,
    failure: str | None,
    sentence: str,
) -> None:
    assert explain(ladder, is_frozen=is_frozen, has_method=has_method, failure=failure) == sentence


@pytest.mark.parametrize("status", [AttemptStatus.PENDING, AttemptStatus.UNKNOWN])
def test_an_attempt_without_an_answer_takes_any_answer(status: AttemptStatus) -> None:
    assert {event: NEXT[status, event] for event in AttemptEvent} == {
        AttemptEvent.CHARGED: AttemptStatus.SUCCEEDED,
        AttemptEvent.REFUSED: AttemptStatus.DECLINED,
        AttemptEvent.ACTION_ASKED: AttemptStatus.ACTION_NEEDED,
        AttemptEvent.ANSWER_LOST: AttemptStatus.UNKNOWN,
    }


def test_an_attempt_that_waits_for_the_customer_is_not_asked_for_twice() -> None:
    waiting = {event: after for (before, event), after in NEXT.items() if before == "ACTION_NEEDED"}

    assert waiting == {
        AttemptEvent.CHARGED: AttemptStatus.SUCCEEDED,
        AttemptEvent.REFUSED: AttemptStatus.DECLINED,
        AttemptEvent.ANSWER_LOST: AttemptStatus.ACTION_NEEDED,
    }


@pytest.mark.parametrize("status", [AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED])
def test_an_answer_is_final(status: AttemptStatus) -> None:
    assert not any(before is status for before, _ in NEXT)


@pytest.mark.parametrize("step", range(4))
def test_a_charge_waits_to_be_confirmed_until_the_next_step(step: int) -> None:
    dates = [on("2026-09-08"), on("2026-09-15"), on("2026-09-22"), on("2026-09-29")]

    waiting = after_action_asked(Ladder(ISSUED, step))

    assert waiting.state is DunningState.CONFIRMING
    assert waiting.attempt_on == dates[step]
    assert after_decline(waiting, is_hard=False).step == step + 1


@pytest.mark.parametrize("state", [DunningState.STOPPED, DunningState.USED_UP])
@pytest.mark.parametrize("is_hard", [True, False])
def test_a_late_decline_does_not_begin_the_retries_again(state: DunningState, is_hard: bool) -> None:
    ladder = Ladder(ISSUED, 4, state)

    assert after_decline(ladder, is_hard=is_hard) == ladder
    assert after_action_asked(ladder) == ladder


@pytest.mark.parametrize("state", DunningState)
def test_the_payer_can_begin_a_new_ladder_from_anywhere(state: DunningState) -> None:
    assert STEPS[state, DunningEvent.PAYER_ACTED] is DunningState.RETRYING

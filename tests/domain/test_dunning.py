"""An open invoice is charged on days 0, 7, 14 and 21, and the account frozen on day 28."""

from __future__ import annotations

import pytest

from domain.dunning import NEXT, AttemptEvent, AttemptStatus, Ladder, after_decline, again, explain
from tests.domain.builders import on

ISSUED = on("2026-09-01")


def test_charges_on_days_0_7_14_and_21_and_freezes_on_day_28() -> None:
    ladder, dates = Ladder(ISSUED), []
    while ladder.attempt_on:
        dates.append(ladder.attempt_on)
        ladder = after_decline(ladder, is_hard=False)

    assert dates == [on("2026-09-01"), on("2026-09-08"), on("2026-09-15"), on("2026-09-22")]
    assert not ladder.is_stopped
    assert ladder.freeze_on == on("2026-09-29")


@pytest.mark.parametrize("step", range(4))
def test_a_hard_decline_stops_the_retries_but_not_the_freeze(step: int) -> None:
    stopped = after_decline(Ladder(ISSUED, step), is_hard=True)

    assert stopped.is_stopped
    assert stopped.attempt_on is None
    assert stopped.freeze_on == on("2026-09-29")


def test_paying_by_hand_or_a_new_card_begins_a_new_ladder_at_once() -> None:
    ladder = again(on("2026-09-20"))

    assert ladder.attempt_on == on("2026-09-20")
    assert after_decline(ladder, is_hard=False).attempt_on == on("2026-09-27")
    assert ladder.freeze_on == on("2026-10-18")


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
        (Ladder(ISSUED, 4), True, True, None, "The account is frozen until every open invoice is paid."),
        (
            Ladder(ISSUED, 1, is_stopped=True),
            False,
            True,
            None,
            "This card cannot be charged again; pay by hand or give another card. Access is frozen on 2026-09-29.",
        ),
        (
            Ladder(ISSUED, 4),
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
        AttemptEvent.ANSWER_LOST: AttemptStatus.UNKNOWN,
    }


@pytest.mark.parametrize("status", [AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED])
def test_an_answer_is_final(status: AttemptStatus) -> None:
    assert not any(before is status for before, _ in NEXT)

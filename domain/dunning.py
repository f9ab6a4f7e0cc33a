"""Collecting an open invoice (section 11): charged on days 0, 7, 14 and 21, the account frozen on day 28."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

LADDER = (0, 7, 14, 21)
FREEZE_ON_DAY = 28


class AttemptStatus(StrEnum):
    """Where one payment attempt stands; UNKNOWN means the provider's answer was lost and is asked for."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"


class AttemptEvent(StrEnum):
    """What can happen to a payment attempt."""

    CHARGED = "CHARGED"
    REFUSED = "REFUSED"
    ANSWER_LOST = "ANSWER_LOST"


NEXT: Mapping[tuple[AttemptStatus, AttemptEvent], AttemptStatus] = {
    (AttemptStatus.PENDING, AttemptEvent.CHARGED): AttemptStatus.SUCCEEDED,
    (AttemptStatus.PENDING, AttemptEvent.REFUSED): AttemptStatus.DECLINED,
    (AttemptStatus.PENDING, AttemptEvent.ANSWER_LOST): AttemptStatus.UNKNOWN,
    (AttemptStatus.UNKNOWN, AttemptEvent.CHARGED): AttemptStatus.SUCCEEDED,
    (AttemptStatus.UNKNOWN, AttemptEvent.REFUSED): AttemptStatus.DECLINED,
    (AttemptStatus.UNKNOWN, AttemptEvent.ANSWER_LOST): AttemptStatus.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """The retries of one invoice: the date it counts from, the step to take next, and whether a hard decline stopped it."""

    began_on: date
    step: int = 0
    is_stopped: bool = False

    @property
    def attempt_on(self) -> date | None:
        """Date of the next attempt; None when stopped by a hard decline or used up."""
        if self.is_stopped or self.step >= len(LADDER):
            return None
        return self.began_on + timedelta(days=LADDER[self.step])

    @property
    def freeze_on(self) -> date:
        """Date on which the account is frozen if the invoice is still open; a hard decline does not move it."""
        return self.began_on + timedelta(days=FREEZE_ON_DAY)


def after_decline(ladder: Ladder, *, is_hard: bool) -> Ladder:
    """Climb one step; a hard decline stops the ladder until the payment method is changed."""
    return Ladder(ladder.began_on, ladder.step + 1, is_hard)


def again(today: date) -> Ladder:
    """Begin a new ladder: the payer paid by hand or gave a new payment method."""
    return Ladder(today)


def explain(ladder: Ladder, *, is_frozen: bool, has_method: bool, failure: str | None) -> str:
    """Say in plain words what happens next to an open invoice."""
    happened = f"The last charge failed: {failure} " if failure else ""
    if not has_method:
        return f"{happened}There is no payment method to charge; add one and it is charged at once."
    if is_frozen:
        return f"{happened}The account is frozen until every open invoice is paid."
    if ladder.attempt_on is None:
        why = "This card cannot be charged again" if ladder.is_stopped else "All retries are used up"
        return f"{happened}{why}; pay by hand or give another card. Access is frozen on {ladder.freeze_on}."
    return f"{happened}The next charge is on {ladder.attempt_on}."

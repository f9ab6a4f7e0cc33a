"""Collecting an open invoice (section 11): charged on days 0, 7, 14 and 21, the account frozen on day 28."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

LADDER = (0, 7, 14, 21)
FREEZE_ON_DAY = 28

ASK_AGAIN_AFTER = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)


class AttemptStatus(StrEnum):
    """Where one payment attempt stands.

    UNKNOWN means the provider's answer was lost and is asked for; ACTION_NEEDED that the customer is to confirm it.
    """

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"
    ACTION_NEEDED = "ACTION_NEEDED"


class AttemptEvent(StrEnum):
    """What can happen to a payment attempt."""

    CHARGED = "CHARGED"
    REFUSED = "REFUSED"
    ACTION_ASKED = "ACTION_ASKED"
    ANSWER_LOST = "ANSWER_LOST"


NEXT: Mapping[tuple[AttemptStatus, AttemptEvent], AttemptStatus] = {
    (AttemptStatus.PENDING, AttemptEvent.CHARGED): AttemptStatus.SUCCEEDED,
    (AttemptStatus.PENDING, AttemptEvent.REFUSED): AttemptStatus.DECLINED,
    (AttemptStatus.PENDING, AttemptEvent.ACTION_ASKED): AttemptStatus.ACTION_NEEDED,
    (AttemptStatus.PENDING, AttemptEvent.ANSWER_LOST): AttemptStatus.UNKNOWN,
    (AttemptStatus.UNKNOWN, AttemptEvent.CHARGED): AttemptStatus.SUCCEEDED,
    (AttemptStatus.UNKNOWN, AttemptEvent.REFUSED): AttemptStatus.DECLINED,
    (AttemptStatus.UNKNOWN, AttemptEvent.ACTION_ASKED): AttemptStatus.ACTION_NEEDED,
    (AttemptStatus.UNKNOWN, AttemptEvent.ANSWER_LOST): AttemptStatus.UNKNOWN,
    (AttemptStatus.ACTION_NEEDED, AttemptEvent.CHARGED): AttemptStatus.SUCCEEDED,
    (AttemptStatus.ACTION_NEEDED, AttemptEvent.REFUSED): AttemptStatus.DECLINED,
    (AttemptStatus.ACTION_NEEDED, AttemptEvent.ANSWER_LOST): AttemptStatus.ACTION_NEEDED,
}
"""Succeeded and declined are final: no later answer changes them, whatever order answers come in."""


class DunningState(StrEnum):
    """Where the collection of an open invoice stands."""

    RETRYING = "RETRYING"
    CONFIRMING = "CONFIRMING"
    STOPPED = "STOPPED"
    USED_UP = "USED_UP"


class DunningEvent(StrEnum):
    """What moves the collection of an open invoice."""

    SOFT_DECLINE = "SOFT_DECLINE"
    LAST_DECLINE = "LAST_DECLINE"
    HARD_DECLINE = "HARD_DECLINE"
    ACTION_ASKED = "ACTION_ASKED"
    PAYER_ACTED = "PAYER_ACTED"


STEPS: Mapping[tuple[DunningState, DunningEvent], DunningState] = {
    (DunningState.RETRYING, DunningEvent.SOFT_DECLINE): DunningState.RETRYING,
    (DunningState.RETRYING, DunningEvent.LAST_DECLINE): DunningState.USED_UP,
    (DunningState.RETRYING, DunningEvent.HARD_DECLINE): DunningState.STOPPED,
    (DunningState.RETRYING, DunningEvent.ACTION_ASKED): DunningState.CONFIRMING,
    (DunningState.RETRYING, DunningEvent.PAYER_ACTED): DunningState.RETRYING,
    (DunningState.CONFIRMING, DunningEvent.SOFT_DECLINE): DunningState.RETRYING,
    (DunningState.CONFIRMING, DunningEvent.LAST_DECLINE): DunningState.USED_UP,
    (DunningState.CONFIRMING, DunningEvent.HARD_DECLINE): DunningState.STOPPED,
    (DunningState.CONFIRMING, DunningEvent.PAYER_ACTED): DunningState.RETRYING,
    (DunningState.STOPPED, DunningEvent.PAYER_ACTED): DunningState.RETRYING,
    (DunningState.USED_UP, DunningEvent.PAYER_ACTED): DunningState.RETRYING,
}
"""What is not here changes nothing: a decline of an earlier card, say, once the ladder is stopped or used up."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The retries of one invoice: the date it counts from, the step to take next, and where it stands."""

    began_on: date
    step: int = 0
    state: DunningState = DunningState.RETRYING

    @property
    def attempt_on(self) -> date | None:
        """Date of the next attempt, which gives up on a confirmation that did not come; None when there is none."""
        match self.state:
            case DunningState.RETRYING:
                return self.began_on + timedelta(days=LADDER[self.step])
            case DunningState.CONFIRMING:
                return self.began_on + timedelta(days=(*LADDER, FREEZE_ON_DAY)[self.step + 1])
            case _:
                return None

    @property
    def freeze_on(self) -> date:
        """Date on which the account is frozen if the invoice is still open; a hard decline does not move it."""
        return self.began_on + timedelta(days=FREEZE_ON_DAY)


def after_decline(ladder: Ladder, *, is_hard: bool) -> Ladder:
    """Climb one step; a hard decline stops the ladder until the payment method is changed."""
    is_last = ladder.step + 1 >= len(LADDER)
    soft = DunningEvent.LAST_DECLINE if is_last else DunningEvent.SOFT_DECLINE
    state = STEPS.get((ladder.state, DunningEvent.HARD_DECLINE if is_hard else soft))
    return ladder if state is None else Ladder(ladder.began_on, ladder.step + 1, state)


def after_action_asked(ladder: Ladder) -> Ladder:
    """Wait for the customer to confirm the charge, until the ladder's next step."""
    return replace(ladder, state=STEPS.get((ladder.state, DunningEvent.ACTION_ASKED), ladder.state))


def again(ladder: Ladder, today: date) -> Ladder:
    """Begin a new ladder: the payer paid by hand or gave a new payment method."""
    return Ladder(today, 0, STEPS[ladder.state, DunningEvent.PAYER_ACTED])


def ask_again_in(age: timedelta) -> timedelta:
    """Give how long to wait, `age` after a charge or a refund was made, before asking for an answer that was lost.

    At first soon, then at intervals that double, up to a day.
    """
    return min(max(age, ASK_AGAIN_AFTER), LONGEST_WAIT)


def explain(ladder: Ladder, *, is_frozen: bool, has_method: bool, failure: str | None) -> str:
    """Say in plain words what happens next to an open invoice."""
    happened = f"The last charge failed: {failure} " if failure else ""
    if not has_method:
        return f"{happened}There is no payment method to charge; add one and it is charged at once."
    if ladder.state is DunningState.CONFIRMING:
        return (
            f"{happened}The bank wants the payment confirmed; if that has not happened by {ladder.attempt_on}, "
            f"it is given up and charged anew."
        )
    if is_frozen:
        return f"{happened}The account is frozen until every open invoice is paid."
    if ladder.attempt_on is None:
        is_stopped = ladder.state is DunningState.STOPPED
        why = "This card cannot be charged again" if is_stopped else "All retries are used up"
        return f"{happened}{why}; pay by hand or give another card. Access is frozen on {ladder.freeze_on}."
    return f"{happened}The next charge is on {ladder.attempt_on}."

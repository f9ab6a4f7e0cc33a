"""Dates of seats corrected afterwards (section 5): the facts are set right, and the next invoice adjusts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import workspaces as queries
from adapters.seatfacts import seat_facts
from adapters.spans import traced
from adapters.tables.teammates import SeatChange, Teammate
from domain.calendar import local_day, opening
from domain.refusal import Refusal
from domain.seats import SeatChange as SeatFact
from services import lateness
from services.accounts import AccountNow
from services.seats import find_teammate


@dataclass(eq=False)
class NothingToCorrect(Refusal):
    """The teammate has no such date."""

    template = (
        "There is nothing to correct: name the date the teammate accepted or, once removed, was removed."
    )


@dataclass(eq=False)
class DatesOutOfOrder(Refusal):
    """The corrected dates do not fit the rest of the teammate's history."""

    template = (
        "The dates do not fit: a seat is accepted before it is switched or removed, and not in the future."
    )


@traced
async def correct_dates(
    session: AsyncSession,
    account: AccountNow,
    *,
    teammate_id: UUID,
    accepted_on: date | None,
    removed_on: date | None,
) -> Teammate:
    """Correct when a teammate really accepted or was removed; what was billed is adjusted on the next invoice.

    Raises UnknownTeammate, NothingToCorrect, DatesOutOfOrder.
    """
    teammate = await find_teammate(session, account, teammate_id=teammate_id)
    changes = (await queries.seat_changes_of(session, [(account.id, teammate_id)]))[account.id, teammate_id]
    facts = sorted(seat_facts(changes), key=lambda fact: fact.order)
    wanted = [
        (_latest(facts, is_end=False), accepted_on),
        (_latest(facts, is_end=True), removed_on),
    ]
    corrected = {fact.order: fact for fact in facts}
    moved: list[date] = []
    for fact, day in wanted:
        if day is None:
            continue
        if fact is None:
            raise NothingToCorrect
        moved += [day, local_day(fact.at, account.zone)]
        corrected[fact.order] = replace(fact, at=opening(day, account.zone))
    if not moved:
        raise NothingToCorrect
    moments = [fact.at for fact in corrected.values()]
    if moments != sorted(moments) or moments[-1] > account.now:
        raise DatesOutOfOrder

    for fact in facts:
        if corrected[fact.order] != fact:
            await _append_correction(session, account, teammate, corrected[fact.order])
    if accepted_on:
        teammate.accepted_at = opening(accepted_on, account.zone)
    if removed_on:
        teammate.removed_at = opening(removed_on, account.zone)
    await lateness.note(session, account, day=min(moved))
    return teammate


async def _append_correction(
    session: AsyncSession, account: AccountNow, teammate: Teammate, fact: SeatFact
) -> None:
    session.add(
        SeatChange(
            account_id=account.id,
            position=account.next_position(),
            workspace_id=teammate.workspace_id,
            teammate_id=teammate.id,
            seat=fact.seat.value if fact.seat else None,
            at=fact.at,
            recorded_at=account.now,
            corrects=fact.order,
        )
    )
    await session.flush()


def _latest(facts: list[SeatFact], *, is_end: bool) -> SeatFact | None:
    """Give the last removal, or the last acceptance: the first change of the latest stay."""
    if is_end:
        return facts[-1] if facts and facts[-1].seat is None else None
    stay = None
    for before, fact in zip([None, *facts], facts, strict=False):
        if fact.seat is not None and (before is None or before.seat is None):
            stay = fact
    return stay

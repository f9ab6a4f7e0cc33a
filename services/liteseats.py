"""Lite seats (section 4): one more is refused over the plan's number, and over that of a plan that is to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from adapters import pricebooks
from adapters.queries import histories as history_queries
from adapters.queries import workspaces as queries
from domain.facts import Fact, conversion_chosen
from domain.folding import phases
from domain.phases import Phase, PhaseKind, ends_at
from domain.pricebook import Plan
from domain.seats import SeatType, check_lite_seat
from services.accounts import AccountNow
from services.histories import running_row


async def check_one_more(session: AsyncSession, account: AccountNow) -> None:
    """Refuse one more lite seat than the plan includes, or than one that is scheduled will; raises LiteSeatsExhausted.

    Before there is a plan nothing is included yet or refused.
    """
    row = await running_row(session, account)
    if row is None:
        return
    facts = (await history_queries.facts(session, [row]))[row.id]
    books = await pricebooks.books_of(session, [row.price_book_version])
    held = (await queries.seats_held(session, [account.id])).get((account.id, SeatType.LITE), 0)
    for plan, phase in _plans(account, facts, phases(facts, account.zone, books)):
        check_lite_seat(plan=plan, included=phase.lite_seats_included(plan), held=held)


def _plans(
    account: AccountNow, facts: Sequence[Fact], found: Sequence[Phase]
) -> Iterator[tuple[Plan, Phase]]:
    """Give the plan in force, then those to come, each with its phase."""
    for phase in found:
        if phase.end is not None and ends_at(phase, account.zone) <= account.now:
            continue
        begun = [plan for (at, _), plan in phase.plans if at <= account.now]
        yield from ((plan, phase) for plan in begun[-1:])
        yield from ((plan, phase) for (at, _), plan in phase.plans if at > account.now)
        choice = conversion_chosen(facts) if phase.kind is PhaseKind.TRIAL else None
        if choice:
            yield choice.plan, phase

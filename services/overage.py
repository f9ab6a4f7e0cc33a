"""Inviting past the purchased seats of a yearly term (section 7): it is allowed, and the cheaper way is said."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import workspaces as queries
from domain.money import show_price
from domain.phases import PhaseKind
from domain.seats import SeatType
from services.accounts import AccountNow
from services.previews import overviews


async def notice(session: AsyncSession, account: AccountNow) -> str | None:
    """Say what one more full seat will cost and how it costs less; None while a purchased seat is free."""
    overview = (await overviews(session, [account])).get(account.id)
    if overview is None or overview.phase.kind is not PhaseKind.YEARLY:
        return None
    held = (await queries.seats_held(session, [account.id])).get((account.id, SeatType.FULL), 0)
    purchased = overview.phase.purchases[-1][1]
    if held < purchased:
        return None
    prices = overview.phase.book.plans[overview.plan]
    return (
        f"{held} full seats are held and {purchased} are purchased: once accepted, this one is billed by the day at "
        f"{show_price(prices.monthly)} a month. Bought for the rest of the term it costs "
        f"{show_price(prices.yearly_per_month)} a month: buy seats."
    )

"""Changes of a bill, made or previewed by the same path: a mutation makes its change, `preview` measures it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.tables import invoices as tables
from api.context import Info
from domain.refusal import Refusal
from services import changes
from services.accounts import AccountNow, UnknownAccount, lock_account

R = TypeVar("R")
Issued = Sequence[tables.Invoice]
Run = Callable[[AsyncSession, AccountNow], Awaitable[tuple[Any, Issued]]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one account's bill, ready to be made or measured; `run` gives its result and what it invoiced."""

    account_id: UUID
    run: Run
    unknown: type[Refusal] = UnknownAccount


async def make(info: Info, change: Change, *, token: str | None) -> tuple[Any, Issued]:
    """Make a change under the account's lock and ring for the work it made due; raises PriceChanged."""
    ctx = info.context
    async with ctx.sessions.begin() as session:
        account = await lock_account(
            session, account_id=change.account_id, wall=ctx.wall, unknown=change.unknown
        )
        result, issued = await changes.make(session, account, change.run, token=token)
    await ctx.ring()
    ctx.loaders.forget()
    return result, issued


async def measure(info: Info, change: Change) -> changes.Effect[Any]:
    """Measure a change and leave no trace of it."""
    ctx = info.context
    async with ctx.sessions() as session:
        account = await lock_account(
            session, account_id=change.account_id, wall=ctx.wall, unknown=change.unknown
        )
        effect = await changes.measure(session, account, change.run)
        # What it read is shown; taken back while the session held it, it could not be.
        session.expunge_all()
        await session.rollback()
    return effect


async def alone(change: Awaitable[R]) -> tuple[R, Issued]:
    """Give the result of a change that issues no invoice."""
    return await change, ()

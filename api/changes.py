"""Changes of a bill, made or previewed by the same path: a mutation makes its change, `preview` measures it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from api.context import Info
from domain.refusal import Refusal
from services import changes
from services.accounts import AccountNow, UnknownAccount, lock_account
from services.changes import Effect, Issued, Run

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an account's bill, ready to be made or measured.

    `unknown` is the refusal if the account is not there. `other_id` is a second account whose bill it changes,
    which `run` is given after the first.
    """

    account_id: UUID
    run: Run
    unknown: type[Refusal] = UnknownAccount
    other_id: UUID | None = None


def token_field() -> Any:
    """Describe the field by which the input of a change takes a preview's token."""
    return strawberry.field(
        default=None, description="From `preview`: refuse if the change would no longer bill what it showed."
    )


async def make(info: Info, change: Change, *, token: str | None) -> tuple[Any, Issued]:
    """Make a change under the accounts' locks, for whose due work a worker is woken; raises PriceChanged."""
    ctx = info.context
    session = await ctx.begin()
    made = await changes.make(session, await _lock(info, session, change), change.run, token=token)
    ctx.running.rings = True
    return made


async def measure(info: Info, change: Change) -> Effect:
    """Measure a change and leave no trace of it."""
    async with info.context.sessions() as session:
        effect = await changes.measure(session, await _lock(info, session, change), change.run)
        # What it read is shown; taken back while the session held it, it could not be.
        session.expunge_all()
        await session.rollback()
    return effect


async def alone(change: Awaitable[R]) -> tuple[R, Issued]:
    """Give the result of a change that issues no invoice."""
    return await change, ()


async def _lock(info: Info, session: AsyncSession, change: Change) -> list[AccountNow]:
    """Lock the accounts in the order of their ids, so that two changes never wait for each other."""
    refusals = {change.account_id: change.unknown}
    if change.other_id is not None:
        refusals.setdefault(change.other_id, UnknownAccount)
    locked = {
        each: await lock_account(session, account_id=each, wall=info.context.wall, unknown=refusals[each])
        for each in sorted(refusals)
    }
    ids = [change.account_id] if change.other_id is None else [change.account_id, change.other_id]
    return [locked[each] for each in ids]

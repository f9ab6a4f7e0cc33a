"""Once: what a caller asks for under an idempotency key is done once, and answered alike each time.

The key is claimed at the start of the transaction that does it, so a parallel one waits until that is over. What is
undone, refused or cut short leaves no key, and may be tried again under the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import idempotency as queries
from domain.refusal import Refusal

Answer = dict[str, Any]


@dataclass(eq=False)
class IdempotencyKeyReused(Refusal):
    """The idempotency key stands for something else that was done."""

    template = (
        'The idempotency key "{key}" was used for {mutation} before, with other content; nothing was changed. '
        "Give everything new a key of its own."
    )
    key: str
    mutation: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for under a key: the mutation, and a digest of it with its content."""

    account_id: UUID
    key: str
    mutation: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """What was done under a key: the moment it was done at, and its answer."""

    at: datetime
    answer: Answer


async def recall(session: AsyncSession, asked: Asked) -> Done | None:
    """Give what was done under the key, None for nothing; raises IdempotencyKeyReused."""
    found = await queries.find(session, account_id=asked.account_id, key=asked.key)
    if found is None:
        return None
    if found.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused(asked.key, found.mutation)
    return Done(found.created_at, found.answer)


async def claim(session: AsyncSession, asked: Asked, *, wall: datetime) -> Done | None:
    """Claim the key for this transaction and give None, or give what was done under it.

    Raises IdempotencyKeyReused, and KeyHeldError when another transaction holds the key for too long.
    """
    while True:
        is_ours = await queries.insert_key(
            session,
            account_id=asked.account_id,
            key=asked.key,
            mutation=asked.mutation,
            fingerprint=asked.fingerprint,
            at=wall,
        )
        if is_ours:
            return None
        done = await recall(session, asked)
        if done is not None:
            return done
        # It grew too old between the two statements, and is free again.


async def keep(session: AsyncSession, asked: Asked, answer: Answer) -> None:
    """Keep the answer with what was done, for whoever asks for it again."""
    await queries.keep_answer(session, account_id=asked.account_id, key=asked.key, answer=answer)


async def forget(session: AsyncSession, *, age: timedelta, limit: int) -> int:
    """Forget a batch of the oldest keys of more than an age, and give how many."""
    return await queries.delete_older(session, age=age, limit=limit)

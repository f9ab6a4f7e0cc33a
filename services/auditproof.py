"""Proof of the audit log: every chain walked from its beginning, and heads that were kept elsewhere found again in it.

Whoever owns the database can write a whole chain anew, head and all, so that it is sound in itself. What they cannot
change is a head that somebody else has kept: so heads are told, and heads that are given are looked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.database import read_one_moment
from adapters.queries import audit as queries
from adapters.queries import books
from adapters.queries.audit import Head
from domain.audit import BEGINNING, Walk

BATCH = 500


class NotHeadsError(ValueError):
    """A line of kept heads cannot be read."""

    def __init__(self, number: int) -> None:
        """Say which line it is."""
        super().__init__(
            f"Line {number} of the kept heads is not an account, a number and a hash; give the file as it was written."
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found of a chain: entries walked so far and, once it was walked, each thing wrong in a sentence."""

    head: Head
    walked: int
    differences: tuple[str, ...] = ()


async def heads(sessions: async_sessionmaker[AsyncSession], *, account_id: UUID | None = None) -> list[Head]:
    """Give the heads of all chains, or of one account's."""
    async with sessions() as session:
        await books.be_patient(session)
        return await queries.heads(session, account_id=account_id)


async def walk(
    sessions: async_sessionmaker[AsyncSession], account_id: UUID, *, kept: Head | None = None
) -> AsyncIterator[Chain]:
    """Walk a chain as it is at one moment, and tell after each batch how far; the last tells what is wrong."""
    async with sessions() as session:
        await read_one_moment(session)
        await books.be_patient(session)
        found = await queries.heads(session, account_id=account_id)
        head = found[0] if found else Head(account_id, 0, BEGINNING)
        steps = Walk()
        walked = 0
        while entries := await queries.behind(session, account_id=account_id, seq=steps.seq, limit=BATCH):
            for sealed in entries:
                steps.step(sealed)
            walked += len(entries)
            yield Chain(head, walked)
        steps.end(seq=head.seq, head=head.hash)
        if kept is not None and not await queries.is_known(session, kept):
            steps.tell(
                f"The head that was kept, entry {kept.seq} with hash {kept.hash.hex()}, is not in the chain."
            )
        more = steps.wrong - len(steps.differences)
        rest = [f"And {more:,} more things are wrong."] if more else []
        yield Chain(head, walked, (*steps.differences, *rest))


def digest(found: Iterable[Head]) -> str:
    """Give one hash of all heads: SHA-256 of their lines."""
    return sha256(write_heads(found).encode()).hexdigest()


def write_heads(found: Iterable[Head]) -> str:
    """Write heads, one a line: account, place and hash."""
    return "".join(f"{head.account_id} {head.seq} {head.hash.hex()}\n" for head in found)


def read_heads(lines: Iterable[str]) -> Mapping[UUID, Head]:
    """Read heads that were written; raises NotHeadsError."""
    found = {}
    for number, line in enumerate(lines, start=1):
        try:
            account, seq, hashed = line.split()
            head = Head(UUID(account), int(seq), bytes.fromhex(hashed))
        except ValueError:
            raise NotHeadsError(number) from None
        found[head.account_id] = head
    return found

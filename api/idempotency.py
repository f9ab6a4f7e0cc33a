"""A mutation under an idempotency key: what stands for its content, and its answer put away and shown again.

Of an answer the things are kept by their ids and everything else as it was, whatever was selected. Shown again, things
are found anew: they show how they stand then, and any selection can be made of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, singledispatch
from hashlib import blake2b
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

import msgspec
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries.idempotency import KeyHeldError
from api.acts import Repeated
from api.context import Info
from api.errors import ApiError, ErrorCode, not_found
from api.nodes import Node, find_node
from services import idempotency
from services.idempotency import Answer, Asked, Done

FIELD: Final = "idempotency_key"
NOT_CONTENT: Final = frozenset({FIELD, "preview_token"})
"""Fields of an input that do not tell what is asked for."""


def key_field() -> Any:
    """Describe the field by which the input of a mutation takes an idempotency key."""
    return strawberry.field(
        default=None,
        description=(
            "A name of your own for this request, such as a random UUID: sent again under it, the same is done once. The "
            "repetition gets the same answer, in which things show how they stand by then. Keys are the account's, and "
            "remembered for 30 days unless set otherwise."
        ),
    )


def takes_key(given_as: type) -> bool:
    """Tell whether an input has a field for an idempotency key."""
    return any(field.name == FIELD for field in fields(given_as))


@singledispatch
def content(given: Any) -> object:
    """Give what an input asks for. An input that holds it elsewhere than in its fields registers its own way."""
    return {
        field.name: getattr(given, field.name) for field in fields(given) if field.name not in NOT_CONTENT
    }


@dataclass(frozen=True, slots=True)
class OnceUnderKey:
    """Does a mutation once under the key that its input gives."""

    asked: Asked
    wall: datetime

    async def recall(self, session: AsyncSession) -> None:
        """Raise Repeated if it was done before; raises IdempotencyKeyReused."""
        _raise_repeated(await idempotency.recall(session, self.asked))

    async def claim(self, session: AsyncSession) -> None:
        """Claim the key for this transaction, or raise Repeated; raises IdempotencyKeyReused."""
        try:
            _raise_repeated(await idempotency.claim(session, self.asked, wall=self.wall))
        except KeyHeldError:
            raise ApiError(
                ErrorCode.TOO_MANY_REQUESTS,
                "A mutation with this idempotency key is still at work: send it again in some seconds.",
            ) from None

    async def keep(self, session: AsyncSession, answer: object) -> None:
        """Keep the answer."""
        await idempotency.keep(session, self.asked, put_away(answer))


def once(mutation: str, given: object, account_id: UUID | None, *, wall: datetime) -> OnceUnderKey | None:
    """Give what does a mutation once, if its input gives a key and names an account, whose key it is."""
    key = getattr(given, FIELD, None)
    if key is None or account_id is None:
        return None
    told = msgspec.json.encode([mutation, content(given)], order="sorted")
    return OnceUnderKey(Asked(account_id, key, mutation, blake2b(told, digest_size=16).digest()), wall)


def put_away(answer: Any) -> Answer:
    """Give a payload as it is kept: the ids of things, and values in words of JSON."""
    return {name: kind.put_away(getattr(answer, name)) for name, kind in _kinds(answer.__class__).items()}


async def answer_again(info: Info, payload: Any, kept: Answer) -> Any:
    """Show a payload again; raises NOT_FOUND where a thing of it is no more."""
    shown = {name: await kind.show(info, kept[name]) for name, kind in _kinds(payload).items()}
    return payload(**shown)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a field of a payload is put away and shown again."""

    put_away: Callable[[Any], Any]
    show: Callable[[Info, Any], Awaitable[Any]]


@cache
def _kinds(payload: Any) -> dict[str, _Kind]:
    hints = get_type_hints(payload, include_extras=True)
    names = [field.name for field in fields(payload) if field.init]
    return {name: _THINGS if _tells_of_things(hints[name]) else _values(hints[name]) for name in names}


def _tells_of_things(hint: Any) -> bool:
    parts = get_args(hint)
    return any(map(_tells_of_things, parts)) if parts else isinstance(hint, type) and issubclass(hint, Node)


def _ids(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_ids, value))
    return None if value is None else value.id


async def _found(info: Info, kept: Any) -> Any:
    if isinstance(kept, list):
        return list(await asyncio.gather(*(_found(info, each) for each in kept)))
    if kept is None:
        return None
    thing = await find_node(info, kept)
    if thing is None:
        raise not_found("This was done before, and what it answered is no longer there to be shown.")
    return thing


def _values(hint: Any) -> _Kind:
    async def show(_: Info, kept: Any) -> Any:
        return msgspec.convert(kept, hint)

    return _Kind(msgspec.to_builtins, show)


_THINGS: Final = _Kind(_ids, _found)


def _raise_repeated(done: Done | None) -> None:
    if done is not None:
        raise Repeated(done.answer, at=done.at)

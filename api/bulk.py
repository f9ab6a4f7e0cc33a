"""Large batches of usage events go past GraphQL's reading of values, which would take longer than recording them.

The events of the body are decoded straight into what the use case takes. In their place GraphQL is given a single event
whose id is a word nobody can guess, and the resolver that is handed this word takes the events out again. Everything
else is GraphQL's own: the document is validated and executed as ever, whatever its shape. What does not decode at once,
and what GraphQL then refuses, goes the ordinary way, so that errors are the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex
from typing import Any, Final

import msgspec
from strawberry.http import GraphQLRequestData

from api.usage_door import Event, sent_event
from domain.events import SentEvent

# Below this many bytes there is nothing to win.
SMALLEST: Final = 4096


class _Input(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    workspace_id: str
    events: list[Event]
    idempotency_key: str | None = None


class _Body(msgspec.Struct, rename="camel"):
    query: str
    variables: dict[str, _Input]
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Body)
_packed: ContextVar[tuple[str, list[Event]] | None] = ContextVar("packed", default=None)


@contextmanager
def packed(body: bytes) -> Iterator[GraphQLRequestData | None]:
    """Give the operation of a body with its events packed away, for `unpacked` to find until the end of the block.

    None for a body that is not a large usageRecord with one variable that holds its whole input.
    """
    found = _read(body) if len(body) >= SMALLEST and b"usageRecord" in body else None
    if found is None or len(found.variables) != 1:
        yield None
        return
    ((name, given),) = found.variables.items()
    word = token_hex()
    stand_in = {"eventId": word, "metric": "", "quantity": 1, "at": ""}
    token = _packed.set((word, given.events))
    try:
        yield GraphQLRequestData(
            query=found.query,
            variables={
                name: {
                    "workspaceId": given.workspace_id,
                    "events": [stand_in],
                    "idempotencyKey": given.idempotency_key,
                }
            },
            operation_name=found.operation_name or None,
            extensions=found.extensions,
        )
    finally:
        _packed.reset(token)


def unpacked(event_id: str) -> list[SentEvent] | None:
    """Give the events that an id stands for; None for every id but the word of this request."""
    held = _packed.get()
    return list(map(sent_event, held[1])) if held and held[0] == event_id else None


def packed_events() -> int | None:
    """Count the events that are packed away for this request; None if it is not one with packed events."""
    held = _packed.get()
    return len(held[1]) if held else None


def _read(body: bytes) -> _Body | None:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

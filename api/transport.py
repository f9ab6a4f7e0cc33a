"""The messages of the sub-protocol `graphql-transport-ws`, read from text and written to it; no network here.

A client's message is taken only if all of it is as the protocol has it. What it asks for is judged later, so that a bad
document is an error of its operation and not of the socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeAlias

import orjson
from strawberry.http import GraphQLRequestData

from api.errors import ApiError
from api.view import read_fields

PROTOCOL: Final = "graphql-transport-ws"
LONGEST_ID: Final = 200


class Close(IntEnum):
    """The codes a socket is closed with: the protocol's own, and WebSocket's."""

    INTERNAL = 1011
    TRY_LATER = 1013
    TOO_BIG = 1009
    TOO_SLOW = 1008
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    OTHER_PROTOCOL = 4406
    INIT_TIMEOUT = 4408
    SAME_ID = 4409
    INIT_TWICE = 4429


class BadMessageError(Exception):
    """The text is no message of the protocol; the exception's text says why."""


@dataclass(frozen=True, slots=True)
class Init:
    """The client introduces itself."""

    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """The client asks for a sign of life."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The client gives one."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client starts an operation under an id of its own."""

    id: str
    operation: GraphQLRequestData


@dataclass(frozen=True, slots=True)
class Complete:
    """The client wants no more of an operation."""

    id: str


Message: TypeAlias = Init | Ping | Pong | Subscribe | Complete


def read_message(text: str) -> Message:
    """Read a client's message; raises BadMessageError."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadMessageError("The message is not JSON.") from None
    if not isinstance(data, dict):
        raise BadMessageError("The message must be a JSON object.")
    match data.get("type"):
        case "connection_init":
            return Init(_payload(data) or {})
        case "ping":
            _payload(data)
            return Ping()
        case "pong":
            _payload(data)
            return Pong()
        case "complete":
            return Complete(_id(data))
        case "subscribe":
            return Subscribe(_id(data), _operation(data))
        case _:
            raise BadMessageError("The message's type is none that a client sends.")


def write_message(kind: str, own_id: str | None = None, payload: object = None) -> str:
    """Write a message of the server's."""
    message: dict[str, object] = {"type": kind}
    if own_id is not None:
        message["id"] = own_id
    if payload is not None:
        message["payload"] = payload
    return orjson.dumps(message).decode()


def _payload(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    payload = data.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise BadMessageError("The message's payload must be an object.")
    return payload


def _id(data: Mapping[str, Any]) -> str:
    own_id = data.get("id")
    if not isinstance(own_id, str) or not own_id or len(own_id) > LONGEST_ID:
        raise BadMessageError(f"The message's id must be a text of 1 to {LONGEST_ID} characters.")
    return own_id


def _operation(data: Mapping[str, Any]) -> GraphQLRequestData:
    payload = _payload(data)
    if payload is None:
        raise BadMessageError("The message needs a payload with a query.")
    try:
        return read_fields(payload)
    except ApiError as error:
        raise BadMessageError(error.message) from None

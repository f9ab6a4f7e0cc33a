"""The bodies of webhooks, made in the background of an API process: who executes GraphQL for clients does it for these.

Each is made once, shortly before its first attempt, and kept: a worker sends the same bytes at every attempt. The
query runs with the rights of a key of that account alone, whoever saved it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from strawberry.schema import BaseSchema
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from adapters.queries.deliveries import Bare
from adapters.scopes import Sessions
from api.context import Context
from api.errors import ErrorCode, begin_request, public_error
from api.nodes import node_id
from api.payloads import USUAL
from api.scalars import format_moment
from domain.webhooks import EventKind
from services import deliveries

POLL_SECONDS: Final = 1.0
CHUNK: Final = 20
LEASE: Final = timedelta(seconds=30)
QUERY_SECONDS: Final = 10
MOST_RENDERINGS: Final = 5
"""After so many tries that met an error of ours, the message is sent with the error."""
LONGEST_BODY: Final = 256 * 1024

log = logging.getLogger("prorata.webhooks")


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes bodies. `context_of` gives the context of a request by a key of an account."""

    schema: BaseSchema
    sessions: Sessions
    context_of: Callable[[UUID], Context]

    async def run(self) -> None:
        """Make what is to be made, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                while await self.render_waiting() == CHUNK:
                    pass
            except Exception as error:  # noqa: BLE001  the database may be away; it is asked again
                log.warning("webhooks could not be made: %s", type(error).__name__)

    async def render_waiting(self) -> int:
        """Make the bodies of some deliveries that have none; give how many were taken."""
        taken = await deliveries.take_bare(self.sessions, limit=CHUNK, lease=LEASE)
        for bare in taken:
            content = await self._content(bare)
            is_ours = ErrorCode.INTERNAL in {each["extensions"]["code"] for each in content.get("errors", ())}
            if is_ours and bare.renderings < MOST_RENDERINGS:
                log.warning("delivery %s met an error; it is made again", bare.id)
                continue
            await deliveries.keep_body(self.sessions, bare, body=_body(bare, content))
        return len(taken)

    async def _content(self, bare: Bare) -> dict[str, Any]:
        # The delivery's id takes the place of a request's, by which an error is found in the log.
        begin_request({"type": "http", "headers": [(b"x-request-id", str(bare.id).encode())]})
        is_usual = bare.query is None or bare.kind == EventKind.PING
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                result = await self.schema.execute(
                    USUAL[bare.subject_type] if is_usual else bare.query,
                    variable_values={"id": node_id(bare.subject_type, bare.account_id, bare.subject_id)},
                    context_value=self.context_of(bare.account_id),
                    allowed_operation_types={OperationType.QUERY},
                )
        except TimeoutError:
            return _refused(ErrorCode.INTERNAL, f"The query took more than {QUERY_SECONDS} seconds.")
        return _answered(result)


def _answered(result: ExecutionResult) -> dict[str, Any]:
    if result.errors:
        fallback = ErrorCode.GRAPHQL_EXECUTION_FAILED
        return {"data": None, "errors": [public_error(each, fallback=fallback) for each in result.errors]}
    return {"data": result.data}


def _body(bare: Bare, content: dict[str, Any]) -> bytes:
    head = {"type": bare.kind, "timestamp": format_moment(bare.at)}
    body = orjson.dumps({**head, **content})
    if len(body) <= LONGEST_BODY:
        return body
    return orjson.dumps(
        {**head, **_refused(ErrorCode.TOO_LARGE, f"The answer is over {LONGEST_BODY} bytes.")}
    )


def _refused(code: ErrorCode, message: str) -> dict[str, Any]:
    return {"data": None, "errors": [{"message": message, "extensions": {"code": code.value}}]}

"""No request body is larger or slower than its path allows; what passes reaches the application whole.

The body is read before the application runs, so that a refusal never comes after work has begun, and holds for
chunked bodies, which announce no length.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, ErrorCode, begin_request, error_response

DEFAULT_LIMIT_BYTES: Final = 262_144
USAGE_LIMIT_BYTES: Final = 4 * 1024 * 1024
READ_SECONDS: Final = 10.0


class BodyLimits:
    """ASGI middleware: 413 for a body over its path's limit in bytes, 408 for one not here in `read_seconds`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        limits_by_path: Mapping[str, int] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.app = app
        self.limit_bytes = limit_bytes
        self.limits_by_path = (
            {"/usage": USAGE_LIMIT_BYTES} if limits_by_path is None else dict(limits_by_path)
        )
        self.read_seconds = read_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body within its limits, then let the application have it as one message."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return

        begin_request(scope)
        limit = self.limits_by_path.get(scope["path"].rstrip("/"), self.limit_bytes)
        try:
            body = await self._read(Headers(scope=scope), receive, limit=limit)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        if body is None:
            return

        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive, *, limit: int) -> bytes | None:
        """The whole body, or None if the client hung up before its end."""
        announced = headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > len(str(limit)) or int(announced) > limit):
            raise _body_too_large(limit)

        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.read_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > limit:
                        raise _body_too_large(limit)
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            raise ApiError(
                ErrorCode.REQUEST_TIMEOUT,
                f"The request body did not arrive within {self.read_seconds:g} seconds. Send it again, or in smaller parts.",
                headers={"connection": "close"},
            ) from None


def _body_too_large(limit: int) -> ApiError:
    return ApiError(
        ErrorCode.TOO_LARGE,
        f"The request body is over {limit} bytes, the most this path takes at once. Send it in several requests.",
        facts={"limitBytes": limit},
        # What is left of the body is not read: the connection cannot carry another request.
        headers={"connection": "close"},
    )

"""Every error that leaves the API has one JSON shape, a code, and nothing in it that is not for the client.

The shape is GraphQL's own, on GraphQL and plain routes alike: `{"errors": [{"message", "extensions": {"code"}}]}`.
An exception nobody foresaw is shown as "Internal error" with a request id, and found in the log by that id.
"""

import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final
from uuid import uuid4

import orjson
import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

from adapters.logs import request_id

logger = logging.getLogger("prorata.api")

# A validation error may quote the whole literal it refuses.
LONGEST_MESSAGE: Final = 500

_REQUEST_ID_KEY: Final = "prorata.request_id"
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}", re.ASCII)
_CLIENT_REQUEST_ID = re.compile(rb"[-_.0-9A-Za-z]{8,64}")


class ErrorCode(StrEnum):
    """What went wrong, in a word a program can act on. `STATUS` gives each its HTTP status."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    GRAPHQL_EXECUTION_FAILED = "GRAPHQL_EXECUTION_FAILED"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


STATUS: Final[Mapping[ErrorCode, int]] = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.REQUEST_TIMEOUT: 408,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.TOO_MANY_REQUESTS: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UNAVAILABLE: 503,
}
_CODE_OF_STATUS = {status: code for code, status in STATUS.items()}


class ApiError(Exception):
    """An error meant for the client: its message and its facts, fields of `extensions`, are shown as they are.

    Raised in a resolver it becomes an entry of the top-level `errors`; raised anywhere else it becomes the
    response. `headers` are sent in the second case only.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        facts: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        # graphql-core copies the attribute of this name into the GraphQL error.
        self.extensions: dict[str, object] = {"code": code.value, **(facts or {})}

    @property
    def status(self) -> int:
        """The HTTP status, 400 for every code that has none of its own."""
        return STATUS.get(self.code, 400)


def unauthenticated(message: str = "Send an API key: Authorization: Bearer <key>.") -> ApiError:
    """Nobody is known to be asking."""
    return ApiError(ErrorCode.UNAUTHENTICATED, message, headers={"www-authenticate": "Bearer"})


def unavailable(message: str, *, seconds: int) -> ApiError:
    """What it takes to answer is away; it is worth trying again in so many seconds."""
    return ApiError(ErrorCode.UNAVAILABLE, message, headers={"retry-after": str(seconds)})


def forbidden(message: str = "This API key does not permit that.") -> ApiError:
    """Somebody known is asking for what they may not have."""
    return ApiError(ErrorCode.FORBIDDEN, message)


def not_found(message: str = "Not found.") -> ApiError:
    """There is no such thing, or it is not the asker's to see: the two look the same."""
    return ApiError(ErrorCode.NOT_FOUND, message)


def bad_user_input(message: str, **facts: object) -> ApiError:
    """A value is outside what its description allows."""
    return ApiError(ErrorCode.BAD_USER_INPUT, message, facts=facts)


def bad_request(message: str) -> ApiError:
    """The HTTP request itself is malformed."""
    return ApiError(ErrorCode.BAD_REQUEST, message)


def too_large(message: str, **facts: object) -> ApiError:
    """More was sent, or asked for, than is allowed at once."""
    return ApiError(ErrorCode.TOO_LARGE, message, facts=facts)


def current_request_id() -> str:
    """The id of the request being served, or "-" outside any."""
    return request_id.get()


def begin_request(scope: Scope) -> str:
    """Give the request its id, once: the client's `X-Request-Id` if it is plain text of 8 to 64 characters."""
    known = scope.get(_REQUEST_ID_KEY)
    if isinstance(known, str):
        return known

    sent = next((value for name, value in scope.get("headers", ()) if name == b"x-request-id"), b"")
    chosen = sent.decode("ascii") if _CLIENT_REQUEST_ID.fullmatch(sent) else uuid4().hex
    scope[_REQUEST_ID_KEY] = chosen
    request_id.set(chosen)
    return chosen


class JsonErrors:
    """ASGI middleware, the outermost: names every request in `X-Request-Id`, and answers exceptions in JSON.

    It lets none pass: the server would write it into its log, text and all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        own_id = begin_request(scope)
        is_started = False

        async def send_with_id(message: Message) -> None:
            nonlocal is_started
            is_started = True
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = own_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the edge: nothing may pass but JSON
            response = error_response(as_api_error(error))
            # A response half sent can only be broken off.
            if not is_started:
                await response(scope, receive, send_with_id)


def error_body(error: ApiError) -> dict[str, object]:
    """The JSON body that tells of one error."""
    extensions = dict(error.extensions)
    if error.code is ErrorCode.INTERNAL:
        extensions["requestId"] = current_request_id()
    return {"errors": [{"message": error.message, "extensions": extensions}]}


def error_response(error: ApiError) -> Response:
    """The whole response that tells of one error."""
    body = orjson.dumps(error_body(error))
    return Response(body, status_code=error.status, headers=error.headers, media_type="application/json")


def as_api_error(error: Exception) -> ApiError:
    """Show an exception as far as it may be shown; one that nobody foresaw is logged and masked."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.BAD_REQUEST)
        return ApiError(code, error.detail, headers=error.headers)
    logger.error(
        "request failed error=%s request_id=%s at=%s",
        _class_names(error),
        current_request_id(),
        _frames(error),
    )
    return ApiError(ErrorCode.INTERNAL, "Internal error")


async def handle_error(_request: Request, error: Exception) -> Response:
    """Starlette's exception handler for HTTPException, which would otherwise be answered in plain text."""
    return error_response(as_api_error(error))


def public_error(error: GraphQLError, *, fallback: ErrorCode) -> dict[str, object]:
    """What the client sees of a GraphQL error: `fallback` is the code of one that brings none."""
    shown: dict[str, object] = dict(error.formatted)
    if not _is_for_the_client(error):
        shown["message"] = "Internal error"
        shown["extensions"] = {"code": ErrorCode.INTERNAL.value, "requestId": current_request_id()}
        return shown

    if len(error.message) > LONGEST_MESSAGE:
        shown["message"] = error.message[:LONGEST_MESSAGE] + "…"
    code = ErrorCode.GRAPHQL_PARSE_FAILED if isinstance(error, GraphQLSyntaxError) else fallback
    shown["extensions"] = {"code": code.value, **(error.extensions or {})}
    return shown


class ProrataSchema(strawberry.Schema):
    """A schema whose log names operations and error classes, and never repeats a query, a variable or a value."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log one line for each error; only those the client could not have caused are logged as errors."""
        named = execution_context.operation_name if execution_context else None
        # The name comes from the client: what is no GraphQL name could forge a line of the log.
        operation = named if named and _NAME.fullmatch(named) else "-"
        for error in errors:
            cause = _cause(error)
            is_expected = _is_for_the_client(error)
            logger.log(
                logging.INFO if is_expected else logging.ERROR,
                "graphql operation=%s error=%s path=%s request_id=%s at=%s",
                operation,
                _class_names(cause),
                ".".join(map(str, error.path or ())) or "-",
                current_request_id(),
                "-" if is_expected else _frames(cause),
            )


def _is_for_the_client(error: GraphQLError) -> bool:
    # An error that has nodes but no path was found while the document or its variables were checked.
    return isinstance(
        _cause(error), (GraphQLError, ApiError, CannotGetOperationTypeError, MissingQueryError)
    ) or (error.path is None and bool(error.nodes))


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _class_names(error: BaseException) -> str:
    """The classes of an error and what it arose from: their texts may hold values or secrets."""

    def chain(link: BaseException | None) -> Iterator[str]:
        while link is not None:
            yield f"{type(link).__module__}.{type(link).__qualname__}"
            link = link.__cause__

    return "<-".join(chain(error))


def _frames(error: BaseException) -> str:
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    return " ".join(f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in frames[-8:]) or "-"

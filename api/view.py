"""GraphQL over HTTP: one POST, one JSON object, one operation; a query may be a GET. Everything else is refused in JSON.

The request is taken apart here, not by Strawberry's own view, because that one answers 500 to bodies that are
merely wrong; the schema is Strawberry's. Subscriptions go over WebSocket.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeGuard

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLRequestData
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.bulk import packed
from api.charging import charge_request
from api.errors import (
    ApiError,
    ErrorCode,
    as_api_error,
    bad_request,
    begin_request,
    error_response,
    public_error,
)
from api.rates import OverRateError

ContextFactory: TypeAlias = Callable[[Request], Awaitable[object]]

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
UNFIT: Final = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
_OPERATIONS: Final = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}


class ProrataGraphQL(GraphQL[Any, None]):
    """The ASGI application of `/graphql`. `context_factory` makes what resolvers see as `info.context`.

    The factory may raise ApiError, to ask for a key for instance: its status becomes the response's.
    """

    def __init__(self, schema: BaseSchema, *, context_factory: ContextFactory) -> None:
        super().__init__(schema, graphql_ide=None, allow_queries_via_get=False, subscription_protocols=())
        self.context_factory = context_factory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong, the answer is JSON."""
        begin_request(scope)
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the edge: nothing may pass but JSON
            response = error_response(as_api_error(error))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return await self._answer_get(request)
        _require_json_post(request)
        body, accept = await request.body(), request.headers.get("accept", "")
        with packed(body) as quick:
            operation = quick or read_operation(body)
            context = await self.context_factory(request)
            result = await self._execute(operation, context)
        if quick and is_request_error(result):
            # Nothing was run: have the ordinary way say what is wrong.
            result = await self._execute(read_operation(body), context)
        return respond(result, accept=accept)

    async def _answer_get(self, request: Request) -> Response:
        operation = read_parameters(request.query_params)
        context = await self.context_factory(request)
        result = await self._execute(operation, context, method="GET")
        response = respond(result, accept=request.headers.get("accept", ""))
        # What somebody owes has no place in a cache.
        response.headers["cache-control"] = "no-store"
        return response

    async def _execute(
        self, operation: GraphQLRequestData, context: object, *, method: str = "POST"
    ) -> ExecutionResult:
        try:
            result = await self.schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                operation_extensions=operation.extensions,
                allowed_operation_types=_OPERATIONS[method],
            )
        except UNFIT as error:
            await charge_request(context)
            raise unfit_operation(error) from None
        raise_over_rate(result)
        # Whatever could not even be measured costs something as well.
        await charge_request(context)
        return result


def read_operation(body: bytes) -> GraphQLRequestData:
    """The operation a request body asks for.

    Raises:
        ApiError: BAD_REQUEST if the body is not one JSON object with fields of the right kinds.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_request("The body is not JSON: expected one object in UTF-8, numbers finite.") from None
    if not isinstance(data, dict):
        raise bad_request('The body must be one JSON object: {"query": "...", "variables": {...}}.')

    return read_fields(data)


def read_parameters(parameters: Mapping[str, str]) -> GraphQLRequestData:
    """The operation that the query string of a GET asks for; an empty parameter is none.

    Raises:
        ApiError: BAD_REQUEST if `variables` or `extensions` is not the JSON of an object, or there is no query.
    """
    data: dict[str, object] = {name: text for name, text in parameters.items() if text}
    for name in data.keys() & {"variables", "extensions"}:
        try:
            data[name] = orjson.loads(parameters[name])
        except orjson.JSONDecodeError:
            raise bad_request(f"`{name}` must be an object, written in JSON.") from None
    return read_fields(data)


def read_fields(data: Mapping[str, Any]) -> GraphQLRequestData:
    """The operation that an object asks for, over HTTP or WebSocket.

    Raises:
        ApiError: BAD_REQUEST if its fields are not of the right kinds.
    """
    query, name = data.get("query"), data.get("operationName")
    variables, extensions = data.get("variables"), data.get("extensions")
    if not isinstance(query, str):
        raise bad_request("`query` must be a string: the text of a GraphQL document.")
    if not isinstance(name, str | None):
        raise bad_request("`operationName` must be a string.")
    if not _is_object_or_none(variables):
        raise bad_request("`variables` must be an object.")
    if not _is_object_or_none(extensions):
        raise bad_request("`extensions` must be an object.")
    # An empty name is how some clients say that there is none.
    return GraphQLRequestData(
        query=query, variables=variables, operation_name=name or None, extensions=extensions
    )


def unfit_operation(error: Exception | None) -> ApiError:
    """Say what is wrong with a document that has no operation to run."""
    if isinstance(error, MissingQueryError):
        return bad_request("`query` must hold the text of a GraphQL document.")
    if isinstance(error, InvalidOperationTypeError):
        if error.operation_type is OperationType.MUTATION:
            return _method_not_allowed("Send a mutation as POST: a GET changes nothing.", allow="POST")
        return bad_request(
            "Subscriptions go over WebSocket: connect here with the sub-protocol graphql-transport-ws."
        )
    return bad_request("The document holds no operation, or none called `operationName`.")


def respond(result: ExecutionResult, *, accept: str = "") -> Response:
    """The HTTP response for an execution's result, in the media type that `accept` prefers.

    A request that never began to run has no `data`. Its status is 400 in GraphQL's own media type, where a
    status speaks of GraphQL, and 200 in plain JSON, as the GraphQL over HTTP specification has it.
    """
    content = shown_result(result)
    media_type = preferred_media_type(accept)
    status = 400 if is_request_error(result) and media_type == GRAPHQL_JSON else 200
    return Response(
        orjson.dumps(content), status_code=status, headers={"content-type": f"{media_type}; charset=utf-8"}
    )


def shown_result(result: ExecutionResult) -> dict[str, Any]:
    """What the client sees of an execution's result."""
    errors = result.errors or []
    if isinstance(result, PreExecutionError):
        fallback = ErrorCode.GRAPHQL_VALIDATION_FAILED
    elif is_request_error(result):
        fallback = ErrorCode.BAD_USER_INPUT
    else:
        fallback = ErrorCode.GRAPHQL_EXECUTION_FAILED

    content: dict[str, object] = {} if is_request_error(result) else {"data": result.data}
    if errors:
        content["errors"] = [public_error(error, fallback=fallback) for error in errors]
    if result.extensions:
        content["extensions"] = result.extensions
    return content


def raise_over_rate(result: ExecutionResult) -> None:
    """Raise the OverRateError for which nothing of an operation was run, if there is one: its status is its own."""
    for error in result.errors or ():
        if isinstance(error.original_error, OverRateError):
            raise error.original_error


def is_request_error(result: ExecutionResult) -> bool:
    """Tell whether the request was refused before any of it ran."""
    errors = result.errors or []
    return isinstance(result, PreExecutionError) or (
        result.data is None and bool(errors) and all(error.path is None for error in errors)
    )


def preferred_media_type(accept: str) -> str:
    """Plain JSON unless the header prefers `application/graphql-response+json`; of equals, the first named."""
    best, best_weight = JSON, 0.0
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        offered = (
            GRAPHQL_JSON if name == GRAPHQL_JSON else JSON if name in {JSON, "application/*", "*/*"} else None
        )
        weight = _weight(parameters)
        if offered is not None and weight > best_weight:
            best, best_weight = offered, weight
    return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _require_json_post(request: Request) -> None:
    if request.method != "POST":
        raise _method_not_allowed(
            "Send GraphQL as POST, or a query as GET. GraphiQL is at /graphiql.", allow="GET, POST"
        )
    content_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if content_type.strip() != JSON or ("charset" in parameters and "utf-8" not in parameters):
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the header Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Compressed bodies are not taken.")


def _method_not_allowed(message: str, *, allow: str) -> ApiError:
    return ApiError(ErrorCode.METHOD_NOT_ALLOWED, message, headers={"allow": allow})


def _is_object_or_none(value: object) -> TypeGuard[dict[str, Any] | None]:
    return value is None or isinstance(value, dict)

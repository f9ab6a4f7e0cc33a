"""The HTTP edge: whatever arrives, the answer is JSON of one shape, and nothing of ours leaks into it or the log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import strawberry
from graphql import GraphQLError
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from api.bodies import BodyLimits
from api.errors import (
    JsonErrors,
    ProrataSchema,
    bad_user_input,
    forbidden,
    handle_error,
    not_found,
    unauthenticated,
)
from api.scalars import SCALARS, BigInt, SafeString
from api.view import ProrataGraphQL, preferred_media_type
from tests.api.guarded import DocumentGuard

SECRET = "postgresql://prorata:hunter2@db/prorata"
GRAPHQL_JSON = "application/graphql-response+json"


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: SafeString | None = None) -> str:
        return f"hello {name or 'world'}"

    @strawberry.field
    def count(self, value: BigInt) -> BigInt:
        return value

    @strawberry.field
    def whoami(self, info: strawberry.Info) -> str:
        return str(info.context)

    @strawberry.field
    def crash(self) -> str | None:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise RuntimeError(SECRET) from cause

    @strawberry.field
    def forbid(self) -> str | None:
        raise forbidden()

    @strawberry.field
    def mistake(self) -> str | None:
        raise bad_user_input("`first` must be at least 1.", argument="first")

    @strawberry.field
    def plain(self) -> str | None:
        raise GraphQLError("said on purpose")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def record(self) -> bool:
        return True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


SCHEMA = ProrataSchema(
    Query,
    Mutation,
    Subscription,
    extensions=[DocumentGuard, ParserCache, ValidationCache],
    config=StrawberryConfig(scalar_map=SCALARS),
)


async def who_asks(request: Request) -> object:
    if request.headers.get("authorization") == "Bearer wrong":
        raise unauthenticated()
    if request.headers.get("authorization") == "Bearer broken":
        raise RuntimeError(SECRET)
    return request.headers.get("authorization", "nobody")


async def echo_length(request: Request) -> JSONResponse:
    return JSONResponse(len(await request.body()))


async def missing(_request: Request) -> JSONResponse:
    raise not_found()


async def crash(_request: Request) -> JSONResponse:
    raise RuntimeError(SECRET)


APP = Starlette(
    routes=[
        Route("/graphql", ProrataGraphQL(SCHEMA, context_factory=who_asks)),
        Route("/usage", echo_length, methods=["POST"]),
        Route("/elsewhere", echo_length, methods=["POST"]),
        Route("/missing", missing),
        Route("/crash", crash),
    ],
    middleware=[Middleware(JsonErrors), Middleware(BodyLimits, read_seconds=0.2)],
    exception_handlers={HTTPException: handle_error},
)


@pytest.fixture(name="client")
async def make_client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(APP)
    async with AsyncClient(transport=transport, base_url="http://prorata") as client:
        yield client


async def post(client: AsyncClient, body: bytes | str, **headers: str) -> Response:
    sent = {
        "content-type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await client.post("/graphql", content=body, headers=sent)


def error_code(response: Response) -> str:
    """The code of the one error, having checked the shape all refusals share."""
    assert response.headers["content-type"].startswith("application/")
    (error,) = response.json()["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


async def test_answers_a_query_with_variables_and_the_context(client: AsyncClient) -> None:
    body = {
        "query": "query Q($n: SafeString!) { hello(name: $n) whoami }",
        "variables": {"n": "Zoë"},
        "operationName": "Q",
    }

    response = await client.post("/graphql", json=body, headers={"authorization": "Bearer key"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["data"] == {"hello": "hello Zoë", "whoami": "Bearer key"}


async def test_answers_a_mutation(client: AsyncClient) -> None:
    response = await post(client, '{"query": "mutation { record }"}')

    assert response.json()["data"] == {"record": True}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"null",
        b'"x"',
        b"[]",
        b'[{"query": "{ hello }"}]',
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"query": "{ hello }", "variables": {"a": NaN}}',
        b'{"query": "{ hello }", "variables": {"a": Infinity}}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b'{"query": "\\ud800"}',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 5}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "extensions": 1}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "operationName": "Nope"}',
        b'{"query": "fragment f on Query { hello }"}',
        b'{"query": "subscription { ticks }"}',
    ],
)
async def test_refuses_a_malformed_request_with_400(client: AsyncClient, body: bytes) -> None:
    response = await post(client, body)

    assert response.status_code == 400
    assert error_code(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
    ],
)
async def test_refuses_other_content_types(client: AsyncClient, content_type: str) -> None:
    response = await post(client, '{"query": "{ hello }"}', content_type=content_type)

    assert response.status_code == 415
    assert error_code(response) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", "Application/JSON"])
async def test_takes_json_however_it_is_spelled(client: AsyncClient, content_type: str) -> None:
    response = await post(client, '{"query": "{ hello }"}', content_type=content_type)

    assert response.json()["data"] == {"hello": "hello world"}


async def test_refuses_compressed_bodies(client: AsyncClient) -> None:
    response = await post(client, "x", content_encoding="gzip")

    assert response.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_executes_nothing_but_post_and_get(client: AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", params={"query": "{ hello }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert error_code(response) == "METHOD_NOT_ALLOWED"


async def test_answers_a_query_over_get_and_keeps_it_out_of_caches(client: AsyncClient) -> None:
    asked = {
        "query": "query Q($n: SafeString!) { hello(name: $n) whoami } query R { hello }",
        "variables": '{"n": "Zoë"}',
        "operationName": "Q",
        "extensions": "",
    }

    response = await client.get("/graphql", params=asked, headers={"authorization": "Bearer key"})

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["data"] == {"hello": "hello Zoë", "whoami": "Bearer key"}


async def test_a_mutation_is_not_run_over_get(client: AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "mutation { record }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert error_code(response) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"query": ""},
        {"query": "subscription { ticks }"},
        {"query": "{ hello }", "operationName": "Nope"},
        {"query": "{ hello }", "variables": "{"},
        {"query": "{ hello }", "variables": "[]"},
        {"query": "{ hello }", "variables": "[" * 10_000},
        {"query": "{ hello }", "variables": '{"a": NaN}'},
        {"query": "{ hello }", "extensions": "1"},
    ],
)
async def test_refuses_a_malformed_get_with_400(client: AsyncClient, asked: dict[str, str]) -> None:
    response = await client.get("/graphql", params=asked)

    assert response.status_code == 400
    assert error_code(response) == "BAD_REQUEST"


async def test_a_get_is_asked_for_a_key_like_a_post(client: AsyncClient) -> None:
    asked = {"query": "{ hello }"}

    response = await client.get("/graphql", params=asked, headers={"authorization": "Bearer wrong"})

    assert response.status_code == 401
    assert error_code(response) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"query": "{"}', "GRAPHQL_PARSE_FAILED"),
        ('{"query": "{ nope }"}', "GRAPHQL_VALIDATION_FAILED"),
        ('{"query": "{ count(value: ' + "9" * 5000 + ') }"}', "BAD_USER_INPUT"),
        ('{"query": "query ($n: SafeString!) { hello(name: $n) }"}', "BAD_USER_INPUT"),
        (
            '{"query": "query ($n: SafeString!) { hello(name: $n) }", "variables": {"n": "\\u0000"}}',
            "BAD_USER_INPUT",
        ),
        ('{"query": "{ hello ...a } fragment a on Query { ...a }"}', "GRAPHQL_VALIDATION_FAILED"),
        ('{"query": "{ ' + "hello " * 601 + '}"}', "TOO_MANY_FIELDS"),
    ],
)
async def test_a_request_that_cannot_run_has_no_data_and_a_status_by_its_media_type(
    client: AsyncClient, body: str, code: str
) -> None:
    plain = await post(client, body)
    typed = await post(client, body, accept=GRAPHQL_JSON)

    assert (plain.status_code, typed.status_code) == (200, 400)
    assert typed.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    for response in (plain, typed):
        assert "data" not in response.json()
        assert error_code(response) == code
        assert len(response.content) < 2000


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json", GRAPHQL_JSON),
        (f"application/json, {GRAPHQL_JSON}", "application/json"),
        (f"application/json;q=0.5, {GRAPHQL_JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, */*;q=0.1", "application/json"),
        (f"{GRAPHQL_JSON};q=nonsense", "application/json"),
    ],
)
def test_gives_the_media_type_the_client_prefers(accept: str, chosen: str) -> None:
    assert preferred_media_type(accept) == chosen


@pytest.mark.parametrize(
    ("field", "message", "extensions"),
    [
        ("forbid", "This API key does not permit that.", {"code": "FORBIDDEN"}),
        ("mistake", "`first` must be at least 1.", {"code": "BAD_USER_INPUT", "argument": "first"}),
        ("plain", "said on purpose", {"code": "GRAPHQL_EXECUTION_FAILED"}),
    ],
)
async def test_an_error_meant_for_the_client_is_shown(
    client: AsyncClient, field: str, message: str, extensions: dict[str, str]
) -> None:
    response = await post(client, f'{{"query": "{{ hello {field} }}"}}')

    assert response.status_code == 200
    assert response.json()["data"] == {"hello": "hello world", field: None}
    (error,) = response.json()["errors"]
    assert (error["message"], error["path"], error["extensions"]) == (message, [field], extensions)


async def test_an_exception_nobody_foresaw_is_masked_and_found_in_the_log_by_its_id(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = '{"query": "query Dashboard($n: SafeString!) { hello(name: $n) crash }", "variables": {"n": "private"}}'

    with caplog.at_level(logging.INFO):
        response = await post(client, body, x_request_id="request-0001")

    (error,) = response.json()["errors"]
    assert error["message"] == "Internal error"
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "request-0001"}
    assert response.headers["x-request-id"] == "request-0001"
    (line,) = (record.getMessage() for record in caplog.records if record.name == "prorata.api")
    assert "operation=Dashboard error=builtins.RuntimeError<-builtins.ValueError path=crash" in line
    assert "request_id=request-0001" in line
    assert ":crash" in line
    assert "hunter2" not in caplog.text + response.text
    assert "private" not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "{ nope(secret: \\"hunter2\\") }"}',
        '{"query": "{ hunter2", "operationName": "x\\nERROR hunter2"}',
        '{"query": "query ($n: SafeString!) { hello(name: $n) }", "variables": {"n": "hunter2\\u0000"}}',
        '{"query": "{ plain }"}',
    ],
)
async def test_a_mistake_of_the_client_is_one_quiet_line_without_its_text(
    client: AsyncClient, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    with caplog.at_level(logging.INFO):
        await post(client, body)

    records = [record for record in caplog.records if record.name == "prorata.api"]
    assert {record.levelno for record in records} == {logging.INFO}
    assert all("hunter2" not in record.getMessage() and "\n" not in record.getMessage() for record in records)
    assert not [record for record in caplog.records if record.name.startswith("strawberry")]


async def test_asks_for_a_key_with_401(client: AsyncClient) -> None:
    response = await post(client, '{"query": "{ hello }"}', authorization="Bearer wrong")

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert error_code(response) == "UNAUTHENTICATED"


async def test_a_crash_before_the_query_runs_is_masked_too(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(client, '{"query": "{ hello }"}', authorization="Bearer broken")

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
    assert SECRET not in response.text + caplog.text


@pytest.mark.parametrize("sent", ["short", "x" * 65, "two\twords", "semi;colon"])
async def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: AsyncClient, sent: str) -> None:
    response = await post(client, '{"query": "{ hello }"}', x_request_id=sent)

    assert response.headers["x-request-id"] != sent
    assert len(response.headers["x-request-id"]) == 32


async def test_other_routes_tell_of_errors_in_the_same_shape(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    missing_thing = await client.get("/missing")
    missing_route = await client.get("/nowhere")
    wrong_method = await client.get("/usage")
    crashed = await client.get("/crash")

    assert (missing_thing.status_code, error_code(missing_thing)) == (404, "NOT_FOUND")
    assert (missing_route.status_code, error_code(missing_route)) == (404, "NOT_FOUND")
    assert (wrong_method.status_code, error_code(wrong_method)) == (405, "METHOD_NOT_ALLOWED")
    assert (crashed.status_code, error_code(crashed)) == (500, "INTERNAL")
    assert SECRET not in crashed.text + caplog.text


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/elsewhere", 262_144, 200),
        ("/elsewhere", 262_145, 413),
        ("/usage", 4 * 1024 * 1024, 200),
        ("/usage", 4 * 1024 * 1024 + 1, 413),
        ("/graphql", 262_145, 413),
    ],
)
@pytest.mark.parametrize("sent_as", ["one piece", "chunks"])
async def test_a_body_may_be_as_large_as_its_path_allows(
    client: AsyncClient, path: str, size: int, status: int, sent_as: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 65_536):
            yield b"x" * min(65_536, size - start)

    response = await client.post(path, content=chunks() if sent_as == "chunks" else b"x" * size)

    assert response.status_code == status
    if status == 200:
        assert response.json() == size
    else:
        assert error_code(response) == "TOO_LARGE"
        assert "Send it in several requests." in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("length", ["9" * 5000, "99999999999"])
async def test_a_body_announced_too_large_is_not_read(client: AsyncClient, length: str) -> None:
    response = await client.post("/usage", content=b"x", headers={"content-length": length})

    assert response.status_code == 413


async def test_a_body_that_does_not_arrive_is_given_up(client: AsyncClient) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    response = await client.post("/usage", content=trickle())

    assert response.status_code == 408
    assert error_code(response) == "REQUEST_TIMEOUT"


async def test_a_client_that_hangs_up_in_its_body_gets_no_work_done() -> None:
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    calls: list[str] = []

    async def application(_scope: Scope, _receive: Receive, _send: Send) -> None:
        calls.append("application")

    async def receive() -> Message:
        return next(messages)

    async def send(_message: Message) -> None:
        calls.append("response")

    await BodyLimits(application)(
        {"type": "http", "method": "POST", "path": "/usage", "headers": []}, receive, send
    )

    assert calls == []

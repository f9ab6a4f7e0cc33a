"""The sub-protocol graphql-transport-ws, case by case: what is said, and what is heard or how the socket ends.

No case may end without a close code, and none may show a text from the inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.live.running_api import talk

INIT = object()
"""Stands for a `connection_init` with the operator's key, and its acknowledgement."""
QUERY = "{ viewer { isOperator } }"
FOLLOW = 'subscription { invoiceChanged(accountId: "nothing") { number } }'


def start(query: object = QUERY, *, own_id: object = "1", **payload: object) -> dict[str, object]:
    """Write a `subscribe` message."""
    return {"type": "subscribe", "id": own_id, "payload": {"query": query, **payload}}


@dataclass(frozen=True, slots=True)
class Ends:
    """The socket is closed with a code."""

    code: int


@dataclass(frozen=True, slots=True)
class Hears:
    """The socket stays open, and these messages come: their types, ids and codes of errors."""

    messages: tuple[tuple[str, ...], ...]


def hears(*messages: str) -> Hears:
    """Expect messages, each as its type with, after it, its id and the code of its error."""
    return Hears(tuple(tuple(message.split()) for message in messages))


DONE = ("next 1", "complete 1")
CASES: dict[str, tuple[list[object], Ends | Hears]] = {
    "init is acknowledged": ([INIT], hears()),
    "init twice": ([INIT, {"type": "connection_init"}], Ends(4429)),
    "init twice at once": ([{"type": "connection_init"}, {"type": "connection_init"}], Ends(4403)),
    "init without a key": ([{"type": "connection_init"}], Ends(4403)),
    "init with null": ([{"type": "connection_init", "payload": None}], Ends(4403)),
    "init with a wrong key": (
        [{"type": "connection_init", "payload": {"authorization": "Bearer pr_000000000000_x"}}],
        Ends(4403),
    ),
    "init with a key that is no text": (
        [{"type": "connection_init", "payload": {"authorization": 7}}],
        Ends(4403),
    ),
    "init with a payload that is a text": ([{"type": "connection_init", "payload": "key"}], Ends(4400)),
    "init with a payload that is a list": ([{"type": "connection_init", "payload": ["key"]}], Ends(4400)),
    "nothing said": ([], Ends(4408)),
    "ping before init": ([{"type": "ping"}], hears("pong")),
    "ping": ([INIT, {"type": "ping", "payload": {"at": 1}}], hears("pong")),
    "ping with a payload that is a number": ([INIT, {"type": "ping", "payload": 1}], Ends(4400)),
    "pong unasked": ([INIT, {"type": "pong"}, {"type": "ping"}], hears("pong")),
    "pong with a payload that is a text": ([INIT, {"type": "pong", "payload": "x"}], Ends(4400)),
    "subscribe before init": ([start()], Ends(4401)),
    "text that is no JSON": ([INIT, "hello"], Ends(4400)),
    "an empty text": ([INIT, ""], Ends(4400)),
    "JSON that is a list": ([INIT, []], Ends(4400)),
    "JSON that is a number": ([INIT, "7"], Ends(4400)),
    "JSON that is null": ([INIT, "null"], Ends(4400)),
    "JSON with a number that is none": ([INIT, '{"type": "ping", "payload": {"x": NaN}}'], Ends(4400)),
    "JSON nested too deep": ([INIT, "[" * 2000 + "]" * 2000], Ends(4400)),
    "bytes": ([INIT, b'{"type": "ping"}'], Ends(4400)),
    "a message too long": ([INIT, start("{ viewer { isOperator } } #" + "x" * 5000)], Ends(1009)),
    "no type": ([INIT, {"id": "1"}], Ends(4400)),
    "a type that is a number": ([INIT, {"type": 1}], Ends(4400)),
    "an unknown type": ([INIT, {"type": "start", "id": "1", "payload": {"query": QUERY}}], Ends(4400)),
    "a type that only the server sends": ([INIT, {"type": "next", "id": "1", "payload": {}}], Ends(4400)),
    "no id": ([INIT, {"type": "subscribe", "payload": {"query": QUERY}}], Ends(4400)),
    "an id that is a number": ([INIT, start(own_id=1)], Ends(4400)),
    "an id that is a list": ([INIT, start(own_id=["1"])], Ends(4400)),
    "an empty id": ([INIT, start(own_id="")], Ends(4400)),
    "no payload": ([INIT, {"type": "subscribe", "id": "1"}], Ends(4400)),
    "a payload that is a text": ([INIT, {"type": "subscribe", "id": "1", "payload": QUERY}], Ends(4400)),
    "no query": ([INIT, {"type": "subscribe", "id": "1", "payload": {}}], Ends(4400)),
    "a query that is a number": ([INIT, start(7)], Ends(4400)),
    "variables that are a text": ([INIT, start(variables="{}")], Ends(4400)),
    "variables that are a list": ([INIT, start(variables=[])], Ends(4400)),
    "an operation name that is a number": ([INIT, start(operationName=7)], Ends(4400)),
    "extensions that are a text": ([INIT, start(extensions="x")], Ends(4400)),
    "variables, name and extensions that are null": (
        [INIT, start(variables=None, operationName=None, extensions=None)],
        hears(*DONE),
    ),
    "complete without an id": ([INIT, {"type": "complete"}], Ends(4400)),
    "complete of nothing": ([INIT, {"type": "complete", "id": "9"}, {"type": "ping"}], hears("pong")),
    "a query": ([INIT, start()], hears(*DONE)),
    "a query with an extension": ([INIT, start(extensions={"x": 1})], hears(*DONE)),
    "an id used again": ([INIT, start(), start(own_id="2"), start(own_id="3")], hears(*DONE)),
    "an empty query": ([INIT, start("")], hears("error 1 BAD_REQUEST")),
    "a syntax error": ([INIT, start("{ viewer {")], hears("error 1 GRAPHQL_PARSE_FAILED")),
    "an unknown field": ([INIT, start("{ nothing }")], hears("error 1 GRAPHQL_VALIDATION_FAILED")),
    "only fragments": ([INIT, start("fragment F on Viewer { isOperator }")], hears("error 1 BAD_REQUEST")),
    "an unknown operation": (
        [INIT, start(f"query A {QUERY} query B {QUERY}", operationName="C")],
        hears("error 1 BAD_REQUEST"),
    ),
    "two operations and no name": (
        [INIT, start(f"query A {QUERY} query B {QUERY}")],
        hears("error 1 BAD_REQUEST"),
    ),
    "one of two operations": (
        [INIT, start(f"query A {QUERY} query B {QUERY}", operationName="B")],
        hears(*DONE),
    ),
    "a variable that is missing": (
        [INIT, start("query ($id: ID!) { account(id: $id) { name } }")],
        hears("error 1 BAD_USER_INPUT"),
    ),
    "a variable of the wrong kind": (
        [INIT, start("query ($id: ID!) { account(id: $id) { name } }", variables={"id": {}})],
        hears("error 1 BAD_USER_INPUT"),
    ),
    "a variable": (
        [INIT, start("query ($id: ID!) { account(id: $id) { name } }", variables={"id": "x"})],
        hears(*DONE),
    ),
    "a mutation that is refused": (
        [INIT, start('mutation { subscriptionCancel(input: {accountId: "x"}) { __typename } }')],
        hears(*DONE),
    ),
    "two root fields of a subscription": (
        [
            INIT,
            start(
                'subscription { a: invoiceChanged(accountId: "x") { number } b: alertFired(accountId: "x") { at } }'
            ),
        ],
        hears("error 1 GRAPHQL_VALIDATION_FAILED"),
    ),
    "a subscription to nothing": ([INIT, start(FOLLOW)], hears("error 1 NOT_FOUND")),
    "a document that is too deep": (
        [INIT, start("{ a: " + "viewer { account { " * 10 + "id" + " } }" * 10 + " }")],
        hears("error 1 TOO_DEEP"),
    ),
    "a subscription with too many aliases": (
        [
            INIT,
            start(
                'subscription { invoiceChanged(accountId: "x") {'
                + " ".join(f"a{number}: number" for number in range(70))
                + "} }"
            ),
        ],
        hears("error 1 TOO_MANY_ALIASES"),
    ),
    "a query after an error": (
        [INIT, start("{"), start(own_id="2")],
        hears("error 1 GRAPHQL_PARSE_FAILED", "next 2"),
    ),
}
WITHIN = ("Traceback", "Error(", "strawberry", "sqlalchemy", "postgres", "Exception")


@pytest.mark.parametrize("name", CASES)
async def test_a_case_of_the_protocol(api_url: str, operator_key: str, name: str) -> None:
    said, expected = CASES[name]

    async with talk(api_url) as socket:
        for message in said:
            await (socket.begin(operator_key) if message is INIT else socket.say(message))
        if isinstance(expected, Ends):
            code, reason = await socket.closed()

            assert (code, reason != "" or code == 1009) == (expected.code, True)
            assert not any(word in reason for word in WITHIN)
            return
        messages = [await socket.hear() for _ in expected.messages]

        assert sorted(map(essence, messages)) == sorted(expected.messages)
        assert not any(word in str(messages) for word in WITHIN)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 38


async def test_an_id_in_use_ends_the_socket(api_url: str, operator_key: str, followed: str) -> None:
    async with talk(api_url, key=operator_key) as socket:
        await socket.say(start(followed), start(followed))

        assert await socket.closed() == (4409, "Subscriber for 1 already exists")


async def test_an_id_is_free_once_it_is_completed(api_url: str, operator_key: str, followed: str) -> None:
    async with talk(api_url, key=operator_key) as socket:
        await socket.say(start(followed), {"type": "complete", "id": "1"}, start())

        assert [essence(await socket.hear()) for _ in DONE] == [("next", "1"), ("complete", "1")]


async def test_the_twenty_first_operation_is_refused_and_the_socket_lives(
    api_url: str, operator_key: str, followed: str
) -> None:
    async with talk(api_url, key=operator_key) as socket:
        await socket.say(*(start(followed, own_id=str(number)) for number in range(21)))
        refused = await socket.hear()
        await socket.say({"type": "complete", "id": "7"}, {"type": "ping"})
        pong = await socket.hear()
        await socket.say(start(own_id="20"))
        answered = await socket.hear()

    assert essence(refused) == ("error", "20", "TOO_MANY_REQUESTS")
    assert refused["payload"][0]["extensions"]["limit"] == 20
    assert (pong["type"], essence(answered)) == ("pong", ("next", "20"))


async def test_the_key_may_be_in_the_handshake(api_url: str, operator_key: str) -> None:
    headers = {"authorization": f"Bearer {operator_key}"}

    async with talk(api_url, additional_headers=headers) as socket:
        await socket.say({"type": "connection_init"})

        assert await socket.hear() == {"type": "connection_ack"}


async def test_the_name_of_the_header_is_taken_in_any_case(api_url: str, operator_key: str) -> None:
    async with talk(api_url) as socket:
        await socket.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {operator_key}"}})

        assert await socket.hear() == {"type": "connection_ack"}


@pytest.mark.parametrize("protocol", ["graphql-ws", None])
async def test_another_protocol_is_refused(api_url: str, protocol: str | None) -> None:
    async with talk(api_url, protocol=None) as socket:
        assert socket.connection.subprotocol is None
        assert (await socket.closed())[0] == 4406


async def test_an_error_within_is_masked(api_url: str, operator_key: str) -> None:
    beyond = '{ accounts(after: "eyJ") { edges { node { id } } } }'

    async with talk(api_url, key=operator_key) as socket:
        await socket.say(start(beyond))
        message = await socket.hear()

    assert message["payload"]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.fixture
async def followed(client: Any) -> str:
    """A subscription that stays silent."""
    opened = await client.do("accountCreate", "account { id }", name="Acme")
    return f'subscription {{ invoiceChanged(accountId: "{opened["account"]["id"]}") {{ number }} }}'


def essence(message: dict[str, Any]) -> tuple[str, ...]:
    """Give the type of a message, its id, and the code of its error."""
    parts = [message["type"]]
    if "id" in message:
        parts.append(message["id"])
    if message["type"] == "error":
        parts.append(message["payload"][0]["extensions"]["code"])
    return tuple(parts)

"""Every refusal of every mutation, provoked through GraphQL: its type, its sentence, its facts, and nothing written."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from sqlalchemy.ext.asyncio import AsyncEngine

import domain
import services
from api.connections import encode_cursor
from api.results import shown_refusals
from api.scalars import format_moment
from domain.pricebook import InvalidPriceBook
from domain.refusal import Refusal
from tests.api.companies import new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import SCHEMA, Ids, document, input_type, inputs, mutations, refusals_shown
from tests.api.refusal_cases import CASES, NOW, Installation, bare, subscribed
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player

# Nobody can ask for it: price books come from files that operators publish.
NOT_FOR_CLIENTS = {InvalidPriceBook}
UNKNOWN = sorted((mutation, name) for mutation, name in refusals_shown() - set(CASES))
HOSTILE = {
    "NUL": "a\x00b",
    "half a surrogate pair": "a\ud800b",
    "the other half": "\udfff",
    "a control character": "a\x1b[2Jb",
    "blanks": "   ",
    "nothing": "",
    "too long": "a" * 5_000,
    "a right-to-left mark and an emoji": "\u202ea\U0001f600",
    "SQL": "'); DROP TABLE accounts; --",
    "a template": "{0} {self} %s %(x)s",
}


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.fixture(scope="module")
async def ids(operator: Api) -> Ids:
    """Ids of an account that has everything."""
    return await new_company(operator)


@pytest.mark.parametrize(("mutation", "refusal"), CASES, ids=lambda part: str(part))
async def test_a_refusal_tells_its_facts_and_writes_nothing(
    at: Installation, mutation: str, refusal: str
) -> None:
    given, expected = await CASES[mutation, refusal](at)
    before = await fingerprint(at.engine)

    answer = await at.api.post(document(mutation, everything_of(refusal)), {"input": given})

    assert answer["data"][mutation] == shown(expected)
    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize(("mutation", "refusal"), UNKNOWN)
async def test_an_id_that_names_nothing_is_refused_and_nothing_is_written(
    at: Installation, ids: Ids, mutation: str, refusal: str
) -> None:
    field = next(name for name in inputs(ids)[mutation] if named_type(mutation, name) == "ID")
    given, own = inputs(ids)[mutation], inputs(ids)[mutation][field]
    other_types = [value for name in ids.__slots__ if (value := getattr(ids, name)) != own]
    nothing = inputs(ids.of_nothing())[mutation][field]
    malformed = ["", "nonsense", own[:-1], own + "=", own.lower(), "é", "a" * 4_000, str(NOW)]
    before = await fingerprint(at.engine)

    answers = [
        (await at.api.post(document(mutation), {"input": {**given, field: wrong}}))["data"][mutation]
        for wrong in [nothing, *malformed, *other_types]
    ]

    assert {answer["__typename"] for answer in answers} == {refusal}
    assert len({answer["message"] for answer in answers}) == 1
    assert await fingerprint(at.engine) == before


def test_every_refusal_of_every_mutation_is_provoked() -> None:
    assert set(CASES) | set(UNKNOWN) == refusals_shown()
    assert all(name.startswith("Unknown") for _, name in UNKNOWN)


def test_every_refusal_of_the_rules_is_shown_by_some_mutation() -> None:
    assert shown_refusals() == set(all_refusals()) - NOT_FOR_CLIENTS


async def test_an_invite_can_be_accepted_until_the_moment_it_expires(at: Installation) -> None:
    player = await bare(at)
    invited = await player.do(
        "teammateInvite",
        "teammate { id inviteExpiresAt }",
        workspaceId=player.workspace_id,
        name="Cy",
        email="cy@example.com",
    )
    await player.go_to(NOW + timedelta(days=30) - timedelta(microseconds=1))

    accepted = await player.do(
        "seatAccept", "teammate { status }", teammateId=invited["teammate"]["id"]
    )

    assert invited["teammate"]["inviteExpiresAt"] == format_moment(NOW + timedelta(days=30))
    assert accepted["teammate"]["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"metric": "TELEGRAMS"}, "UNKNOWN_METRIC"),
        ({"metric": "MESSAGES_SENT", "channel": "POST"}, "NOT_ENTITLED"),
        ({"quantity": 0}, "BAD_QUANTITY"),
        ({"quantity": -1}, "BAD_QUANTITY"),
        ({"quantity": 1.5}, "BAD_QUANTITY"),
        ({"quantity": 1_000_000_001}, "BAD_QUANTITY"),
        ({"quantity": 1e300}, "BAD_QUANTITY"),
        ({"metric": "FIN_RESOLUTION", "conversationId": "c", "quantity": 2}, "BAD_QUANTITY"),
        ({"metric": "FIN_RESOLUTION"}, "BAD_CONVERSATION"),
        ({"conversationId": "c"}, "BAD_CONVERSATION"),
        ({"metric": "FIN_RESOLUTION", "conversationId": "a\x00b"}, "BAD_CONVERSATION"),
        ({"channel": "POST"}, "BAD_CHANNEL"),
        ({"channel": "PIGEON"}, "BAD_CHANNEL"),
        ({"at": "2026-09-10T09:00:00"}, "BAD_MOMENT"),
        ({"at": "yesterday"}, "BAD_MOMENT"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "BAD_MOMENT"),
        ({"at": (NOW + timedelta(minutes=5, microseconds=1)).isoformat()}, "IN_THE_FUTURE"),
        ({"at": (NOW - timedelta(days=35, microseconds=1)).isoformat()}, "TOO_OLD"),
        ({"at": (NOW - timedelta(microseconds=1)).isoformat()}, "NOT_ENTITLED"),
        ({"eventId": ""}, "BAD_EVENT_ID"),
        ({"eventId": "a\x00b"}, "BAD_EVENT_ID"),
        ({"eventId": "a" * 256}, "BAD_EVENT_ID"),
        ({"properties": {"a\x00": "b"}}, "BAD_PROPERTIES"),
        ({"properties": {str(number): "b" for number in range(21)}}, "BAD_PROPERTIES"),
    ],
    ids=str,
)
async def test_a_wrong_event_is_rejected_by_itself(
    at: Installation, changed: dict[str, Any], reason: str
) -> None:
    player = await subscribed(at)
    event = {"eventId": "a", "metric": "BULK_EMAIL", "quantity": 1, "at": NOW.isoformat()}
    before = await fingerprint(at.engine)

    (outcome,) = await outcomes(player, {**event, **changed})

    assert (outcome["status"], outcome["reason"]) == ("REJECTED", reason)
    assert outcome["message"]
    assert await fingerprint(at.engine) == before


async def test_events_are_taken_to_the_very_limits_of_what_is_accepted(at: Installation) -> None:
    player = await subscribed(at)
    event = {"metric": "BULK_EMAIL", "quantity": 1}
    await player.go_to(NOW + timedelta(days=35))

    found = await outcomes(
        player,
        {**event, "eventId": "oldest", "at": NOW.isoformat()},
        {**event, "eventId": "newest", "at": (player.now + timedelta(minutes=5)).isoformat()},
        {**event, "eventId": "a" * 255, "at": player.now.isoformat(), "quantity": 1_000_000_000},
    )

    assert [outcome["status"] for outcome in found] == ["ACCEPTED"] * 3


async def test_an_id_sent_again_with_other_content_is_rejected(at: Installation) -> None:
    player = await subscribed(at)
    event = {"eventId": "a", "metric": "BULK_EMAIL", "quantity": 1, "at": NOW.isoformat()}
    resolution = {"metric": "FIN_RESOLUTION", "quantity": 1, "at": NOW.isoformat(), "conversationId": "c"}
    await outcomes(player, event, {**resolution, "eventId": "r"})
    before = await fingerprint(at.engine)

    found = await outcomes(
        player,
        event,
        {**event, "quantity": 2},
        {**event, "metric": "SMS_SEGMENT"},
        {**event, "properties": {"campaign": "spring"}},
        {**resolution, "eventId": "r-2"},
    )

    assert [(outcome["status"], outcome["reason"]) for outcome in found] == [
        ("DUPLICATE", None),
        ("REJECTED", "OTHER_CONTENT"),
        ("REJECTED", "OTHER_CONTENT"),
        ("REJECTED", "OTHER_CONTENT"),
        ("REJECTED", "ALREADY_RESOLVED"),
    ]
    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize("event_id", ["e\u0301", "a\tb", " ", "'", "\u202e"])
async def test_whatever_id_was_recorded_can_be_taken_back(at: Installation, event_id: str) -> None:
    player = await subscribed(at)
    event = {"eventId": event_id, "metric": "BULK_EMAIL", "quantity": 1, "at": NOW.isoformat()}

    (outcome,) = await outcomes(player, event)
    taken_back = await player.api.do(
        "usageTakeBack", "eventId", workspaceId=player.workspace_id, eventId=event_id, reason="by mistake"
    )

    assert outcome["status"] == "ACCEPTED"
    assert taken_back == {"__typename": "UsageTakeBackPayload", "eventId": event_id}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("mutation", mutations())
async def test_no_text_in_any_field_makes_an_internal_error(
    at: Installation, ids: Ids, mutation: str, text: str
) -> None:
    given = inputs(ids)[mutation]
    before = await fingerprint(at.engine)

    for path in text_fields(input_type(mutation)):
        variables = {"input": replaced(given, path, text)}
        # Written with escapes, so that halves of surrogate pairs reach the server as they are.
        body = json.dumps({"query": document(mutation), "variables": variables})
        answer = await post_text(at.api, body)

        if text in {HOSTILE["NUL"], HOSTILE["half a surrogate pair"], HOSTILE["the other half"]}:
            assert not was_done(answer, mutation), (path, answer)
            assert await fingerprint(at.engine) == before


@pytest.mark.parametrize("text", [r"a\u0000b", r"a\ud800b", r"\udfff"])
async def test_no_text_in_a_document_makes_an_internal_error(at: Installation, text: str) -> None:
    before = await fingerprint(at.engine)
    for query in (
        f'mutation {{ accountCreate(input: {{name: "{text}"}}) {{ __typename }} }}',
        f'mutation {{ apiKeyRevoke(input: {{publicId: "{text}"}}) {{ __typename }} }}',
        f'{{ node(id: "{text}") {{ id }} }}',
        f'{{ accounts(after: "{text}") {{ edges {{ cursor }} }} }}',
    ):
        await post_text(at.api, json.dumps({"query": query}))

    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize("first", [0, -1, -(2**31), 2**31, 1.5, "10"])
@pytest.mark.parametrize(("parent", "field"), [
    ("Query", "accounts"),
    ("BillingAccount", "invoices"),
    ("BillingAccount", "payments"),
    ("Workspace", "teammates"),
])
async def test_a_page_of_no_entries_is_refused(
    at: Installation, ids: Ids, parent: str, field: str, first: object
) -> None:
    answer = await ask_page(at.api, ids, parent, field, f"first: {json.dumps(first)}")

    assert [error["extensions"]["code"] for error in answer["errors"]][0] in {
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
    }


@pytest.mark.parametrize("cursor", [
    "",
    "nonsense",
    "\u00e9",
    encode_cursor((2**40,)),
    encode_cursor((-(2**62),)),
    encode_cursor((0,)),
    encode_cursor(("a",)),
    encode_cursor((NOW, "a")),
    encode_cursor((1, 2, 3)),
    encode_cursor((datetime.min.replace(tzinfo=NOW.tzinfo), "00000000-0000-0000-0000-000000000000")),
    encode_cursor(("9999-12-31T23:59:59-14:00", "00000000-0000-0000-0000-000000000000")),
])
async def test_a_foreign_cursor_is_refused_or_leads_nowhere(
    at: Installation, ids: Ids, cursor: str
) -> None:
    for parent, field in sorted(connections()):
        answer = await ask_page(at.api, ids, parent, field, f"after: {json.dumps(cursor)}")

        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        assert codes <= {"BAD_USER_INPUT"}, answer


def test_every_connection_is_asked_for_pages() -> None:
    assert connections() == {
        ("Query", "accounts"),
        ("BillingAccount", "invoices"),
        ("BillingAccount", "payments"),
        ("Workspace", "teammates"),
    }


def all_refusals() -> Iterator[type[Refusal]]:
    """Find every refusal of the rules and the use cases."""
    for package in (domain, services):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    waiting = Refusal.__subclasses__()
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        yield found


def everything_of(refusal: str) -> str:
    """Select every field of a refusal."""
    kind = SCHEMA.type_map[refusal]
    assert isinstance(kind, GraphQLObjectType)
    return f"... on {refusal} {{ {' '.join(kind.fields)} }}"


def shown(refusal: Refusal) -> dict[str, Any]:
    """Give a refusal as GraphQL shows it."""
    facts = {camel(field.name): plain(getattr(refusal, field.name)) for field in fields(refusal)}
    return {"__typename": type(refusal).__name__, "message": refusal.message, **facts}


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_moment(value)
    return value.isoformat() if isinstance(value, date) else value


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


async def outcomes(player: Player, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Send events and give their outcomes."""
    fields = "outcomes { eventId status reason message }"
    result = await player.do(
        "usageRecord", fields, workspaceId=player.workspace_id, events=list(events)
    )
    found: list[dict[str, Any]] = result["outcomes"]
    return found


async def post_text(api: Api, body: str) -> dict[str, Any]:
    """Send a body as it is; the answer is JSON and never an internal error."""
    headers = {"authorization": f"Bearer {api.key}", "content-type": "application/json"}
    response = await api.http.post("/graphql", content=body, headers=headers)
    answer: dict[str, Any] = response.json()
    assert response.status_code in {200, 400}, answer
    assert "INTERNAL" not in {error["extensions"]["code"] for error in answer.get("errors", [])}, body
    return answer


async def ask_page(api: Api, ids: Ids, parent: str, field: str, argument: str) -> dict[str, Any]:
    """Ask for a page of a list."""
    page = f"{field}({argument}) {{ edges {{ cursor }} }}"
    queries = {
        "Query": page,
        "BillingAccount": f'account(id: "{ids.account}") {{ {page} }}',
        "Workspace": f'workspace(id: "{ids.workspace}") {{ {page} }}',
    }
    return await post_text(api, json.dumps({"query": f"{{ {queries[parent]} }}"}))


def connections() -> set[tuple[str, str]]:
    """Find the fields that give pages."""
    return {
        (name, field)
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if "first" in definition.args
    }


def was_done(answer: dict[str, Any], mutation: str) -> bool:
    """Tell whether a mutation answered with its payload, and, for usage, with an accepted event."""
    result = (answer.get("data") or {}).get(mutation) or {}
    return str(result.get("__typename", "")).endswith("Payload") and mutation != "usageRecord"


def named_type(mutation: str, field: str) -> str:
    return get_named_type(input_type(mutation).fields[field].type).name


def text_fields(kind: GraphQLInputObjectType) -> Iterator[tuple[str | int, ...]]:
    """Find the way to every text in an input, those in lists by their first entry."""
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        steps: tuple[str | int, ...] = (name, 0) if is_list_type(get_nullable_type(field.type)) else (name,)
        if isinstance(named, GraphQLInputObjectType):
            yield from ((*steps, *rest) for rest in text_fields(named))
        elif named.name in {"String", "SafeString", "ID"}:
            yield steps
        elif named.name == "Properties":
            yield (*steps, "campaign")


def replaced(given: Any, path: tuple[str | int, ...], text: str) -> Any:
    """Give an input with another text in one place."""
    if not path:
        return text
    step, *rest = path
    if isinstance(step, int):
        return [replaced(given[step], tuple(rest), text), *given[step + 1 :]]
    return {**given, step: replaced(given.get(step), tuple(rest), text)}

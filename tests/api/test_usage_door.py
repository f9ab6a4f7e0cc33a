"""`POST /usage`: a line in, a line out, in order; all the body or nothing of it; and the same judgement as GraphQL's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.node_ids import decode_node_id
from api.usage_door import whole_number
from tests.api.companies import NOW, key_of, new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import Ids, moved, nothing_like
from tests.application import Api

NDJSON = "application/x-ndjson"
EVENT: dict[str, Any] = {
    "eventId": "a",
    "metric": "BULK_EMAIL",
    "quantity": 1,
    "at": NOW.isoformat(),
}
METRICS: dict[str, dict[str, Any]] = {
    "MESSAGES_SENT": {"channel": "MOBILE_PUSH"},
    "BULK_EMAIL": {"properties": {"campaign": "spring"}},
    "SMS_SEGMENT": {"at": "2026-09-10T09:00:00Z"},
    "WHATSAPP_SENT": {"at": "2026-09-10T11:00:00+02:00"},
    "PHONE_MINUTE": {"quantity": 155},
    "FIN_RESOLUTION": {"conversationId": "c"},
}
TOTALS = "query ($id: ID!) { workspace(id: $id) { usage { metrics { metric total cost { amount } } } } }"


@pytest.fixture
async def ours(operator: Api) -> Ids:
    """Ids of a fresh account."""
    return await new_company(operator)


@pytest.fixture
async def caller(operator: Api, ours: Ids) -> Api:
    """A client with a key of that account."""
    return await key_of(operator, ours.account)


async def test_each_line_gets_its_outcome_in_order(caller: Api, ours: Ids) -> None:
    events = [
        EVENT,
        {**EVENT, "eventId": "b", "metric": "MESSAGES_SENT", "channel": "SURVEY", "quantity": 700},
        EVENT,
        {**EVENT, "quantity": 2},
        {**EVENT, "eventId": "c", "metric": "PHONE_MINUTE", "quantity": 61.0, "properties": {"desk": "1"}},
        {**EVENT, "eventId": "d", "metric": "PIGEON"},
    ]

    response = await post(caller, ours.workspace, lines(*events))

    assert (response.status_code, response.headers["content-type"]) == (200, NDJSON)
    assert [(each["eventId"], each["status"], each.get("reason")) for each in outcomes(response)] == [
        ("a", "ACCEPTED", None),
        ("b", "ACCEPTED", None),
        ("a", "DUPLICATE", None),
        ("a", "REJECTED", "OTHER_CONTENT"),
        ("c", "ACCEPTED", None),
        ("d", "REJECTED", "UNKNOWN_METRIC"),
    ]
    assert all(each["message"] for each in outcomes(response) if each["status"] == "REJECTED")


async def test_what_comes_in_by_this_door_is_counted(caller: Api, ours: Ids) -> None:
    before = await totals(caller, ours)

    await post(
        caller, ours.workspace, lines(*({**EVENT, "eventId": f"e{n}", "quantity": 100} for n in range(7)))
    )

    after = await totals(caller, ours)
    assert (before["BULK_EMAIL"], after["BULK_EMAIL"]) == ((0, "0.00"), (700, "26.00"))
    assert {**after, "BULK_EMAIL": before["BULK_EMAIL"]} == before


async def test_both_doors_judge_the_same_events_alike(operator: Api) -> None:
    first, second = await new_company(operator), await new_company(operator)
    events = mixed_events()

    by_door = outcomes(await post(operator, first.workspace, lines(*events)))
    by_graphql = await by_mutation(operator, second, events)

    assert by_door == by_graphql
    assert {each["status"] for each in by_door} == {"ACCEPTED", "DUPLICATE", "REJECTED"}
    assert await totals(operator, first) == await totals(operator, second)


@pytest.mark.parametrize("doors", [("door", "mutation"), ("mutation", "door")])
async def test_what_came_in_by_one_door_is_a_duplicate_at_the_other(
    caller: Api, engine: AsyncEngine, ours: Ids, doors: tuple[str, str]
) -> None:
    events = mixed_events()[: len(METRICS)]
    send = {"door": by_door_of, "mutation": by_mutation}
    await send[doors[0]](caller, ours, events)
    before = await fingerprint(engine)

    again = await send[doors[1]](caller, ours, events)

    assert {each["status"] for each in again} == {"DUPLICATE"}
    assert await fingerprint(engine) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n  \n",
        b"not JSON",
        b"[]",
        b"null",
        b'{"eventId": "x"}',
        b'{"eventId": "x", "metric": "BULK_EMAIL", "quantity": "1", "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": "x", "metric": "BULK_EMAIL", "quantity": true, "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": 1, "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": "x", "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T09:00:00Z", "price": 0}',
        b'{"eventId": "x", "metric": "BULK_EMAIL", "quantity": NaN, "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": "x", "metric": "BULK_EMAIL", "quantity": 1e999, "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": "\\ud800", "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T09:00:00Z"}',
        b'{"eventId": "\xff\xfe", "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T09:00:00Z"}',
        b"[" * 100_000,
    ],
    ids=lambda body: body[:50].decode(errors="replace"),
)
async def test_a_bad_line_refuses_the_whole_body(
    caller: Api, engine: AsyncEngine, ours: Ids, body: bytes
) -> None:
    good = lines(EVENT)
    before = await fingerprint(engine)

    response = await post(caller, ours.workspace, good + body if body.strip() else body)

    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert not body.strip() or "Line 2" in response.json()["errors"][0]["message"]
    assert await fingerprint(engine) == before


@pytest.mark.parametrize("text", ["a\x00b", "", " " * 256])
async def test_an_id_the_store_cannot_keep_rejects_its_event_only(caller: Api, ours: Ids, text: str) -> None:
    response = await post(caller, ours.workspace, lines({**EVENT, "eventId": text}, EVENT))

    assert [each["status"] for each in outcomes(response)] == ["REJECTED", "ACCEPTED"]


async def test_a_batch_holds_a_thousand_events_and_no_more(
    caller: Api, engine: AsyncEngine, ours: Ids
) -> None:
    events = [{**EVENT, "eventId": f"event-{number}"} for number in range(1_001)]
    before = await fingerprint(engine)

    refused = await post(caller, ours.workspace, lines(*events))
    after = await fingerprint(engine)
    taken = await post(caller, ours.workspace, lines(*events[1:]))

    assert (refused.status_code, code(refused)) == (413, "TOO_LARGE")
    assert after == before
    assert [each["status"] for each in outcomes(taken)] == ["ACCEPTED"] * 1_000


async def test_a_body_too_large_is_refused(caller: Api, engine: AsyncEngine, ours: Ids) -> None:
    before = await fingerprint(engine)

    response = await post(caller, ours.workspace, b" " * (4 * 1024 * 1024 + 1))

    assert (response.status_code, code(response)) == (413, "TOO_LARGE")
    assert await fingerprint(engine) == before


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/x-ndjson2"])
async def test_another_content_type_is_refused(
    caller: Api, engine: AsyncEngine, ours: Ids, content_type: str
) -> None:
    before = await fingerprint(engine)

    response = await post(caller, ours.workspace, lines(EVENT), content_type=content_type)

    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await fingerprint(engine) == before


async def test_a_charset_beside_the_content_type_does_no_harm(caller: Api, ours: Ids) -> None:
    response = await post(
        caller, ours.workspace, lines(EVENT), content_type="Application/X-NDJSON; charset=utf-8"
    )

    assert response.status_code == 200


async def test_a_workspace_of_another_account_looks_like_none(
    operator: Api, caller: Api, engine: AsyncEngine, ours: Ids
) -> None:
    theirs = await new_company(operator)
    account = decode_node_id(ours.account)
    assert account is not None
    assert account.account_id is not None
    before = await fingerprint(engine)

    answers = [
        await post(caller, workspace, lines(EVENT))
        for workspace in (
            theirs.workspace,
            moved(theirs.workspace, account.account_id),
            nothing_like(ours.workspace),
        )
    ]
    by_operator = await post(operator, nothing_like(ours.workspace), lines(EVENT))

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in [*answers, by_operator]}) == 1
    assert await fingerprint(engine) == before


async def test_the_workspace_has_to_be_named(caller: Api, ours: Ids) -> None:
    statuses = [
        (await post(caller, wrong, lines(EVENT))).status_code
        for wrong in ("", "nonsense", ours.account, ours.teammate, ours.workspace[:-1], "a\x00b")
    ]

    assert statuses == [404] * 6


@pytest.mark.parametrize("key", ["", "pr_000000000000_wrong"])
async def test_nobody_gets_in_without_a_key(caller: Api, ours: Ids, key: str) -> None:
    response = await post(caller.with_key(key), ours.workspace, lines(EVENT))

    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")


async def test_only_post_is_taken(caller: Api, ours: Ids) -> None:
    response = await caller.http.get("/usage", params={"workspace": ours.workspace})

    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")


def mixed_events() -> list[dict[str, Any]]:
    """Good events of every metric, some twice, and one of each that is wrong in its own way."""
    found = [
        {**EVENT, "eventId": f"good-{metric}", "metric": metric, **more} for metric, more in METRICS.items()
    ]
    wrong: tuple[dict[str, Any], ...] = (
        {"metric": "PIGEON"},
        {"quantity": 0},
        {"quantity": 1.5},
        {"quantity": 1e300},
        {"channel": "POST"},
        {"conversationId": "c"},
        {"metric": "FIN_RESOLUTION", "conversationId": "c"},
        {"at": "today"},
        {"at": (NOW + timedelta(days=1)).isoformat()},
        {"at": (NOW - timedelta(days=36)).isoformat()},
        {"at": (NOW - timedelta(days=1)).isoformat()},
        {"eventId": "good-SMS_SEGMENT", "metric": "SMS_SEGMENT", "quantity": 9},
    )
    found += [{**EVENT, "eventId": f"wrong-{number}", **more} for number, more in enumerate(wrong)]
    return [*found, *found[:3]]


async def by_door_of(api: Api, ids: Ids, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send events by this door."""
    return outcomes(await post(api, ids.workspace, lines(*events)))


async def by_mutation(api: Api, ids: Ids, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send events by GraphQL."""
    fields = "outcomes { eventId status reason message }"
    result = await api.do("usageRecord", fields, workspaceId=ids.workspace, events=events)
    return [{name: value for name, value in each.items() if value is not None} for each in result["outcomes"]]


async def totals(api: Api, ids: Ids) -> dict[str, tuple[int, str]]:
    """Give what the usage page says of each metric."""
    usage = (await api.ask(TOTALS, id=ids.workspace))["workspace"]["usage"]
    return {each["metric"]: (each["total"], each["cost"]["amount"]) for each in usage["metrics"]}


async def post(api: Api, workspace: str, body: bytes, *, content_type: str = NDJSON) -> httpx.Response:
    """Send a body."""
    headers = {"authorization": f"Bearer {api.key}", "content-type": content_type}
    response = await api.http.post("/usage", params={"workspace": workspace}, content=body, headers=headers)
    assert response.status_code < 500, response.text
    return response


def lines(*events: dict[str, Any]) -> bytes:
    """Write one event a line."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def outcomes(response: httpx.Response) -> list[dict[str, Any]]:
    """Read one outcome a line."""
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def code(response: httpx.Response) -> str:
    """Give the code of the answer's error."""
    (error,) = response.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    ("number", "whole"),
    [(3, 3), (3.0, 3), (-2, -2), (10**30, 10**30), (0.5, None), (float("nan"), None), (float("inf"), None)],
)
def test_a_json_number_is_read_as_a_whole_one_or_as_none(number: float, whole: int | None) -> None:
    assert whole_number(number) == whole

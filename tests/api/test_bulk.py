"""Events that go past GraphQL's reading are answered, and refused, as those that do not."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api import bulk
from tests.application import Api

Sessions = async_sessionmaker[AsyncSession]
FIELDS = "__typename ... on UsageRecordPayload { accepted duplicates rejected outcomes { eventId status reason message } }"
RECORD = f"mutation ($input: UsageRecordInput!) {{ usageRecord(input: $input) {{ {FIELDS} }} }}"
TWICE = f"""mutation ($input: UsageRecordInput!) {{
    one: usageRecord(input: $input) {{ {FIELDS} }}
    two: usageRecord(input: $input) {{ {FIELDS} }}
}}"""
NAMED = f"""query Other {{ __typename }}
    mutation Mine($input: UsageRecordInput!) {{ usageRecord(input: $input) {{ {FIELDS} }} }}"""
UNUSED = (
    'mutation ($input: UsageRecordInput!) { apiKeyRevoke(input: {publicId: "usageRecord"}) { __typename } }'
)
OF_ANOTHER_TYPE = f"mutation ($input: UsageTakeBackInput!) {{ usageRecord(input: $input) {{ {FIELDS} }} }}"
WITHOUT_SUCH_FIELD = "mutation ($input: UsageRecordInput!) { usageRecord(input: $input) { nothing } }"

GOOD = {"eventId": "e-1", "metric": "BULK_EMAIL", "quantity": 3, "at": "SOON"}
BATCHES: dict[str, Any] = {
    "none": [],
    "one": [GOOD],
    "one alone": GOOD,
    "repeats": [GOOD, GOOD, GOOD | {"quantity": 4}],
    "nulls": [GOOD | {"channel": None, "conversationId": None, "properties": None}],
    "properties": [GOOD | {"properties": {"campaign": "été", "x": ""}}],
    "of a bad form": [
        GOOD | wrong for wrong in ({"eventId": ""}, {"metric": "X"}, {"quantity": 0.5}, {"at": "now"})
    ],
    "a huge quantity": [GOOD | {"quantity": 10**30}, GOOD | {"quantity": 1e300}],
    "quantity true": [GOOD, GOOD | {"quantity": True}],
    "quantity text": [GOOD | {"quantity": "3"}],
    "a number for an id": [GOOD | {"eventId": 7}],
    "null for an id": [GOOD, GOOD | {"eventId": None}],
    "no metric": [{name: value for name, value in GOOD.items() if name != "metric"}],
    "an unknown field": [GOOD | {"color": "red"}],
    "properties of numbers": [GOOD | {"properties": {"x": 1}}],
    "a null event": [None],
    "no list": "e-1",
    "too many": [GOOD | {"eventId": f"m-{number}"} for number in range(1001)],
}
DOCUMENTS = {
    "plain": (RECORD, None),
    "twice": (TWICE, None),
    "named": (NAMED, "Mine"),
    "of another name": (NAMED, "Nobody"),
    "another operation": (NAMED, "Other"),
    "unused": (UNUSED, None),
    "of another type": (OF_ANOTHER_TYPE, None),
    "without such a field": (WITHOUT_SUCH_FIELD, None),
    "no GraphQL": ("mutation usageRecord {", None),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desks(operator: Api) -> tuple[str, str]:
    """Two workspaces of companies that are alike."""
    made = []
    for _ in range(2):
        account = await operator.do("accountCreate", "account { id }", name="Acme")
        account_id = account["account"]["id"]
        desk = await operator.do(
            "workspaceCreate",
            "workspace { id }",
            accountId=account_id,
            name="Desk",
            creatorName="Ada",
            creatorEmail="ada@acme.test",
        )
        await operator.do("subscriptionStart", "subscription { id }", accountId=account_id, plan="EXPERT")
        made.append(desk["workspace"]["id"])
    return made[0], made[1]


async def _both(
    operator: Api,
    monkeypatch: pytest.MonkeyPatch,
    desks: tuple[str, str],
    query: str,
    name: str | None,
    **given: Any,
) -> list[str]:
    """Send a request both ways, each to a workspace of its own; give the answers' texts, but for what names it."""
    # After the subscription began, and no further ahead than is taken.
    soon = f"{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    told = []
    for desk, smallest in zip(desks, (0, 10**9), strict=True):
        monkeypatch.setattr(bulk, "SMALLEST", smallest)
        asked = {
            "query": query,
            "operationName": name,
            "variables": {"input": {"workspaceId": desk, **given}},
        }
        response = await operator.http.post(
            "/graphql",
            content=json.dumps(asked).replace("SOON", soon),
            headers={"authorization": f"Bearer {operator.key}", "content-type": "application/json"},
        )
        # What the caller has left differs from one request to the next.
        answer = re.sub(r'"available":\d+', '"available":0', response.text.replace(desk, "DESK"))
        told.append(f"{response.status_code} {answer}")
    return told


@pytest.mark.parametrize("batch", BATCHES)
async def test_whatever_is_sent_is_answered_alike(
    operator: Api, monkeypatch: pytest.MonkeyPatch, desks: tuple[str, str], batch: str
) -> None:
    quick, ordinary = await _both(operator, monkeypatch, desks, RECORD, None, events=BATCHES[batch])

    assert quick == ordinary


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_whatever_is_asked_is_answered_alike(
    operator: Api, monkeypatch: pytest.MonkeyPatch, desks: tuple[str, str], document: str
) -> None:
    query, name = DOCUMENTS[document]
    events = [GOOD | {"eventId": f"{document}-{number}"} for number in range(3)]

    quick, ordinary = await _both(operator, monkeypatch, desks, query, name, events=events)

    assert quick == ordinary


async def test_a_random_batch_is_stored_alike(
    operator: Api, monkeypatch: pytest.MonkeyPatch, desks: tuple[str, str], sessions: Sessions
) -> None:
    chance = random.Random(7)
    for _ in range(6):
        events = [_event(chance) for _ in range(chance.randint(1, 300))]
        quick, ordinary = await _both(operator, monkeypatch, desks, RECORD, None, events=events)
        assert quick == ordinary

    query = text(
        "SELECT event_id, metric, quantity, units, at, channel, conversation_id, properties, fingerprint"
        " FROM usage_events JOIN accounts USING (account_id) WHERE workspace_id = :desk ORDER BY event_id"
    )
    async with sessions() as session:
        ids = list(await session.scalars(text("SELECT id FROM workspaces ORDER BY id")))
        first, second = [(await session.execute(query, {"desk": desk})).all() for desk in ids]
    assert len(first) > 100
    assert first == second


def test_a_large_batch_goes_past_under_a_word_that_opens_nothing_later() -> None:
    events = [GOOD | {"eventId": f"large-{number}"} for number in range(100)]
    body = json.dumps({"query": RECORD, "variables": {"input": {"workspaceId": "desk", "events": events}}})

    with bulk.packed(body.encode()) as operation:
        assert operation is not None
        assert operation.variables is not None
        (stand_in,) = operation.variables["input"]["events"]
        found = bulk.unpacked(stand_in["eventId"])
        assert bulk.unpacked("large-1") is None

    assert found is not None
    assert [event.event_id for event in found] == [event["eventId"] for event in events]
    assert bulk.unpacked(stand_in["eventId"]) is None


def _event(chance: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = GOOD | {
        "eventId": f"r-{chance.randrange(400)}",
        "quantity": chance.choice((1, 1.0, 2, 90)),
    }
    match chance.randrange(5):
        case 0:
            event |= {"metric": "FIN_RESOLUTION", "quantity": 1, "conversationId": f"c{chance.randrange(50)}"}
        case 1:
            event |= {"metric": "PHONE_MINUTE", "properties": {"to": chance.choice(("+353", "\u00e9\u2028"))}}
        case 2:
            event |= {"metric": "MESSAGES_SENT", "channel": chance.choice(("POST", "SURVEY", "FAX"))}
    return event

"""What is wrong with one usage event rejects that event only, at the very limits of what is accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.fingerprints import fingerprint
from tests.api.refusal_cases import NOW, Installation, subscribed
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player

# Nobody can ask for it: price books come from files that operators publish.


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


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


async def outcomes(player: Player, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Send events and give their outcomes."""
    fields = "outcomes { eventId status reason message }"
    result = await player.do("usageRecord", fields, workspaceId=player.workspace_id, events=list(events))
    found: list[dict[str, Any]] = result["outcomes"]
    return found

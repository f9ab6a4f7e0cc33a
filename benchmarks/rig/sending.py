"""Batches of usage events in each form they are sent in, all of the same content but for their ids, which are random.

A batch is of one workspace and of the last two days, as a product's backend sends them; five events in a hundred are
resolutions, each of a conversation of its own.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from api.node_ids import NodeRef, encode_node_id
from domain.events import SentEvent, units
from domain.pricebook import Channel, Metric

SIZE = 1000
SHARES = {
    Metric.MESSAGES_SENT: 30,
    Metric.BULK_EMAIL: 40,
    Metric.SMS_SEGMENT: 10,
    Metric.WHATSAPP_SENT: 8,
    Metric.PHONE_MINUTE: 7,
    Metric.FIN_RESOLUTION: 5,
}
MUTATION = """
    mutation Record($input: UsageRecordInput!) {
      usageRecord(input: $input) {
        ... on UsageRecordPayload { accepted duplicates rejected %s }
        ... on UserError { message }
      }
    }"""
OUTCOMES = "outcomes { eventId status reason message }"
_SLOT = "0" * 32
_NAMES = {"event_id": "eventId", "conversation_id": "conversationId"}


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace that sends."""

    account_id: UUID
    workspace_id: UUID

    @property
    def node(self) -> str:
        """Its global id."""
        return encode_node_id(NodeRef("Workspace", self.account_id, str(self.workspace_id)))


class Sender:
    """Makes batches; only ids differ between them, so that making one is cheap."""

    def __init__(self, *, now: datetime) -> None:
        chance = random.Random(2026)
        metrics = chance.choices(list(SHARES), weights=list(SHARES.values()), k=SIZE)
        self.now = now
        self.events = [_event(metric, chance, now) for metric in metrics]
        texts = list(map(_json, self.events))
        self._lines, self._list = b"\n".join(texts), b"[" + b",".join(texts) + b"]"

    def graphql(self, place: Place, *, fields: str) -> bytes:
        """Give the body of a GraphQL request, asking for some more fields of the payload."""
        head = orjson.dumps({"query": MUTATION % fields})
        content = b'{"workspaceId":"%b","events":%b}' % (place.node.encode(), _filled(self._list))
        return head[:-1] + b',"variables":{"input":' + content + b"}}"

    def ndjson(self) -> bytes:
        """Give the body of a request to the usage door."""
        return _filled(self._lines)

    def sent(self) -> list[SentEvent]:
        """Give the events as the use case takes them."""
        return [
            replace(event, event_id=name, conversation_id=event.conversation_id and name)
            for event, name in zip(self.events, _ids(), strict=True)
        ]

    def rows(self, place: Place) -> list[tuple[object, ...]]:
        """Give the rows the store ends up with, in the order of the table's columns."""
        rows: list[tuple[object, ...]] = []
        for event in self.sent():
            at, quantity = datetime.fromisoformat(event.at), event.quantity or 0
            counted = units(Metric(event.metric), quantity)
            key = (place.account_id, place.workspace_id, event.event_id)
            said = (event.metric, quantity, counted, at, at.date(), event.channel, event.conversation_id)
            rows.append((*key, *said, None, os.urandom(16), self.now, self.now))
        return rows


def _event(metric: Metric, chance: random.Random, now: datetime) -> SentEvent:
    at = now - timedelta(seconds=chance.randrange(1, 48 * 3600))
    return SentEvent(
        event_id=_SLOT,
        metric=metric.value,
        quantity=1 if metric is Metric.FIN_RESOLUTION else chance.randint(1, 300),
        at=at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        channel=chance.choice(list(Channel)).value if metric is Metric.MESSAGES_SENT else None,
        conversation_id=_SLOT if metric is Metric.FIN_RESOLUTION else None,
    )


def _json(event: SentEvent) -> bytes:
    said = orjson.loads(orjson.dumps(event))
    return orjson.dumps({_NAMES.get(name, name): value for name, value in said.items() if value is not None})


def _ids(count: int = SIZE) -> list[str]:
    digits = os.urandom(16 * count).hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


def _filled(text: bytes) -> bytes:
    """Put a new id in each empty slot."""
    first, *rest = text.split(_SLOT.encode())
    parts = [first]
    for name, part in zip(_ids(len(rest)), rest, strict=True):
        parts += (name.encode(), part)
    return b"".join(parts)

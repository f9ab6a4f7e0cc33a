"""Usage events made up for a story: random, but the same at every play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

CHANNELS: Final = ("POST", "MOBILE_PUSH", "PRODUCT_TOUR", "MOBILE_CAROUSEL", "SURVEY")

SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "MESSAGES_SENT": (1, 3),
    "BULK_EMAIL": (40, 400),
    "SMS_SEGMENT": (1, 3),
    "WHATSAPP_SENT": (1, 2),
    "PHONE_MINUTE": (20, 1_500),  # a call's seconds
    "FIN_RESOLUTION": (1, 1),
}
"""The least and the most quantity of one event."""


def events(
    counts: Mapping[str, int], *, name: str, since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    """Make events of each metric between two moments; the fields are those of `UsageEventInput`."""
    dice = Random(name)
    seconds = int((until - since).total_seconds())
    for metric, count in counts.items():
        for number in range(1, count + 1):
            at = datetime.fromtimestamp(int(since.timestamp()) + dice.randrange(seconds), UTC)
            event: dict[str, Any] = {
                "eventId": f"{name}:{metric}:{number}",
                "metric": metric,
                "quantity": dice.randint(*SIZES[metric]),
                "at": at.isoformat(),
            }
            if metric == "MESSAGES_SENT":
                event["channel"] = dice.choice(CHANNELS)
            if metric == "FIN_RESOLUTION":
                event["conversationId"] = f"conversation-{name}-{number}"
            yield event

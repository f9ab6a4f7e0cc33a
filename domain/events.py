"""Usage events (section 9): what one counts for, and which are turned away and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.calendar import opening
from domain.phases import Phase, ends_at
from domain.pricebook import Channel, Metric, PriceBook
from domain.refusal import Refusal

LATENESS = timedelta(days=35)
EARLINESS = timedelta(minutes=5)
LARGEST_QUANTITY = 10**9
LONGEST_ID = 255
MOST_PROPERTIES = 20
SECONDS_PER_MINUTE = 60

# What is looked up for every event sent, made once.
_METRICS = dict(Metric.__members__)
_CHANNELS = dict(Channel.__members__)
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Rejection(StrEnum):
    """Why an event was not recorded."""

    UNKNOWN_METRIC = "UNKNOWN_METRIC"
    BAD_QUANTITY = "BAD_QUANTITY"
    BAD_MOMENT = "BAD_MOMENT"
    BAD_EVENT_ID = "BAD_EVENT_ID"
    BAD_CHANNEL = "BAD_CHANNEL"
    BAD_CONVERSATION = "BAD_CONVERSATION"
    BAD_PROPERTIES = "BAD_PROPERTIES"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    TOO_OLD = "TOO_OLD"
    NOT_ENTITLED = "NOT_ENTITLED"
    OTHER_CONTENT = "OTHER_CONTENT"
    ALREADY_RESOLVED = "ALREADY_RESOLVED"


ADVICE: Mapping[Rejection, str] = {
    Rejection.UNKNOWN_METRIC: f"Unknown metric; use one of {', '.join(Metric)}.",
    Rejection.BAD_QUANTITY: f"The quantity is a whole number from 1 to {LARGEST_QUANTITY:,}; a Fin resolution's is 1.",
    Rejection.BAD_MOMENT: "The moment needs a date, a time and a zone, such as 2026-09-28T10:00:00Z.",
    Rejection.BAD_EVENT_ID: f"The event id has 1 to {LONGEST_ID} characters, none of them NUL.",
    Rejection.BAD_CHANNEL: f"Messages Sent, and only it, carries a channel: {', '.join(Channel)}.",
    Rejection.BAD_CONVERSATION: f"A Fin resolution, and only it, carries a conversation id of 1 to {LONGEST_ID} characters.",
    Rejection.BAD_PROPERTIES: "Properties are at most 20 pairs of names and short texts without NUL.",
    Rejection.IN_THE_FUTURE: "The moment is more than 5 minutes ahead; check the sender's clock.",
    Rejection.TOO_OLD: "The moment is more than 35 days ago, the accepted lateness.",
    Rejection.NOT_ENTITLED: "The account had no subscription, or no Proactive Support Plus for a message, at that moment.",
    Rejection.OTHER_CONTENT: "An event with this id and other content is recorded; send a new id.",
    Rejection.ALREADY_RESOLVED: "The conversation has a standing resolution; take that back first.",
}


@dataclass(eq=False)
class UnknownEvent(Refusal):
    """No event of the workspace has the id."""

    template = "No usage event {event_id!r} is recorded in this workspace."
    event_id: str


@dataclass(eq=False)
class AlreadyTakenBack(Refusal):
    """An event is taken back once."""

    template = "The usage event {event_id!r} was taken back already."
    event_id: str


@dataclass(eq=False)
class BatchTooLarge(Refusal):
    """More events in one call than are taken."""

    template = "{sent:,} events in one call; send at most {limit:,}."
    sent: int
    limit: int


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """A usage event as sent; quantity is seconds for a call."""

    event_id: str
    metric: Metric
    quantity: int
    at: datetime
    channel: Channel | None = None
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event before anything about it is believed: texts as the sender wrote them; None for no whole number."""

    event_id: str
    metric: str
    quantity: int | None
    at: str
    channel: str | None = None
    conversation_id: str | None = None
    properties: Mapping[str, str] | None = None


Spans = tuple[tuple[datetime, datetime | None], ...]


@dataclass(frozen=True, slots=True)
class Access:
    """When the account may use metered channels: moments `[start, end)` of the subscription and of its add-on."""

    subscribed: Spans
    psp: Spans


def access(found: Iterable[Phase], zone: ZoneInfo) -> Access:
    """Work out from a subscription's phases when it and Proactive Support Plus give access."""
    subscribed, psp = [], []
    for phase in found:
        end = ends_at(phase, zone) if phase.end else None
        subscribed.append((phase.opened[0], end))
        for span in phase.psp:
            until = opening(span.until, zone) if span.until else None
            psp.append((span.added[0], _earlier(until, end)))
    return Access(tuple(subscribed), tuple(psp))


def within(allowed: Access, *, since: datetime | None, until: datetime | None) -> Access:
    """Cut access to the time in which the account holds a workspace (section 1)."""
    if since is None and until is None:
        return allowed

    def cut(spans: Spans) -> Spans:
        return tuple((max(start, since or start), _earlier(end, until)) for start, end in spans)

    return Access(cut(allowed.subscribed), cut(allowed.psp))


def well_formed(sent: SentEvent) -> UsageEvent | Rejection:
    """Read an event as sent, or say what is wrong with its form (section 9)."""
    fault = next(_faults_of_form(sent), None)
    if fault:
        return fault
    at = _moment(sent.at)
    if at is None:
        return Rejection.BAD_MOMENT
    return UsageEvent(
        event_id=sent.event_id,
        metric=_METRICS[sent.metric],
        quantity=sent.quantity or 0,
        at=at,
        channel=_CHANNELS[sent.channel] if sent.channel is not None else None,
        conversation_id=sent.conversation_id,
    )


def judge(event: UsageEvent, *, book: PriceBook, allowed: Access, now: datetime) -> Rejection | None:
    """Decide whether a well-formed event is recorded (section 9); None when it is."""
    return next(_faults(event, book=book, allowed=allowed, now=now), None)


def is_name(text: str) -> bool:
    """Tell whether a text can be an event's id or a conversation's: of a length that is kept, and storable."""
    return 1 <= len(text) <= LONGEST_ID and _is_storable(text)


def units(metric: Metric, quantity: int) -> int:
    """Give what an event counts for: a call's seconds are whole minutes, rounded up (section 3)."""
    return -(-quantity // SECONDS_PER_MINUTE) if metric is Metric.PHONE_MINUTE else quantity


def _faults_of_form(sent: SentEvent) -> Iterator[Rejection]:
    if not is_name(sent.event_id):
        yield Rejection.BAD_EVENT_ID
    if sent.metric not in _METRICS:
        yield Rejection.UNKNOWN_METRIC
    if not 1 <= (sent.quantity or 0) <= LARGEST_QUANTITY:
        yield Rejection.BAD_QUANTITY
    if sent.channel is not None and sent.channel not in _CHANNELS:
        yield Rejection.BAD_CHANNEL
    if sent.conversation_id is not None and not is_name(sent.conversation_id):
        yield Rejection.BAD_CONVERSATION
    if sent.properties and not _are_properties(sent.properties):
        yield Rejection.BAD_PROPERTIES


def _faults(event: UsageEvent, *, book: PriceBook, allowed: Access, now: datetime) -> Iterator[Rejection]:
    is_message, is_resolution = event.metric is Metric.MESSAGES_SENT, event.metric is Metric.FIN_RESOLUTION
    if is_resolution and event.quantity != 1:
        yield Rejection.BAD_QUANTITY
    if (event.channel is not None) is not is_message:
        yield Rejection.BAD_CHANNEL
    if (event.conversation_id is not None) is not is_resolution:
        yield Rejection.BAD_CONVERSATION
    if event.at > now + EARLINESS:
        yield Rejection.IN_THE_FUTURE
    if event.at < now - LATENESS:
        yield Rejection.TOO_OLD
    if not _is_entitled(event, book=book, allowed=allowed):
        yield Rejection.NOT_ENTITLED


def _is_entitled(event: UsageEvent, *, book: PriceBook, allowed: Access) -> bool:
    spans = allowed.psp if book.metrics[event.metric].needs_psp else allowed.subscribed
    return any(start <= event.at and (end is None or event.at < end) for start, end in spans)


def _is_storable(text: str) -> bool:
    """Tell whether the store takes the text: no NUL and no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not _HALF_PAIR.search(text))


def _are_properties(properties: Mapping[str, str]) -> bool:
    return len(properties) <= MOST_PROPERTIES and all(
        is_name(name) and len(value) <= LONGEST_ID and _is_storable(value)
        for name, value in properties.items()
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is UTC:
        return moment
    try:
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def _earlier(first: datetime | None, second: datetime | None) -> datetime | None:
    if first is None or second is None:
        return first or second
    return min(first, second)

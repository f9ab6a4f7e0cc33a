"""Usage events (section 9): in, each with an outcome, and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from adapters import metrics
from api.bulk import unpacked
from api.changes import Change, alone, make, token_field
from api.context import Info
from api.enums import EventStatus, Rejection
from api.errors import bad_user_input
from api.idempotency import content, key_field
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.usage_door import whole_number
from domain.events import (
    AlreadyTakenBack,
    BatchTooLarge,
    SentEvent,
    UnknownEvent,
)
from services import usage
from services.accounts import read_account
from services.changes import PriceChanged
from services.usage import Outcome
from services.workspaces import UnknownWorkspace

Quantity = NewType("Quantity", float)
"""A JSON number as it came; what is no whole number is refused with its event."""
Properties = NewType("Properties", Mapping[str, str])


@strawberry.input(description="A usage event. Whatever is wrong with one event rejects that event only.")
class UsageEventInput:
    """A usage event as sent."""

    event_id: str = strawberry.field(description="The sender's own id, unique in the workspace for ever.")
    metric: str = strawberry.field(description="A metric's name, such as BULK_EMAIL.")
    quantity: Quantity = strawberry.field(
        description="A whole number from 1; seconds for a call; 1 for a resolution."
    )
    at: str = strawberry.field(description="The moment, with its zone: 2026-09-28T10:00:00Z.")
    channel: str | None = strawberry.field(default=None, description="The channel of a message sent.")
    conversation_id: str | None = strawberry.field(
        default=None, description="The conversation of a Fin resolution."
    )
    properties: Properties | None = strawberry.field(
        default=None, description="Up to 20 names with short texts, kept with the event."
    )


@strawberry.input(description="Events of one workspace.")
class UsageRecordInput:
    """Input of usageRecord."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    events: list[UsageEventInput] = strawberry.field(description="From 1 to 1,000 events.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The outcome of one event.")
class UsageEventOutcome:
    """What became of an event."""

    event_id: str = strawberry.field(description="The event's id.")
    status: EventStatus = strawberry.field(description="What became of it.")
    reason: Rejection | None = strawberry.field(description="Why it was rejected.")
    message: str | None = strawberry.field(description="Why it was rejected and what to do, in a sentence.")


@strawberry.type(description="The outcome of each event.")
class UsageRecordPayload:
    """Payload of usageRecord."""

    accepted: int = strawberry.field(description="Events recorded now.")
    duplicates: int = strawberry.field(description="Events that were recorded before; they count once.")
    rejected: int = strawberry.field(description="Events not recorded.")
    of_each: strawberry.Private[list[Outcome]]

    @strawberry.field(description="One outcome for each event, in order.")
    def outcomes(self) -> list[UsageEventOutcome]:
        """Show the outcomes: most senders ask for the numbers alone, and a batch has a thousand."""
        return [
            UsageEventOutcome(
                event_id=outcome.event_id,
                status=outcome.status,
                reason=outcome.reason,
                message=outcome.message,
            )
            for outcome in self.of_each
        ]


@strawberry.input(description="An event to undo.")
class UsageTakeBackInput:
    """Input of usageTakeBack."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    event_id: str = strawberry.field(description="The sender's id of the event.")
    reason: SafeString = strawberry.field(description="Why it is taken back.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The event undone.")
class UsageTakeBackPayload:
    """Payload of usageTakeBack."""

    event_id: str = strawberry.field(description="The event's id.")


def parse_quantity(value: object) -> Quantity:
    """Take any JSON number: whether it is a quantity is decided event by event."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_user_input("A quantity is a JSON number.")
    return Quantity(value)


def parse_properties(value: object) -> Properties:
    """Take an object of texts: whether they are kept is decided event by event."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise bad_user_input('Properties are an object of texts: {"campaign": "spring"}.')
    return Properties(value)


EVENT_SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    Quantity: strawberry.scalar(
        name="Quantity",
        description="A number of units, or of seconds for a call.",
        parse_value=parse_quantity,
    ),
    Properties: strawberry.scalar(
        name="Properties", description="An object of texts.", parse_value=parse_properties
    ),
}


@content.register
def _(given: UsageRecordInput) -> object:
    """Give the events as they were sent, also where a large batch went past GraphQL."""
    return given.workspace_id, _all_sent(given.events)


def usage_record_change(info: Info, input: UsageRecordInput) -> Change:
    """Plan to record usage events."""
    account_id, workspace_id = must_reach(info, input.workspace_id, "Workspace", UnknownWorkspace)
    events = _all_sent(input.events)
    return Change(
        account_id,
        lambda s, a: alone(usage.record(s, a, workspace_id=workspace_id, events=events)),
        unknown=UnknownWorkspace,
    )


@mutation(
    payload=UsageRecordPayload,
    refusals=(UnknownWorkspace, BatchTooLarge, PriceChanged),
    description="Record usage events, one or up to 1,000. Sending an event again changes nothing.",
)
async def usage_record(info: Info, input: UsageRecordInput) -> UsageRecordPayload:
    """Record usage events."""
    outcomes = await _made(info, usage_record_change(info, input), token=input.preview_token)
    metrics.events_recorded(outcome.status for outcome in outcomes)
    return _recorded(outcomes)


def usage_take_back_change(info: Info, input: UsageTakeBackInput) -> Change:
    """Plan to take a usage event back."""
    account_id, workspace_id = must_reach(info, input.workspace_id, "Workspace", UnknownWorkspace)
    event_id, reason = input.event_id, input.reason
    return Change(
        account_id,
        lambda s, a: alone(
            usage.take_back(s, a, workspace_id=workspace_id, event_id=event_id, reason=reason)
        ),
        unknown=UnknownWorkspace,
    )


@mutation(
    payload=UsageTakeBackPayload,
    refusals=(UnknownWorkspace, UnknownEvent, AlreadyTakenBack, PriceChanged),
    description="Undo a usage event, once, at any age; it no longer counts on its own day.",
)
async def usage_take_back(info: Info, input: UsageTakeBackInput) -> UsageTakeBackPayload:
    """Take a usage event back."""
    await _made(info, usage_take_back_change(info, input), token=input.preview_token)
    return UsageTakeBackPayload(event_id=input.event_id)


async def _made(info: Info, change: Change, *, token: str | None) -> Any:
    """Make a change of usage; batches of one account go side by side, unless one holds to a price."""
    if token is not None:
        return (await make(info, change, token=token))[0]
    ctx = info.context
    session = await ctx.begin()
    account = await read_account(session, account_id=change.account_id, wall=ctx.wall, unknown=change.unknown)
    result, _ = await change.run(session, account)
    return result


def _all_sent(events: list[UsageEventInput]) -> list[SentEvent]:
    bulk = unpacked(events[0].event_id) if len(events) == 1 else None
    return [_sent(event) for event in events] if bulk is None else bulk


def _sent(event: UsageEventInput) -> SentEvent:
    return SentEvent(
        event_id=event.event_id,
        metric=event.metric,
        quantity=whole_number(event.quantity),
        at=event.at,
        channel=event.channel,
        conversation_id=event.conversation_id,
        properties=event.properties,
    )


def _recorded(outcomes: list[Outcome]) -> UsageRecordPayload:
    counts = Counter(outcome.status for outcome in outcomes)
    return UsageRecordPayload(
        accepted=counts[EventStatus.ACCEPTED],
        duplicates=counts[EventStatus.DUPLICATE],
        rejected=counts[EventStatus.REJECTED],
        of_each=outcomes,
    )

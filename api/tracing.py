"""Where a usage event went, from the sender's id to the invoice line."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from api.enums import Channel, Metric
from api.invoices import Invoice, invoice
from api.lines import InvoiceLine, TierPart, stored_line, tier_part
from api.periods import Period, period
from api.scalars import BigInt
from services.tracing import Trace


@strawberry.type(description="A line that bills the period of a usage event, and its invoice.")
class BilledOn:
    """Where usage was billed."""

    invoice: Invoice = strawberry.field(description="The invoice.")
    line: InvoiceLine = strawberry.field(description="The line.")


@strawberry.type(description="A level of an alert that fired as the event was recorded.")
class FiredLevel:
    """A level and its threshold."""

    level: int = strawberry.field(description="The level in percent: 50, 80 or 100.")
    threshold: BigInt = strawberry.field(description="The threshold in units.")


@strawberry.type(description="A recorded usage event and what became of it.")
class UsageEventTrace:
    """A trace."""

    event_id: str = strawberry.field(description="The sender's id.")
    metric: Metric = strawberry.field(description="The metric.")
    quantity: BigInt = strawberry.field(description="The quantity as sent.")
    units: BigInt = strawberry.field(description="The units it counts for.")
    channel: Channel | None = strawberry.field(description="The channel of a message.")
    conversation_id: str | None = strawberry.field(description="The conversation of a resolution.")
    at: datetime = strawberry.field(description="Its moment.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    day: date = strawberry.field(description="The local date it counts on.")
    period: Period | None = strawberry.field(description="The usage period it counts in.")
    is_free: bool = strawberry.field(description="Whether it is not billed: a trial's usage is free.")
    tiers: list[TierPart] = strawberry.field(
        description="The tiers its units fall in and their prices, counted in the order events were recorded."
    )
    taken_back_at: datetime | None = strawberry.field(description="When it was taken back.")
    taken_back_reason: str | None = strawberry.field(description="Why it was taken back.")
    billed_on: list[BilledOn] = strawberry.field(
        description="The lines that bill its metric and period, adjustments among them, first to last; needs the "
        "permission billing.view."
    )
    alerts_fired: list[FiredLevel] = strawberry.field(
        description="Levels of alerts on its metric that fired as it was recorded."
    )
    as_of: datetime = strawberry.field(description="The moment this is true of.")
    account_id: strawberry.Private[UUID]


def usage_event_trace(trace: Trace) -> UsageEventTrace:
    """Show a trace."""
    event = trace.event
    return UsageEventTrace(
        event_id=event.event_id,
        metric=Metric(event.metric),
        quantity=BigInt(event.quantity),
        units=BigInt(event.units),
        channel=Channel(event.channel) if event.channel else None,
        conversation_id=event.conversation_id,
        at=event.at,
        recorded_at=event.recorded_at,
        day=event.day,
        period=period(trace.period) if trace.period else None,
        is_free=trace.is_free,
        tiers=[tier_part(part.first, part.last, part.units, part.price) for part in trace.tiers],
        taken_back_at=trace.taken_back.taken_back_at if trace.taken_back else None,
        taken_back_reason=trace.taken_back.reason if trace.taken_back else None,
        billed_on=[BilledOn(invoice=invoice(row), line=stored_line(line)) for row, line in trace.lines],
        alerts_fired=[FiredLevel(level=row.level, threshold=BigInt(row.threshold)) for row in trace.alerts],
        as_of=trace.as_of,
        account_id=event.account_id,
    )

"""What was known when an invoice was made: facts by their place, usage by the database's time, invoices by number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.facts import fact_of
from adapters.seatfacts import seat_facts
from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.subscriptions import SubscriptionFact
from adapters.tables.teammates import SeatChange
from domain.calendar import Period
from domain.charges import History
from domain.invoicing import Billed
from domain.pricebook import Metric, PriceBook
from domain.sections import Section

# A close waits for recordings under way and holds new ones back, so the database's time tells exactly what it saw.
_USAGE: Final = text("""
    SELECT event.metric, event.day, sum(event.units)::bigint AS units
    FROM usage_events event
    WHERE event.account_id = :account AND event.known_at < :known_at AND NOT EXISTS (
        SELECT FROM usage_takebacks taken
        WHERE taken.account_id = event.account_id AND taken.workspace_id = event.workspace_id
            AND taken.event_id = event.event_id AND taken.known_at < :known_at
    )
    GROUP BY event.metric, event.day
""")


async def history(
    session: AsyncSession, invoice: Invoice, *, zone: ZoneInfo, books: Mapping[int, PriceBook]
) -> tuple[History, dict[str, Billed]]:
    """Give the history of an invoice's subscription and what was billed for it, as known when the invoice was made."""
    facts = await session.scalars(
        select(SubscriptionFact)
        .where(
            col(SubscriptionFact.account_id) == invoice.account_id,
            col(SubscriptionFact.subscription_id) == invoice.subscription_id,
            col(SubscriptionFact.position) < invoice.known_position,
        )
        .order_by(col(SubscriptionFact.position))
    )
    changes = await session.scalars(
        select(SeatChange).where(
            col(SeatChange.account_id) == invoice.account_id,
            col(SeatChange.position) < invoice.known_position,
        )
    )
    usage: dict[tuple[Metric, date], int] = {}
    values = {"account": invoice.account_id, "known_at": invoice.known_at}
    for row in await session.execute(_USAGE, values):
        usage[Metric(row.metric), row.day] = row.units
    return (
        History(
            zone=zone,
            facts=tuple(fact_of(row) for row in facts),
            seat_changes=tuple(seat_facts(changes)),
            usage=usage,
            books=books,
        ),
        await _billed(session, invoice),
    )


async def _billed(session: AsyncSession, invoice: Invoice) -> dict[str, Billed]:
    query = (
        select(InvoiceLine)
        .join(
            Invoice,
            (col(Invoice.account_id) == col(InvoiceLine.account_id))
            & (col(Invoice.id) == col(InvoiceLine.invoice_id)),
        )
        .where(
            col(InvoiceLine.account_id) == invoice.account_id,
            col(InvoiceLine.subscription_id) == invoice.subscription_id,
            col(Invoice.number) < invoice.number,
            col(Invoice.issued_in) != invoice.issued_in,
            or_(col(Invoice.voided_at).is_(None), col(Invoice.voided_at) > invoice.known_at),
        )
        .order_by(col(Invoice.number))
    )
    found: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in await session.scalars(query):
        found[line.key].append(line)
    return {key: _sum(lines) for key, lines in found.items()}


def _sum(lines: list[InvoiceLine]) -> Billed:
    line = lines[0]
    return Billed(
        section=Section(line.section),
        description=line.description,
        period=Period(line.period_start, line.period_end),
        service=Period(line.service_start, line.service_end),
        amount=sum(each.amount_cents for each in lines),
        change=line.change_key,
    )

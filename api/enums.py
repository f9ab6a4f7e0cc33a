"""The closed sets of the rules, given their GraphQL names and descriptions in one place."""

from __future__ import annotations

import strawberry

from domain.charges import Section
from domain.dunning import AttemptStatus
from domain.invoicing import InvoiceStatus
from domain.pricebook import Channel, Metric, Plan
from domain.seats import SeatType
from domain.usage import Rejection
from services.usage import EventStatus

__all__ = [
    "AttemptStatus",
    "Channel",
    "EventStatus",
    "InvoiceStatus",
    "Metric",
    "Plan",
    "Rejection",
    "SeatType",
    "Section",
]

strawberry.enum(Plan, description="What a subscription is for; every full seat costs its price.")
strawberry.enum(Metric, description="What usage is counted in.")
strawberry.enum(Channel, description="How a message was sent.")
strawberry.enum(SeatType, description="A full seat is billed by the day; a lite seat is free.")
strawberry.enum(EventStatus, description="What became of one event.")
strawberry.enum(Rejection, description="Why an event was not recorded.")
strawberry.enum(Section, name="InvoiceSection", description="Part of an invoice.")
strawberry.enum(InvoiceStatus, description="Where an issued invoice stands.")
strawberry.enum(
    AttemptStatus,
    name="PaymentStatus",
    description="Where an attempt stands; UNKNOWN means the provider's answer was lost and is asked for again.",
)

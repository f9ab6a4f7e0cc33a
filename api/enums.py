"""The closed sets of the rules, given their GraphQL names and descriptions in one place."""

from __future__ import annotations

import strawberry

from domain.alerts import AlertMetric
from domain.charges import Section, Stream
from domain.dunning import AttemptStatus, DunningState
from domain.entitlements import Barrier
from domain.events import Rejection
from domain.invoicing import InvoiceStatus
from domain.ledger import LedgerAccount, MoveKind
from domain.limits import SwitchCause
from domain.phases import PhaseKind
from domain.pricebook import Channel, Metric, Plan
from domain.refunds import RefundStatus
from domain.seats import SeatType
from domain.webhooks import DeliveryStatus, EventKind
from services.notifications import NoticeKind
from services.outbox import MailStatus
from services.usage import EventStatus

__all__ = [
    "AlertMetric",
    "AttemptStatus",
    "Barrier",
    "Channel",
    "DeliveryStatus",
    "DunningState",
    "EventKind",
    "EventStatus",
    "InvoiceStatus",
    "LedgerAccount",
    "MailStatus",
    "Metric",
    "MoveKind",
    "NoticeKind",
    "PhaseKind",
    "Plan",
    "RefundStatus",
    "Rejection",
    "SeatType",
    "Section",
    "Stream",
    "SwitchCause",
]

strawberry.enum(Plan, description="What a subscription is for; every full seat costs its price.")
strawberry.enum(Metric, description="What usage is counted in.")
strawberry.enum(Channel, description="How a message was sent.")
strawberry.enum(PhaseKind, name="SubscriptionBilling", description="How a subscription is billed.")
strawberry.enum(SeatType, description="A full seat is billed by the day; a lite seat is free.")
strawberry.enum(EventStatus, description="What became of one event.")
strawberry.enum(Rejection, description="Why an event was not recorded.")
strawberry.enum(Section, name="InvoiceSection", description="Part of an invoice.")
strawberry.enum(Stream, name="InvoiceStream", description="Which of the invoices of one date.")
strawberry.enum(InvoiceStatus, description="Where an issued invoice stands.")
strawberry.enum(
    AttemptStatus,
    name="PaymentStatus",
    description="Where an attempt stands; UNKNOWN means the provider's answer was lost and is asked for again, "
    "ACTION_NEEDED that the customer is to confirm it.",
)
strawberry.enum(
    DunningState,
    name="CollectionState",
    description="Where the collection of an open invoice stands: RETRYING on the ladder's dates, CONFIRMING while the "
    "customer is to confirm a charge, STOPPED by a hard decline, USED_UP after the last retry.",
)
strawberry.enum(
    LedgerAccount,
    description="Where money stands: owed by the customer, earned, the customer's credit, received, given up, or on its "
    "way back.",
)
strawberry.enum(MoveKind, name="MoneyMoveKind", description="What moved money.")
strawberry.enum(
    RefundStatus,
    description="Where a refund stands; UNKNOWN means the provider's answer was lost and is asked for again.",
)
strawberry.enum(
    AlertMetric,
    description="What an alert watches: a usage metric, full seats held, or dollars of the next invoice.",
)
strawberry.enum(Barrier, name="EntitlementReason", description="Why a workspace may not use a channel.")
strawberry.enum(SwitchCause, name="LimitSwitchCause", description="What turned a channel off or on.")
strawberry.enum(EventKind, name="WebhookEventKind", description="What an endpoint can be told of.")
strawberry.enum(DeliveryStatus, name="WebhookDeliveryStatus", description="Where a delivery stands.")
strawberry.enum(NoticeKind, name="NotificationKind", description="What a notice is about.")
strawberry.enum(
    MailStatus,
    description="Where a mail stands. A waiting one is tried again for three days; one given up keeps the reason.",
)

"""The closed sets of the rules, given their GraphQL names and descriptions in one place."""

from __future__ import annotations

from typing import Final

from api.enumerated import enumerated
from domain.alerts import AlertMetric
from domain.audit import ChangeKind as AuditChangeKind
from domain.dunning import AttemptStatus, DunningState
from domain.entitlements import Barrier
from domain.events import ADVICE, Rejection
from domain.invoicing import InvoiceStatus
from domain.ledger import LedgerAccount, MoveKind
from domain.limits import SwitchCause
from domain.permissions import Permission, Role
from domain.phases import PhaseKind
from domain.pricebook import Channel, Metric, Plan
from domain.refunds import RefundStatus
from domain.seats import SeatType
from domain.sections import Section, Stream
from domain.webhooks import DeliveryStatus, EventKind
from services.callers import CallerKind
from services.notifications import NoticeKind
from services.outbox import MailStatus
from services.usage import EventStatus

__all__ = [
    "AlertMetric",
    "AttemptStatus",
    "AuditChangeKind",
    "Barrier",
    "CallerKind",
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
    "Permission",
    "PhaseKind",
    "Plan",
    "RefundStatus",
    "Rejection",
    "Role",
    "SeatType",
    "Section",
    "Stream",
    "SwitchCause",
]

_METRICS: Final = {
    "MESSAGES_SENT": "Posts, push messages, tours, carousels and surveys sent; needs Proactive Support Plus.",
    "BULK_EMAIL": "Emails of a broadcast, one for each receiver.",
    "SMS_SEGMENT": "Segments of text messages.",
    "WHATSAPP_SENT": "WhatsApp messages.",
    "PHONE_MINUTE": "Minutes of calls.",
    "FIN_RESOLUTION": "Conversations that the Fin AI Agent resolved.",
}

enumerated(
    "What a subscription is for; every full seat costs its price.",
    ESSENTIAL="The smallest plan.",
    ADVANCED="The middle plan.",
    EXPERT="The largest plan.",
)(Plan)
enumerated(
    "What usage is counted in.",
    **_METRICS,
)(Metric)
enumerated(
    "How a message was sent.",
    POST="A post in the messenger.",
    MOBILE_PUSH="A push message to a phone.",
    PRODUCT_TOUR="A product tour.",
    MOBILE_CAROUSEL="A carousel in a mobile app.",
    SURVEY="A survey.",
)(Channel)
enumerated(
    "How a subscription is billed.",
    name="SubscriptionBilling",
    TRIAL="Not yet: a free trial.",
    MONTHLY="Month by month.",
    EARLY_STAGE="Month by month, at the discount of the early-stage programme.",
    YEARLY="By a yearly term.",
    CONTRACT="By a contract with agreed prices.",
)(PhaseKind)
enumerated(
    "A full seat is billed by the day; a lite seat is free.",
    FULL="Billed by the day.",
    LITE="Free, and counted against the plan's number.",
)(SeatType)
enumerated(
    "What became of one event.",
    ACCEPTED="It is recorded and counts.",
    DUPLICATE="The same event was recorded before; it counts once.",
    REJECTED="It is not recorded; the reason is given.",
)(EventStatus)
enumerated(
    "Why an event was not recorded.",
    **{each.name: advice for each, advice in ADVICE.items()},
)(Rejection)
enumerated(
    "Part of an invoice.",
    name="InvoiceSection",
    ADDITIONAL_USAGE="Usage beyond what is included, for the period that ended.",
    PRORATIONS="What changed within a period, for the days it changed.",
    SUBSCRIPTION="What is paid in advance.",
)(Section)
enumerated(
    "Which of the invoices of one date.",
    name="InvoiceStream",
    FINAL="The last of a subscription, or of a price book left behind.",
    ADDITIONAL_USAGE="What a yearly term or a contract has beside its fee: usage and, of a term, prorations.",
    SUBSCRIPTION="What is paid in advance; month by month, everything.",
    CHANGE="What a change costs at once.",
)(Stream)
enumerated(
    "Where an issued invoice stands.",
    OPEN="Issued and not paid in full.",
    PAID="Nothing is left to pay.",
    UNCOLLECTIBLE="Written off: given up as a loss.",
    VOID="Taken back as if never issued.",
)(InvoiceStatus)
enumerated(
    "Where an attempt stands; UNKNOWN means the provider's answer was lost and is asked for again, ACTION_NEEDED that the customer is to confirm it.",
    name="PaymentStatus",
    PENDING="On its way to the provider.",
    SUCCEEDED="The money is received.",
    DECLINED="The provider or the bank said no.",
    UNKNOWN="The provider's answer was lost and is asked for again.",
    ACTION_NEEDED="The customer is to confirm it.",
)(AttemptStatus)
enumerated(
    "Where the collection of an open invoice stands: RETRYING on the ladder's dates, CONFIRMING while the customer is to confirm a charge, STOPPED by a hard decline, USED_UP after the last retry.",
    name="CollectionState",
    RETRYING="It is charged again on the ladder's next date.",
    CONFIRMING="The customer is to confirm a charge.",
    STOPPED="A hard decline ended the retries; the payer is to act.",
    USED_UP="The last retry was declined; the payer is to act.",
)(DunningState)
enumerated(
    "Where money stands: owed by the customer, earned, the customer's credit, received, given up, or on its way back.",
    RECEIVABLE="Owed by the customer.",
    REVENUE="Earned.",
    CREDIT="The customer's credit.",
    CASH="Received.",
    WRITE_OFF="Given up.",
    REFUND="On its way back to the customer.",
)(LedgerAccount)
enumerated(
    "What moved money.",
    name="MoneyMoveKind",
    INVOICE_ISSUED="An invoice was issued.",
    CREDIT_APPLIED="Credit was used for an invoice.",
    PAYMENT="A payment was received.",
    CREDIT_NOTE="A credit note was given.",
    INVOICE_VOIDED="An invoice was voided.",
    WRITE_OFF="An invoice was written off.",
    REFUND="A refund was asked for.",
    REFUND_PAID="A refund was paid out.",
    REFUND_FAILED="A refund failed; the money is credit again.",
)(MoveKind)
enumerated(
    "Where a refund stands; UNKNOWN means the provider's answer was lost and is asked for again.",
    PENDING="On its way.",
    SUCCEEDED="Paid out.",
    FAILED="The provider could not pay it out.",
    UNKNOWN="The provider's answer was lost and is asked for again.",
)(RefundStatus)
enumerated(
    "What an alert watches: a usage metric, full seats held, or dollars of the next invoice.",
    **_METRICS,
    FULL_SEATS="Full seats held.",
    TOTAL_SPEND="Dollars of the next invoice.",
)(AlertMetric)
enumerated(
    "Why a workspace may not use a channel.",
    name="EntitlementReason",
    NO_SUBSCRIPTION="The account has no subscription.",
    SUBSCRIPTION_ENDED="The subscription is over.",
    ACCOUNT_FROZEN="The account is frozen until every open invoice is paid.",
    NEEDS_PSP="Proactive Support Plus is not switched on.",
    TRIAL_CAP_REACHED="The trial's allowance is used up.",
    ACCOUNT_LIMIT_REACHED="The account's own limit is reached.",
    WORKSPACE_LIMIT_REACHED="The workspace's own limit is reached.",
)(Barrier)
enumerated(
    "What turned a channel off or on.",
    name="LimitSwitchCause",
    USAGE="Usage reached the limit, or fell below it.",
    LIMIT_SET="The limit was set to another value.",
    LIMIT_TURNED_OFF="The limit was turned off.",
    NEW_PERIOD="A new usage period began.",
)(SwitchCause)
enumerated(
    "What an endpoint can be told of.",
    name="WebhookEventKind",
    INVOICE_ISSUED="An invoice was issued.",
    INVOICE_UPDATED="What is left to pay of an invoice, or its collection, changed.",
    INVOICE_PAID="Nothing is left to pay of an invoice.",
    INVOICE_VOIDED="An invoice was voided.",
    INVOICE_UNCOLLECTIBLE="An invoice was written off.",
    PAYMENT_FAILED="A charge was declined.",
    PAYMENT_ACTION_NEEDED="The customer is to confirm a charge.",
    REFUND_SUCCEEDED="A refund was paid out.",
    REFUND_FAILED="A refund failed.",
    SUBSCRIPTION_CHANGED="A subscription or its terms changed.",
    SEAT_CHANGED="Somebody's seat changed.",
    ALERT_FIRED="An alert's level was reached.",
    LIMIT_DISABLED="A limit turned a channel off.",
    LIMIT_ENABLED="A channel is on again.",
    ACCOUNT_FROZEN="The account was frozen.",
    ACCOUNT_RESTORED="The account is frozen no more.",
    PING="Somebody asked for a test.",
)(EventKind)
enumerated(
    "Where a delivery stands.",
    name="WebhookDeliveryStatus",
    WAITING="To be sent, or sent again.",
    DELIVERED="The endpoint took it.",
    GIVEN_UP="The endpoint did not take it, and it is tried no more.",
)(DeliveryStatus)
enumerated(
    "What a notice is about.",
    name="NotificationKind",
    ALERT="An alert's level was reached.",
    LIMIT_DISABLED="A limit turned a channel off.",
    LIMIT_ENABLED="A channel is on again.",
    RENEWAL_REMINDER="A term renews soon.",
    INVOICE_ISSUED="An invoice was issued.",
    PAYMENT_FAILED="A charge was declined.",
    ACTION_NEEDED="The customer is to confirm a charge.",
    FROZEN="The account was frozen.",
    RESTORED="The account is frozen no more.",
    INVITE="Somebody is invited.",
    WEBHOOK_DISABLED="An endpoint of webhooks was turned off.",
)(NoticeKind)
enumerated(
    "Where a mail stands. A waiting one is tried again for three days; one given up keeps the reason.",
    WAITING="To be sent, or tried again.",
    SENT="The mail server took it.",
    GIVEN_UP="It is tried no more; the reason is kept.",
)(MailStatus)
enumerated(
    "What somebody may be allowed: a person by role, a key by its scopes.",
    BILLING_VIEW="See the subscription, invoices, payments and mails.",
    BILLING_MANAGE="Change what is bought, pay, and open workspaces.",
    SEATS_MANAGE="Invite, remove and switch teammates, and give roles.",
    USAGE_VIEW="See usage, alerts, limits and notices.",
    USAGE_RECORD="Report usage; for services.",
    ALERTS_MANAGE="Set alerts.",
    LIMITS_MANAGE="Set hard limits.",
    WEBHOOKS_MANAGE="Set up webhooks and see what was sent; also needs the sight of bills and usage.",
    AUDIT_VIEW="Read the audit log.",
    ACCOUNT_MANAGER="Sign, amend and end contracts; for the seller's services.",
    STAFF="Credit, void, refund, correct and open accounts; for the seller's services.",
)(Permission)
enumerated(
    "What a teammate does in a workspace; `roles` tells what each may do.",
    ADMIN="Everything of the workspace and its account.",
    BILLING="Billing, alerts and limits.",
    PEOPLE="Teammates.",
    DEVELOPER="Webhooks.",
    AUDITOR="Sees all, changes nothing.",
    MEMBER="None of it.",
)(Role)
enumerated(
    "What calls.",
    KEY="An API key.",
    USER="A person.",
    SYSTEM="The system itself.",
)(CallerKind)
enumerated(
    "What became of a row.",
    name="AuditChangeKind",
    CREATED="It was created: nothing is before.",
    CHANGED="Some of its fields were changed.",
    REMOVED="It was removed: nothing is after.",
)(AuditChangeKind)
